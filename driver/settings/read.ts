import { show } from "../../components/config/problems";
import { UsageError } from "../errors";
import { Rule } from "./text";
import { SETTINGS, type Given, type Group, type Name, type Setting, type SettingKey, type Settings } from "./table";

/** Options as commander gives them: by name in camel case, a text, or true and false for those without an argument. */
export type Flags = object;
export type Environment = Readonly<Record<string, string | undefined>>;

/** What verbs mind that neither judge nor move a canary by the stages: `readSettings(flags, env, CALLING)`. */
export const CALLING: readonly Group[] = ["cluster", "calls"];
const ALL: readonly Group[] = ["cluster", "calls", "rollout", "deploy"];

interface Source<T> {
  readonly given: Given<T>;
  readonly isFlag: boolean;
}

/** `--no-auto-promote` sets the same option as `--auto-promote`. */
const optionOf = (flag: string): string => flag.split(" ")[0]!.replace(/^--(no-)?/, "").replace(/-(.)/g, (_, letter: string) => letter.toUpperCase());

function textOf({ flag, env }: Name<unknown>, flags: Flags, environment: Environment): { name: string; text: string } | undefined {
  // Templates of CI systems set what they do not know to an empty text.
  if (env !== undefined) return environment[env]?.trim() ? { name: env, text: environment[env].trim() } : undefined;
  const value = (flags as Readonly<Record<string, unknown>>)[optionOf(flag!)];
  const negated = flag!.startsWith("--no-");
  if (value === undefined || (typeof value === "boolean" && value === negated)) return undefined;
  return { name: flag!.split(" ")[0]!, text: String(value).trim() };
}

function parsed<T>(setting: Setting<T>, name: Name<T>, { name: called, text }: { name: string; text: string }): Source<T> {
  const shown = setting.secret ? "" : text;
  try {
    return { isFlag: name.flag !== undefined, given: { name: called, text: shown, value: (name.parse ?? setting.parse)(text) } };
  } catch (cause) {
    if (!(cause instanceof Rule)) throw cause;
    throw new UsageError(setting.secret ? `${called} cannot be understood: ${cause.message}.` : `${called} is ${show(text)}: ${cause.message}.`, { cause });
  }
}

const sameValue = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b);

/** Flags must agree; a variable is looked at only where there is no flag. */
function sourceOf<T>(setting: Setting<T>, flags: Flags, environment: Environment): Source<T> | undefined {
  let first: Source<T> | undefined;
  for (const name of setting.names) {
    if (first && name.flag === undefined) break;
    const found = textOf(name, flags, environment);
    if (!found) continue;
    const source = parsed(setting, name, found);
    if (first && !sameValue(source.given.value, first.given.value)) throw new UsageError(`${first.given.name} is ${show(first.given.text)} and ${source.given.name} is ${show(source.given.text)}: they set the same, so give one of them.`);
    first ??= source;
  }
  return first;
}

type Sources = { -readonly [K in SettingKey]?: Source<unknown> };

/** Blue/green has no stages to set. A flag stands over an environment variable, two flags contradict each other. */
function settlePlan(sources: Sources): void {
  const { plan } = sources;
  if (!plan || plan.given.value === "canary") return;
  for (const key of ["stages", "weight"] as const) {
    const other = sources[key];
    if (!other) continue;
    if (other.isFlag && plan.isFlag) throw new UsageError(`${plan.given.name} ${plan.given.text} has one stage of weight 100, and ${other.given.name} sets another: leave one of them out.`);
    if (other.isFlag) return void delete sources.plan;
    delete sources[key];
  }
}

function settleErrors({ healthThreshold: health, errorThreshold: errors }: Sources): void {
  if (!health || !errors) return;
  if (Math.abs(100 - (health.given.value as number) - (errors.given.value as number)) < 1e-9) return;
  throw new UsageError(`${health.given.name} is ${show(health.given.text)} and ${errors.given.name} is ${show(errors.given.text)}: they limit the same share of failed requests, so give one of them.`);
}

/**
 * What flags and environment set; a flag stands over a variable, and an empty text is as good as none.
 *
 * @param groups which settings the verb minds; a bad value of any other must not keep it from its work. Default all
 * @throws UsageError with one sentence that names the flag or the variable, and its value unless it is a secret
 */
export function readSettings(flags: Flags, environment: Environment = process.env, groups: readonly Group[] = ALL): Settings {
  const sources: Sources = {};
  for (const [key, setting] of Object.entries(SETTINGS) as [SettingKey, Setting<unknown>][]) {
    const source = groups.includes(setting.group) ? sourceOf(setting, flags, environment) : undefined;
    if (source) sources[key] = source;
  }
  settlePlan(sources);
  settleErrors(sources);
  return Object.fromEntries(Object.entries(sources).map(([key, { given }]) => [key, given])) as Settings;
}
