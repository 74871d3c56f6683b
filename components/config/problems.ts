import { RunError } from "@pulumi/pulumi/errors";
import { z } from "zod";
import { quoted } from "../../analysis/units";
import { closest } from "./suggest";

type Path = readonly PropertyKey[];

/** Problems that are shown of one config: who mends these sees the others next. */
const MOST_SHOWN = 10;

/** One problem a line, the first ones where there are many. */
export const linesOf = (problems: readonly string[]): string =>
  [...problems.slice(0, MOST_SHOWN), ...(problems.length > MOST_SHOWN ? [`… and ${problems.length - MOST_SHOWN} more problems.`] : [])].join("\n");

/** The config cannot be used. `message` is the problems, one exact sentence a line, ten at most. Pulumi prints a RunError without a stack trace. */
export class ConfigError extends RunError {
  constructor(readonly problems: readonly string[]) {
    super(linesOf(problems));
    // Where it was thrown says nothing to the person who wrote the config. And Pulumi colours the trace of every error it meets, on
    // which Node 20 falls into an endless loop for a frame such as node_modules/@pulumi/resource.ts (pulumi#20567): some 12 s a preview.
    this.stack = this.message;
  }
}

/** A key as a person writes it: `canary:services.shop.hosts[0]`. */
export function keyPath(path: Path): string {
  const [head, ...rest] = path.map(String);
  return `canary:${head ?? ""}` + rest.map((part) => (/^\d+$/.test(part) ? `[${part}]` : `.${part}`)).join("");
}

/** A value as a sentence shows it. Long texts are cut, and maps and lists are only named. */
export function show(value: unknown): string {
  if (value === undefined) return "missing";
  if (value === null || (typeof value === "object" && Object.keys(value).length === 0)) return "empty";
  if (Array.isArray(value)) return "a list";
  if (typeof value === "object") return "a map";
  if (typeof value === "number" && !Number.isFinite(value)) return Number.isNaN(value) ? ".nan" : value > 0 ? ".inf" : "-.inf";
  return typeof value === "string" ? quoted(value) : String(value);
}

/** Every issue of a failed parse as sentences, each once, in the order of the schema. */
export function sentences(error: z.ZodError, schema: z.ZodType, data: unknown): string[] {
  return [...new Set(error.issues.flatMap((issue) => describe(issue, [], schema, data)))];
}

/** The rule of a zod check that states none of its own, phrased like ours: "it must be …". */
export function defaultRule(issue: z.core.$ZodRawIssue): string {
  switch (issue.code) {
    case "invalid_type":
      return `it must be a ${issue.expected === "object" || issue.expected === "record" ? "map" : issue.expected === "array" ? "list" : issue.expected}`;
    case "invalid_value":
      return `it must be ${issue.values.length === 1 ? "" : "one of "}${issue.values.map(String).join(", ")}`;
    case "too_small":
      return `it must be ${issue.inclusive ? "at least" : "greater than"} ${issue.minimum}`;
    case "too_big":
      return `it must be ${issue.inclusive ? "at most" : "less than"} ${issue.maximum}`;
    default:
      return "it must have another form";
  }
}

function describe(issue: z.core.$ZodIssue, prefix: Path, schema: z.ZodType, data: unknown): string[] {
  const path = [...prefix, ...issue.path];
  if (issue.code === "unrecognized_keys") {
    const known = knownKeys(schema, path);
    const others = Object.keys(valueAt(data, path) as object).filter((key) => !issue.keys.includes(key) && known.includes(key));
    // Known, but not beside these: one of several forms was begun and another one gone on with.
    return issue.keys.map((key) => known.includes(key) ? `${keyPath([...path, key])} is set: it must be absent beside ${others.join(", ")}.` : unknownKey([...path, key], known));
  }
  if (issue.code === "invalid_union") {
    const branch = closestBranch(issue.errors);
    if (branch !== undefined) return branch.flatMap((one) => describe(one, path, schema, data));
  }
  if (issue.code === "invalid_key") {
    return [`${keyPath(path)} has a bad name: ${issue.issues[0]?.message ?? issue.message}.`];
  }
  return [sentence(keyPath(path), valueAt(data, path), issue.message)];
}

/** A branch that accepted the value's kind tells more than "no branch fits"; of several, the one with the fewest complaints is meant. */
function closestBranch(branches: readonly (readonly z.core.$ZodIssue[])[]): readonly z.core.$ZodIssue[] | undefined {
  const ofKind = branches.filter((issues) => issues.length > 0 && issues.every((one) => one.path.length > 0 || !["invalid_type", "invalid_value"].includes(one.code)));
  const complaints = (issues: readonly z.core.$ZodIssue[]): number => issues.reduce((sum, one) => sum + (one.code === "unrecognized_keys" ? one.keys.length : 1), 0);
  return [...ofKind].sort((a, b) => complaints(a) - complaints(b))[0];
}

/** Our rules read "it must be …"; those of the gates also "is missing …" or "must be …", or state their own value. */
function sentence(key: string, value: unknown, rule: string): string {
  if (/^(is|has|must) /.test(rule)) return `${key} ${rule}.`;
  if (value === undefined) return `${key} is missing: ${rule}.`;
  return rule.includes(", got ") ? `${key}: ${rule}.` : `${key} is ${show(value)}: ${rule}.`;
}

/** The sentence for a key that is none of `known`. */
export function unknownKey(path: Path, known: readonly string[], kind = "key"): string {
  const guess = closest(String(path.at(-1)), known);
  const advice = guess === undefined
    ? `the known ${kind}s are ${known.join(", ")}.`
    : `did you mean ${keyPath([...path.slice(0, -1), guess])}?`;
  return `${keyPath(path)} is not a known ${kind}: ${advice}`;
}

function valueAt(data: unknown, path: Path): unknown {
  return path.reduce<unknown>((value, part) => (value as Record<PropertyKey, unknown> | null | undefined)?.[part], data);
}

/** The keys that the schema allows at a path; none where the path leads to no map. */
function knownKeys(schema: z.core.$ZodType, path: Path): string[] {
  const def = (schema as z.core.$ZodTypes)._zod.def;
  switch (def.type) {
    case "optional":
    case "nullable":
    case "default":
    case "prefault":
    case "readonly":
    case "nonoptional":
      return knownKeys(def.innerType, path);
    case "pipe":
      return knownKeys(def.in, path);
    case "union":
      return [...new Set(def.options.flatMap((option) => knownKeys(option, path)))];
    case "array":
      return knownKeys(def.element, path.slice(1));
    case "record":
      return knownKeys(def.valueType, path.slice(1));
    case "object": {
      const [head, ...rest] = path;
      if (head === undefined) return Object.keys(def.shape);
      const inner = def.shape[String(head)];
      return inner === undefined ? (def.catchall === undefined ? [] : knownKeys(def.catchall, rest)) : knownKeys(inner, rest);
    }
    default:
      return [];
  }
}
