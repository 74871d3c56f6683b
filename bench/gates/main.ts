import { availableParallelism } from "node:os";
import { resolve } from "node:path";
import { Worker, isMainThread, parentPort, workerData } from "node:worker_threads";
import { figures, promises, writeFigures } from "./report";
import { type Result, TASKS, runSlice } from "./tasks";

interface Slice {
  first: number;
  stride: number;
}

function inParallel(workers: number): Promise<Result[][]> {
  return Promise.all(
    Array.from({ length: workers }, (_, first) => new Promise<Result[]>((done, failed) => {
      new Worker(__filename, { workerData: { first, stride: workers } satisfies Slice }).once("message", done).once("error", failed);
    })),
  );
}

async function main(): Promise<void> {
  const started = Date.now();
  const parts = (await inParallel(availableParallelism())).flat();
  const results = new Map(TASKS.map(({ id }): [string, Result] => {
    const own = parts.filter((p) => p.id === id);
    return [id, { id, outcomes: own.flatMap((p) => p.outcomes), passes: own.reduce((sum, p) => sum + p.passes, 0) }];
  }));
  const text = figures(results, { wall: (Date.now() - started) / 1000, processor: (process.cpuUsage().user + process.cpuUsage().system) / 1e6 });
  process.stdout.write(`${text}\n`);
  writeFigures(resolve("docs", "gates.md"), text);
  if (promises(results).some((p) => !p.kept)) process.exitCode = 1;
}

if (isMainThread) void main();
else parentPort?.postMessage(TASKS.map((task) => runSlice(task, (workerData as Slice).first, (workerData as Slice).stride)));
