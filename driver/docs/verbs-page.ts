import type { Command, Option } from "commander";
import { commandLine } from "../cli/program";
import { EXIT } from "../errors";
import { SETTINGS } from "../settings";
import type { Setting } from "../settings/table";

const cell = (text: string): string => text.replaceAll("|", "\\|").replace(/\s*\n\s*/g, " ").replace(/<([^>]+)>/g, "&lt;$1&gt;");

/** What `--help` prints below the options. */
export function helpBelowOptions(command: Command): { examples: string[]; exits: string } {
  let text = "";
  command.configureOutput({ writeOut: (part) => void (text += part) });
  command.outputHelp();
  const [, examples = "", exits = ""] = /\nExamples:\n([\s\S]*?)(?:\n\nExit codes:\n([\s\S]*))?$/.exec(text.trimEnd()) ?? [];
  return { examples: examples.split("\n").map((line) => line.trim()).filter(Boolean), exits: exits.replace(/\s+/g, " ").trim() };
}

const optionLine = (option: Option): string => {
  const fallback = option.defaultValueDescription ?? (option.defaultValue === undefined ? "" : `\`${JSON.stringify(option.defaultValue)}\``);
  const choices = option.argChoices ? `${option.argChoices.map((c) => `\`${c}\``).join(", ")}. ` : "";
  const [, meaning = "", told] = /^(.*?)(?: \(env: ([^)]+)\))?$/s.exec(option.description) ?? [];
  const variables = [...(option.envVar ? [option.envVar] : []), ...(told?.split(", ") ?? [])].map((name) => `\`${name}\``).join(", ");
  return `| \`${option.flags}\` | ${cell(`${choices}${meaning}`)}${option.mandatory ? " (needed)" : ""} | ${variables} | ${fallback} |`;
};

const table = (options: readonly Option[]): string[] =>
  options.length === 0 ? [] : ["| option | meaning | variable | default |", "|---|---|---|---|", ...options.map(optionLine), ""];

/** Options that every verb on a stack has: described once. */
function commonTo(commands: readonly Command[]): Option[] {
  const onStack = commands.filter((c) => c.options.some(({ long }) => long === "--stack"));
  return (onStack[0]?.options ?? []).filter(({ long }) => onStack.every((c) => c.options.some((o) => o.long === long)));
}

function verb(command: Command, common: readonly Option[]): string[] {
  const { examples, exits } = helpBelowOptions(command);
  const onStack = command.options.some(({ long }) => long === "--stack");
  const own = command.options.filter(({ long, hidden }) => !hidden && !(onStack && common.some((c) => c.long === long)));
  const names = [command.name(), ...command.aliases()];
  return [
    `### canary ${command.name()}`, "",
    `${command.description()[0]!.toUpperCase()}${command.description().slice(1)}.${names.length > 1 ? ` Also \`canary ${names.slice(1).join("`, `canary ")}\`.` : ""}`, "",
    "```text", `canary ${command.name()} ${command.usage()}`, ...(examples.length > 0 ? ["", ...examples] : []), "```", "",
    ...command.registeredArguments.filter((a) => a.description || a.argChoices).map((a) => `\`${a.name()}\`: ${cell(a.description || a.argChoices!.map((c) => `\`${c}\``).join(", "))}.\n`),
    ...table(own),
    ...(onStack ? [`And the [options of all verbs on a stack](#options-of-all-verbs-on-a-stack).`, ""] : []),
    ...(exits === "" ? [] : [`Exit codes: ${exits}.`, ""]),
  ];
}

const HEAD = `<!-- Written by \`npm run docs\` from the command line itself (driver/cli); edit the descriptions there. -->

# Every verb

\`\`\`text
canary VERB [ARGUMENTS] [OPTIONS]
\`\`\`

In a clone: \`npx canary\`; in CI: \`node bin/canary.js\`, which passes the signal of a cancelled job on. \`canary help VERB\` prints what stands here. A flag stands over an
environment variable, that over the stack file, and that over the default; [settings.md](settings.md) has the flags and variables that stand over the stack file.
`;

const EXITS: Readonly<Record<keyof typeof EXIT, string>> = {
  done: "promoted, or the verb did its work",
  failed: "failed before any traffic moved",
  rolledBack: "rolled back: by the gates, by a failed update, or by hand",
  held: "held for review",
  busy: "busy: the stack is locked, or another rollout is under way",
  usage: "wrong arguments or a wrong stack file; nothing was touched",
  interruptedReverted: "interrupted, and reverted",
  interruptedHeld: "interrupted, and held",
};

const VERSION_ONLY = (Object.values(SETTINGS) as Setting<unknown>[]).filter(({ names }) => names.every(({ flag }) => flag === undefined)).flatMap(({ names }) => names.flatMap(({ env }) => env ?? []));

/** docs/verbs.md. */
export function verbsPage(): string {
  // What `--cwd` falls back to is the folder in which this runs.
  const program = commandLine();
  const help = program.createHelp();
  const commands = help.visibleCommands(program).filter((c) => c.name() !== "help");
  const common = commonTo(commands);
  const groups = [...new Set(commands.map((c) => c.helpGroup() ?? ""))];
  return [
    HEAD,
    "## Exit codes", "", "| code | meaning |", "|---|---|", ...(Object.keys(EXITS) as (keyof typeof EXIT)[]).map((name) => `| ${EXIT[name]} | ${EXITS[name]} |`), "",
    "## Options of all verbs on a stack", "", ...table(common),
    `Variables without a flag: ${VERSION_ONLY.map((name) => `\`${name}\``).join(", ")}; see [settings.md](settings.md).`, "",
    ...groups.flatMap((group) => [`## ${group.replace(/:$/, "")}`, "", ...commands.filter((c) => (c.helpGroup() ?? "") === group).flatMap((c) => verb(c, common))]),
  ].join("\n").replace(/\n{3,}/g, "\n\n").trimEnd() + "\n";
}

