import { spawn, type ChildProcess } from "node:child_process";
import * as fs from "node:fs";
import * as path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { SandboxError } from "../errors";

export interface DaemonSpec {
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly log: string;
  /** Resolves to true once the daemon serves. */
  readonly ready: () => Promise<boolean>;
}

/** How long a daemon may take until it is ready, in ms: generous, for machines that are busy. */
const READY_WITHIN = 60_000;
const RESTART_AFTER = 1000;

/** A long-running process of the cluster that is started again when it dies. */
export class Daemon {
  private child: ChildProcess | undefined;
  private ended = false;

  constructor(private readonly spec: DaemonSpec) {}

  private launch(): void {
    const { command, args, log } = this.spec;
    fs.mkdirSync(path.dirname(log), { recursive: true });
    const out = fs.openSync(log, "a", 0o600);
    this.child = spawn(command, args, { stdio: ["ignore", out, out] });
    fs.closeSync(out);
    this.child.on("error", (cause) => fs.appendFileSync(log, `cannot start ${command}: ${cause.message}\n`));
    this.child.on("exit", (code, signal) => {
      fs.appendFileSync(log, `${this.spec.name} ended (${signal ?? code}), starting again\n`);
      if (!this.ended) setTimeout(() => this.ended || this.launch(), RESTART_AFTER);
    });
  }

  /**
   * Starts it and waits until it is ready.
   * @throws SandboxError with the end of its log when it is not ready in time.
   */
  async start(): Promise<void> {
    this.launch();
    const deadline = Date.now() + READY_WITHIN;
    while (Date.now() < deadline) {
      if (await this.spec.ready().catch(() => false)) return;
      await sleep(50);
    }
    const log = fs.readFileSync(this.spec.log, "utf8").trim().split("\n").slice(-5).join("\n");
    throw new SandboxError(`${this.spec.name} was not ready after ${READY_WITHIN / 1000} s; the end of its log:\n${log}`);
  }

  /** Ends it for good, at once. */
  kill(): void {
    this.ended = true;
    this.child?.kill("SIGKILL");
  }
}

/** Whether a URL answers with a status below 400. */
export async function answers(url: string): Promise<boolean> {
  const response = await fetch(url, { signal: AbortSignal.timeout(2000) });
  await response.arrayBuffer();
  return response.ok;
}
