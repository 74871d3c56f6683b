import { spawn } from "node:child_process";
import * as path from "node:path";
import { createInterface } from "node:readline";
import { killTree } from "../processes";
import type { DemoProject } from "./project";

const CANARY = path.resolve(__dirname, "../../../bin/canary.js");

/** One line of the driver's `--json` output. */
export interface DriverEvent {
  readonly event: string;
  readonly outcome?: string;
  readonly message: string;
}

export interface DriverRun {
  readonly exitCode: number;
  readonly events: readonly DriverEvent[];
  readonly stderr: string;
  readonly seconds: number;
}

export interface RunOptions {
  readonly signal?: AbortSignal;
  /** Lets the driver write to this terminal itself; there are no events then. */
  readonly attached?: boolean;
  readonly onEvent?: (event: DriverEvent, pid: number) => void;
}

/** Runs the driver's command line as a user does, in a process of its own. */
export async function runCanary(project: DemoProject, args: readonly string[], { signal, attached = false, onEvent }: RunOptions = {}): Promise<DriverRun> {
  const began = Date.now();
  const all = [CANARY, ...args, "--stack", project.stack, "--cwd", project.dir, ...(attached ? [] : ["--json"])];
  // A session of its own: Ctrl-C at the terminal is this process's to handle.
  const [command, ...rest] = [...(project.within ?? []), process.execPath, ...all];
  const child = spawn(command!, rest, { env: project.env, detached: true, stdio: ["ignore", attached ? "inherit" : "pipe", attached ? "inherit" : "pipe"] });
  const events: DriverEvent[] = [];
  let stderr = "";
  if (child.stdout)
    createInterface({ input: child.stdout }).on("line", (line) => {
      const event = JSON.parse(line) as DriverEvent;
      events.push(event);
      onEvent?.(event, child.pid!);
    });
  child.stderr?.on("data", (chunk: Buffer) => (stderr += chunk.toString()));
  // What the driver would make safe first ends with the cluster.
  let killed: Promise<void> | undefined;
  const stop = (): void => void (killed = killTree(child.pid!));
  signal?.addEventListener("abort", stop);
  const exitCode = await new Promise<number>((resolve, reject) => child.on("close", (code) => resolve(code ?? -1)).on("error", reject));
  signal?.removeEventListener("abort", stop);
  await killed;
  return { exitCode, events, stderr, seconds: (Date.now() - began) / 1000 };
}
