import { Command, Option } from "commander";
import { stackOptions } from "../settings";
import type { CommonOptions } from "../verbs/session";

export interface VerbSpec<O extends CommonOptions> {
  /** As commander writes it, e.g. `traffic <weight>`. */
  readonly usage: string;
  readonly description: string;
  readonly alias?: string;
  /** Adds arguments and options. */
  readonly with?: (command: Command) => Command;
  /** Lines below the help. */
  readonly examples: readonly string[];
  /** Returns the exit code. */
  readonly run: (options: O, ...args: string[]) => Promise<number>;
}

/** Adds a verb that works on a stack. Parsing never exits by itself: the verb's exit code is left in `process.exitCode`. */
export function addVerb<O extends CommonOptions>(program: Command, spec: VerbSpec<O>): void {
  const command = program.command(spec.usage).description(spec.description);
  stackOptions(command)
    .addOption(new Option("--cwd <dir>", "the Pulumi project's folder").default(process.cwd(), "the current folder").env("CANARY_CWD"))
    .option("--json", "one JSON object a line instead of text")
    .option("--yes", "answer every question with yes")
    .option("--debug", "show stack traces");
  if (spec.alias) command.alias(spec.alias);
  (spec.with?.(command) ?? command).action(async (...given: unknown[]) => {
    const count = command.registeredArguments.length;
    process.exitCode = await spec.run(given[count] as O, ...(given.slice(0, count) as string[]));
  });
  command.addHelpText("after", `\nExamples:\n${spec.examples.map((line) => `  $ canary ${line}`).join("\n")}`);
}
