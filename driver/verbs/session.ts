import { createInterface } from "node:readline/promises";
import { clusterAccess } from "../cluster/client";
import { interruptSignal } from "../interrupts";
import { jsonReporter, textReporter } from "../report/reporters";
import type { Reporter } from "../report/events";
import type { Ending, RolloutContext } from "../rollout/context";
import { openStack } from "../stack/engine";
import { StackFile } from "../stack/file";

/** Options that every verb has. */
export interface CommonOptions {
  readonly stack: string;
  readonly cwd: string;
  readonly json?: boolean;
  readonly yes?: boolean;
  readonly debug?: boolean;
}

async function ask(question: string, signal: AbortSignal): Promise<boolean> {
  const lines = createInterface({ input: process.stdin, output: process.stderr });
  // The prompt reads keys itself, so that Ctrl-C would never become a signal.
  lines.on("SIGINT", () => process.kill(process.pid, "SIGINT"));
  try {
    return /^y(es)?$/i.test((await lines.question(`${question} [y/N] `, { signal })).trim());
  } finally {
    lines.close();
  }
}

function confirmation({ yes, json }: CommonOptions): RolloutContext["confirm"] {
  if (yes) return async () => true;
  return process.stdin.isTTY && process.stdout.isTTY && !json ? ask : async () => false;
}

/** Lines for a person, or for a program with `--json`. */
export const reporterOf = (options: CommonOptions): Reporter => (options.json ? jsonReporter(process.stdout) : textReporter(process.stdout));

/** Opens the stack, runs a verb on it and reports how it ended; returns the exit code. */
export async function withStack(options: CommonOptions, verb: (context: RolloutContext) => Promise<Ending>): Promise<number> {
  const report = reporterOf(options);
  const file = new StackFile(options.cwd, options.stack);
  // The file first: a wrong config is told at once, before Pulumi is started.
  file.read();
  const signal = interruptSignal();
  const engine = await openStack(options.cwd, options.stack);
  const ending = await verb({ file, engine, report, signal, cluster: clusterAccess(file.cluster()), confirm: confirmation(options) });
  report({ event: "end", outcome: ending.outcome, message: ending.message });
  return ending.exitCode;
}
