import { createInterface } from "node:readline/promises";
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

async function ask(question: string): Promise<boolean> {
  const lines = createInterface({ input: process.stdin, output: process.stderr });
  const answer = await lines.question(`${question} [y/N] `);
  lines.close();
  return /^y(es)?$/i.test(answer.trim());
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
  const interactive = process.stdin.isTTY && process.stdout.isTTY && !options.json;
  const confirm = options.yes ? undefined : interactive ? ask : undefined;
  const ending = await verb({ file, engine, report, signal, confirm });
  report({ event: "end", outcome: ending.outcome, message: ending.message });
  return ending.exitCode;
}
