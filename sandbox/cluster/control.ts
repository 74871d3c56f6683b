import * as fs from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { SandboxError } from "../errors";
import { startTimeOf } from "../processes";
import { ClusterFiles, isRunning, stateRoot, type ClusterRecord } from "./state";

/** How long the kernel may take to end a cluster's processes, in ms. */
const END_WITHIN = 10_000;

/**
 * Ends every process of a cluster and removes its files; does nothing when there is none.
 *
 * @throws SandboxError when the kernel does not end them in time; the files are left then
 */
export async function endCluster(files: ClusterFiles): Promise<void> {
  const record = files.readRecord();
  if (record && isRunning(record)) {
    // Outside the namespaces one process is left, and the kernel kills everything inside when it dies.
    process.kill(record.pid, "SIGKILL");
    for (const deadline = Date.now() + END_WITHIN; startTimeOf(record.init) !== undefined && Date.now() < deadline; ) await sleep(20);
    if (startTimeOf(record.init) !== undefined)
      throw new SandboxError(`Cluster "${files.name}" did not end within ${END_WITHIN / 1000} s; its first process is ${record.init}: try again.`);
  }
  files.remove();
}

/** Names of all clusters that left a folder, running or not. */
export function clusterNames(): string[] {
  if (!fs.existsSync(stateRoot())) return [];
  return fs.readdirSync(stateRoot()).sort();
}

/** A running cluster, or undefined when there is none of that name. */
export function findCluster(name: string): { files: ClusterFiles; record: ClusterRecord } | undefined {
  const files = new ClusterFiles(name);
  const record = files.readRecord();
  if (record && isRunning(record)) return { files, record };
  return undefined;
}
