import * as fs from "node:fs";
import { Argument, Option, type Command } from "commander";
import { scriptFor, SHELLS, type Shell } from "./shells";

/** One word that may stand at the cursor. */
export interface Candidate {
  readonly value: string;
  readonly description: string;
}

/** What the shell shall do: offer these words, or its own file or folder names. */
export type Completion = { readonly words: readonly Candidate[] } | { readonly own: "files" | "folders" };

/** Names of the stacks whose files are in a folder; none where it cannot be read. */
export function stacksIn(folder: string): string[] {
  try {
    return fs.readdirSync(folder).flatMap((name) => /^Pulumi\.(.+)\.ya?ml$/.exec(name)?.[1] ?? []).sort();
  } catch {
    return [];
  }
}

const STACK_OPTIONS = ["--stack", "--env", "--wave"];
/** Values of options whose texts commander does not judge itself. */
const VALUES: Readonly<Record<string, readonly string[]>> = { "--plan": ["canary", "blue-green"], "--preview": ["hold"] };
/** Weights that stages have by default, and none. */
const WEIGHTS = ["0", "5", "25", "50", "100"];

const plain = (values: readonly string[], description = ""): Completion => ({ words: values.map((value) => ({ value, description })) });

/** Words with what is before their last comma kept: `--stack eu,us`. */
function listed(values: readonly string[], typed: string, description: string): Completion {
  const done = typed.slice(0, typed.lastIndexOf(",") + 1);
  const taken = done.split(",");
  return plain(values.filter((value) => !taken.includes(value)).map((value) => done + value), description);
}

/** Where the stack files are, as the verb itself would look for them. */
function folderOf(given: readonly string[], env: NodeJS.ProcessEnv): string {
  const at = given.lastIndexOf("--cwd");
  const joined = given.filter((word) => word.startsWith("--cwd=")).at(-1)?.slice("--cwd=".length);
  return (at >= 0 ? given[at + 1] : undefined) ?? joined ?? env.CANARY_CWD ?? process.cwd();
}

function valuesOf(option: Option, typed: string, folder: string): Completion {
  const long = option.long ?? "";
  if (option.argChoices) return plain(option.argChoices);
  if (STACK_OPTIONS.includes(long)) return listed(stacksIn(folder), typed, "stack");
  if (VALUES[long]) return plain(VALUES[long]);
  if (/<dir>/.test(option.flags)) return { own: "folders" };
  return /<file>/.test(option.flags) ? { own: "files" } : plain([]);
}

function valuesOfArgument(argument: Argument | undefined): Completion {
  if (argument?.argChoices) return plain(argument.argChoices);
  if (argument?.name() === "weight") return plain(WEIGHTS, "percent");
  return argument?.name() === "file" ? { own: "files" } : plain([]);
}

const firstSentence = (text: string): string => text.split(/[;:(\n]/)[0]!.trim();
const startingWith = (completion: Completion, typed: string): Completion =>
  "own" in completion ? completion : { words: completion.words.filter(({ value }) => value.startsWith(typed)) };

/** The option that a word names. */
const optionNamed = (command: Command, word: string): Option | undefined => command.options.find(({ long, short }) => word === long || word === short);

/**
 * What may stand at the cursor of a command line.
 *
 * @param line the words after `canary`, the last one being what is typed at the cursor, perhaps nothing. A shell that splits at `=` gives it as a word
 */
export function complete(program: Command, line: readonly string[], env: NodeJS.ProcessEnv = process.env): Completion {
  // bash splits `--stack=eu` in three.
  const words = line.filter((word, i) => word !== "=" || i === line.length - 1);
  const typed = words.at(-1) === "=" ? "" : (words.at(-1) ?? "");
  const before = words.slice(0, -1);
  const name = before.find((word) => !word.startsWith("-"));
  const command = name === undefined ? undefined : program.commands.find((c) => c.name() === name || c.aliases().includes(name));
  if (name === undefined) {
    const verbs = program.createHelp().visibleCommands(program).filter((c) => c.name() !== "help");
    return startingWith({ words: verbs.map((c) => ({ value: c.name(), description: firstSentence(c.description()) })) }, typed);
  }
  if (!command) return plain([]);
  const folder = folderOf(before, env);
  const asked = optionNamed(command, before.at(-1) ?? "");
  if (asked && (asked.required || asked.optional)) return startingWith(valuesOf(asked, typed, folder), typed);
  const [, long, value] = /^(--[^=]+)=(.*)$/.exec(typed) ?? [];
  const joined = long === undefined ? undefined : optionNamed(command, long);
  if (joined) {
    const values = startingWith(valuesOf(joined, value!, folder), value!);
    return "own" in values ? values : { words: values.words.map((w) => ({ ...w, value: `${long}=${w.value}` })) };
  }
  if (typed.startsWith("-")) {
    const options = command.createHelp().visibleOptions(command).filter(({ long: each }) => each && each !== "--help" && (!before.includes(each) || each === "--wave"));
    return startingWith({ words: options.map((option) => ({ value: option.long!, description: firstSentence(option.description) })) }, typed);
  }
  return startingWith(valuesOfArgument(command.registeredArguments[positionOf(command, before.slice(before.indexOf(name) + 1))]), typed);
}

/** How many arguments have been given. */
function positionOf(command: Command, given: readonly string[]): number {
  let count = 0;
  for (let i = 0; i < given.length; i++) {
    const option = optionNamed(command, given[i]!);
    if (option && (option.required || option.optional)) i++;
    else if (!given[i]!.startsWith("-")) count++;
  }
  return count;
}

/** `value<TAB>description`, a line each; `:files` or `:folders` where the shell knows better. */
export const linesOf = (completion: Completion): string[] => ("own" in completion ? [`:${completion.own}`] : completion.words.map(({ value, description }) => `${value}\t${description}`));

/** Adds `completion SHELL`, and the hidden verb that its scripts ask. */
export function completionVerbs(program: Command): void {
  program
    .command("completion")
    .description("print a script that teaches your shell the verbs, options and stacks")
    .addArgument(new Argument("<shell>").choices(SHELLS))
    .action((shell: Shell) => void process.stdout.write(scriptFor(shell)))
    .addHelpText("after", `
Examples:
  $ source <(canary completion bash)                                     this shell; in ~/.bashrc every shell
  $ source <(canary completion zsh)                                      the same in ~/.zshrc, after compinit
  $ canary completion fish > ~/.config/fish/completions/canary.fish`);
  program
    .command("complete", { hidden: true })
    .argument("[words...]")
    .allowUnknownOption()
    .helpOption(false)
    .action((words: string[]) => linesOf(complete(program, words.length > 0 ? words : [""])).forEach((line) => process.stdout.write(`${line}\n`)));
}
