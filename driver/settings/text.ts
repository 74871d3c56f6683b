import { stackConfigSchema } from "../../components/config";
import { parseDuration } from "../../analysis/units";

/** A text that a setting cannot take; the message is the rule alone, "it must be …". */
export class Rule extends Error {}

const refuse = (rule: string): never => {
  throw new Rule(`it must be ${rule}`);
};

const NUMBER = /^\d+(\.\d+)?$/;

/** Texts as flags and environment variables hold them, made into values. Every parser throws Rule. */

export function whole(least: number, most = Number.MAX_SAFE_INTEGER): (text: string) => number {
  const rule = `a whole number ${most === Number.MAX_SAFE_INTEGER ? `of ${least} or more` : `from ${least} to ${most}`}`;
  return (text) => (/^\d+$/.test(text) && Number(text) >= least && Number(text) <= most ? Number(text) : refuse(rule));
}

export const atLeast = (least: number) => (text: string): number => (NUMBER.test(text) && Number(text) >= least ? Number(text) : refuse(`a number of ${least} or more`));

/** A percentage between 0 and 100, both excluded, with or without its sign: a limit at either end could never be judged. */
export function percentage(text: string): number {
  const number = text.replace(/\s*%$/, "");
  return NUMBER.test(number) && Number(number) > 0 && Number(number) < 100 ? Number(number) : refuse("a percentage between 0 and 100, both excluded, such as 5");
}

/** Seconds of a duration, or of a bare number of `unit` seconds. */
const time = (unit: number, least: (seconds: number) => boolean, rule: string) => (text: string): number => {
  const seconds = NUMBER.test(text) ? Number(text) * unit : parseDuration(text);
  return seconds !== undefined && least(seconds) ? seconds : refuse(rule);
};

export const minutes = time(60, () => true, "a number of minutes, or a duration such as 90s, 15m or 1h");
export const seconds = time(1, (s) => s > 0, "a number of seconds above 0, or a duration such as 500ms or 30s");
export const milliseconds = time(0.001, (s) => s > 0, "a number of milliseconds above 0, or a duration such as 800ms or 2s");

/** Text of a duration that the stack config understands. */
export const written = (seconds: number): string => `${Number(seconds.toFixed(6))}s`;

/** A duration as the stack config writes it, or `hold`. */
export const preview = (text: string): string => (text === "hold" || parseDuration(text) !== undefined ? text : refuse("hold, or a duration such as 10m"));

export function truth(text: string): boolean {
  if (/^(true|yes|on|1)$/i.test(text)) return true;
  return /^(false|no|off|0)$/i.test(text) ? false : refuse("true or false");
}

/** Names or addresses between commas. */
export function list(text: string): readonly string[] {
  const parts = text.split(",").map((part) => part.trim()).filter((part) => part !== "");
  return parts.length > 0 ? parts : refuse("at least one name; several are separated by commas");
}

const URL_FORM = /^https?:\/\/[^\s/]+\S*$/;

const isUrl = (text: string): boolean => URL_FORM.test(text) && URL.canParse(text);

export const url = (text: string): string => (isUrl(text) ? text : refuse("a URL that starts with http:// or https://"));

export function urls(text: string): readonly string[] {
  const all = list(text);
  return all.every((each) => isUrl(each) && !/[?#]/.test(each)) ? all : refuse("a URL that starts with http:// or https://, without ? and #, or several between commas");
}

export interface StageText {
  readonly weight: number;
  /** As it is written; absent: like the stage before. */
  readonly dwell?: string;
}

const STAGES = "weights between commas, with a dwell where it changes, such as 5:60s,25,50,100";

/** `5:60s,25,50,100`: weights in percent, each with its dwell if it changes. */
export const stages = (text: string): readonly StageText[] =>
  text.split(",").map((part) => {
    const [, weight, dwell] = /^\s*(\d+)\s*(?::\s*(\S+)\s*)?$/.exec(part) ?? refuse(STAGES);
    if (dwell === undefined) return { weight: Number(weight) };
    return parseDuration(dwell) === undefined ? refuse(STAGES) : { weight: Number(weight), dwell };
  });

export const oneOf = <T extends string>(...values: readonly T[]) => (text: string): T => (values as readonly string[]).includes(text) ? (text as T) : refuse(`one of ${values.join(", ")}`);

/** By the same rule as `canary:stable`. */
export function version(text: string): string {
  const parsed = stackConfigSchema.shape.stable.safeParse(text);
  if (parsed.success) return text;
  throw new Rule(parsed.error.issues[0]!.message);
}

export const name = (text: string): string => text;
