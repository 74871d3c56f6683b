import { crossProblems } from "./cross";
import { ConfigError, defaultRule, keyPath, sentences, show } from "./problems";
import { encryptedProblems } from "./encrypted";
import { stackConfigSchema } from "./schema";
import type { ServiceConfig, ServiceInput, StackConfig, StackInput } from "./types";

const VERSION_KEYS = ["stable", "canary", "previous"] as const;
const INTEGER_KEYS = new Set(["weight", "generation"]);
const FLAG_KEYS = new Set(["createNamespace", "force"]);

/**
 * The one parser of a stack's config.
 *
 * @param raw the keys without their prefix `canary:`, with values either as YAML gives them or as the Pulumi engine passes them
 *   (every value a text, maps and lists as JSON). A program of your own writes them as in the stack file, durations as `5s`.
 * @throws ConfigError with one sentence a problem: the key, its value and what is allowed. Nothing is guessed or repaired.
 */
export function parseConfig(raw: StackInput | Readonly<Record<string, unknown>>): StackConfig {
  const data = Object.fromEntries(Object.entries(raw).map(([key, value]) => [key, decode(key, value)]));
  const problems = encryptedProblems(data);
  if (problems.length > 0) throw new ConfigError(problems);
  for (const key of VERSION_KEYS) {
    if (data[key] === undefined || versionOf(data[key]) !== undefined) continue;
    problems.push(`canary:${key} has no version: it must be a version, or a map with the key version.`);
    delete data[key];
  }
  const result = stackConfigSchema.safeParse(data, { error: defaultRule });
  if (!result.success) problems.push(...sentences(result.error, stackConfigSchema, data));
  if (problems.length > 0) throw new ConfigError(problems);
  const config: StackConfig = result.data!;
  const conflicts = [...endless(data), ...crossProblems(config)];
  if (conflicts.length > 0) throw new ConfigError(conflicts);
  return config;
}

/**
 * One service with its defaults, for a program that uses {@link ServiceRelease} or {@link Revision} by itself.
 *
 * @param service its keys as in the stack file, durations as `5s`.
 * @throws ConfigError with one sentence a problem, as {@link parseConfig}.
 */
export function serviceConfig(name: string, service: ServiceInput): ServiceConfig {
  return parseConfig({ namespace: "default", services: { [name]: service } }).services[name]!;
}

/** YAML knows infinities and "not a number", which no key takes and JSON has no word for; where the schema passes a value on, nobody else asks. */
function endless(value: unknown, path: readonly string[] = []): string[] {
  if (typeof value === "number") return Number.isFinite(value) ? [] : [`${keyPath(path)} is ${show(value)}: it must be a finite number.`];
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([key, each]) => endless(each, [...path, key]));
}

/** Undoes what the engine does to values on their way to a program; leaves everything else for the schema to judge. */
function decode(key: string, value: unknown): unknown {
  if (typeof value === "number" && Number.isInteger(value) && (VERSION_KEYS as readonly string[]).includes(key)) return String(value);
  if (typeof value !== "string") return value;
  if (INTEGER_KEYS.has(key)) return /^-?\d+(\.\d+)?$/.test(value) ? Number(value) : value;
  if (FLAG_KEYS.has(key)) return value === "true" ? true : value === "false" ? false : value;
  return /^[[{]/.test(value) ? fromJson(value) : value;
}

function fromJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/** The version in a version key's raw value; undefined where there is none to judge. */
function versionOf(value: unknown): unknown {
  if (value === null || value === undefined || value === "") return undefined;
  if (typeof value !== "object" || Array.isArray(value)) return value;
  const { version } = value as Record<string, unknown>;
  return version === null || version === "" ? undefined : version;
}
