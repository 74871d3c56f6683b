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
  /** Command lines below the help, without `canary`. */
  readonly examples: readonly string[];
  /** What its exit codes mean, below the examples. Default {@link USUAL_EXITS}. */
  readonly exits?: string;
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
  helpBelow(command, spec.examples, spec.exits ?? USUAL_EXITS);
}

/** What ends a verb that changes a stack, and what may keep any verb from its work. */
export const USUAL_EXITS = "0 done, 1 failed, 4 busy, 64 wrong arguments or stack file";
export const ROLLOUT_EXITS = "0 promoted or done, 1 failed before any traffic moved, 2 rolled back, 3 held, 4 busy, 64 wrong arguments or stack file, 130 and 131 interrupted and reverted or held";
export const LOOKING_EXITS = "0 done, 1 failed, 64 wrong arguments or stack file";

/** Adds examples and exit codes to a command's help. */
export function helpBelow(command: Command, examples: readonly string[], exits: string): void {
  const codes = exits.split(", ").reduce((lines: string[], code) => {
    const last = lines.at(-1);
    return last !== undefined && last.length + code.length < 74 ? [...lines.slice(0, -1), `${last}, ${code}`] : [...lines.slice(0, -1), ...(last === undefined ? [] : [`${last},`]), code];
  }, []);
  command.addHelpText("after", `\nExamples:\n${examples.map((line) => `  $ canary ${line}`).join("\n")}\n\nExit codes:\n${codes.map((line) => `  ${line}`).join("\n")}`);
}
