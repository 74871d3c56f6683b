import { spawn } from "node:child_process";
import * as fs from "node:fs";
import * as path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { parse } from "yaml";
import type { ClusterFiles } from "../cluster/state";
import { failedOf, Load, totalOf, type Counts } from "../demo/load";
import { projectFolder } from "../demo/project";
import { SandboxError } from "../errors";
import { stacksOf } from "./env";

/** The first host of the cluster's first stack. @throws SandboxError when it has none */
export function firstHost(files: ClusterFiles): string {
  for (const stack of stacksOf(files)) {
    const { config } = parse(fs.readFileSync(path.join(projectFolder(files), `Pulumi.${stack}.yaml`), "utf8")) as { config: Record<string, unknown> };
    const services = (config["canary:services"] ?? {}) as Record<string, { hosts?: string[] }>;
    const host = Object.values(services).flatMap(({ hosts = [] }) => hosts)[0];
    if (host !== undefined) return host;
  }
  throw new SandboxError(`No stack file of cluster "${files.name}" names a host: say which one with --host.`);
}

/** What was answered, in one line for each version that names itself in X-Canary-Backend; the others are one. */
export function countLines(counts: Counts): string[] {
  const all = Object.values(counts).reduce((sum, byStatus) => sum + totalOf(byStatus), 0);
  const failed = Object.values(counts).reduce((sum, byStatus) => sum + failedOf(byStatus), 0);
  const versions = Object.entries(counts).filter(([version]) => version !== "none").map(([version, byStatus]) => `  ${version}: ${totalOf(byStatus)}, ${failedOf(byStatus)} failed`);
  return [`${all} requests, ${failed} failed`, ...versions];
}

export interface LoadRun {
  readonly url: string;
  readonly host: string;
  /** Requests a second. */
  readonly rate: number;
  readonly seconds: number;
  /** Runs while the load does, and ends it. */
  readonly command: readonly string[];
}

/** Sends requests while a command runs, or for some time; resolves with the command's exit code and what was answered. */
export async function underLoad({ command, ...options }: LoadRun): Promise<{ exitCode: number; counts: Counts }> {
  // A command ends the load, however long it takes.
  const load = new Load({ ...options, url: `${options.url}/`, seconds: command.length > 0 ? Number.MAX_SAFE_INTEGER : options.seconds }).start();
  const stopped = new AbortController();
  // Ctrl-C is the command's to handle; without one it ends the load, and the counts are still told.
  const stop = (): void => stopped.abort();
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, stop);
  try {
    const exitCode = command.length > 0 ? await ended(command) : await sleep(options.seconds * 1000, 0, { signal: stopped.signal }).catch(() => 0);
    return { exitCode, counts: await load.stop() };
  } finally {
    for (const signal of ["SIGINT", "SIGTERM"] as const) process.off(signal, stop);
  }
}

function ended([program, ...args]: readonly string[]): Promise<number> {
  const child = spawn(program!, args, { stdio: "inherit" });
  return new Promise((resolve, reject) => {
    child.on("close", (code) => resolve(code ?? 1));
    child.on("error", (cause) => reject(new SandboxError(`${program} cannot be started: ${cause.message}.`, { cause })));
  });
}
