import { z } from "zod";
import { ConfigError } from "../errors";
import { delay, number, seconds, share } from "./fields";
import { BUILT_IN, KINDS, type Kind, type KindConfig } from "./metrics";
import { PRESETS, type Preset } from "./presets";

const settings = {
  preset: z.enum(Object.keys(PRESETS) as [Preset, ...Preset[]], { error: "expected none, A, B, C, D or E" }).default("none").describe("Rules to start from."),
  alpha: share.default(0.01).describe("Probability that a rollout of a good release is ever rolled back by a sequential gate. Default 1%."),
  beta: share.default(0.05).describe("Probability that a metric as bad as its `r1` (or its absolute limit) is ever called good in a stage. Default 5%."),
  pFloor: share.default(0.01).describe("The share of errors that nobody acts on. Default 1%."),
  overdispersion: number.min(1, { error: "expected 1 or more" }).optional().describe("How much more the counts scatter than independent requests would; measured when absent."),
  window: seconds.default(15).describe("Length of a batch of a gauge, and of `{{window}}`. Default 15s."),
  warmUp: delay.default(0).describe("Observed time at the start of each stage that gives no evidence for a pass. Default 0s; the driver uses `rollout.warmUp`."),
};

const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === "object" && value !== null && !Array.isArray(value);
const metricSchema = z.discriminatedUnion("kind", [KINDS.ratio, KINDS.shape, KINDS.gauge, KINDS.threshold, KINDS.baseline, KINDS.count, KINDS.probe, KINDS.pods], {
  error: `expected one of ${Object.keys(KINDS).join(", ")}`,
});
export type MetricConfig = z.output<typeof metricSchema>;

/** The user's entry over the preset's of the same name; another kind replaces it altogether. */
function merged(name: string, preset: Preset, entry: unknown): unknown {
  if (entry !== undefined && !isRecord(entry)) return entry;
  const base = (PRESETS[preset] as Readonly<Record<string, Readonly<Record<string, unknown>>>>)[name];
  const inherits = base && (entry?.["kind"] === undefined || entry["kind"] === base["kind"]);
  const rule: Record<string, unknown> = { ...(inherits ? base : {}), ...entry };
  // A user's own query or direction stands in for the preset's.
  for (const [mine, theirs] of [["query", "of"], ["of", "query"], ["atMost", "atLeast"], ["atLeast", "atMost"]] as const)
    if (entry?.[mine] !== undefined && entry[theirs] === undefined) delete rule[theirs];
  const builtIn = rule["query"] === undefined && (BUILT_IN as readonly string[]).includes(name);
  const named = rule["kind"] === "threshold" || rule["kind"] === "baseline";
  return builtIn && named ? { of: name, ...rule } : rule;
}

/** What a rule needs beyond the types of its fields; the key it concerns and what is wrong. */
function inconsistency(name: string, rule: MetricConfig): [string, string] | undefined {
  switch (rule.kind) {
    case "ratio":
      if ((rule.numerator === undefined) !== (rule.denominator === undefined)) return [rule.numerator ? "denominator" : "numerator", "is missing: a ratio of your own needs both"];
      if (name !== "errors" && !rule.numerator) return ["numerator", `is missing: only "errors" is known without queries`];
      return rule.r1 !== undefined && rule.r1 <= rule.r0 ? ["r1", `must be above r0 (${rule.r0})`] : undefined;
    case "shape":
      return rule.r1 !== undefined && rule.r1 <= rule.r0 ? ["r1", `must be above r0 (${rule.r0})`] : undefined;
    case "gauge":
      return (rule.atLeast === undefined) === (rule.atMost === undefined) ? ["atLeast", "give either atLeast or atMost"] : undefined;
    case "threshold":
      return (rule.of === undefined) === (rule.query === undefined) ? ["of", `give either of (${BUILT_IN.join(", ")}) or query`] : undefined;
    case "baseline":
      if ((rule.of === undefined) === (rule.query === undefined)) return ["of", `give either of (${BUILT_IN.join(", ")}) or query`];
      return (rule.better ?? (rule.of === "success" || rule.of === "rate" ? "higher" : "lower")) === "higher"
        ? rule.fail >= 1 / rule.within ? ["fail", "must be below 100 % ÷ within when higher is better"] : undefined
        : rule.fail <= rule.within ? ["fail", "must be above within"] : undefined;
    default:
      return undefined;
  }
}

/**
 * The `gates` section of the stack config: settings, and metric rules by name. Absent means the default set (`preset: none`). The output is
 * complete: percentages are fractions, durations seconds, and `metrics` holds the preset's rules with the user's changes.
 */
export const gatesSchema = z
  .object(settings, { error: "expected settings and metric rules, such as {preset: C}" })
  .catchall(z.unknown())
  .prefault({})
  .transform((config, ctx) => {
    const { preset, alpha, beta, pFloor, overdispersion, window, warmUp, ...own } = config;
    const metrics: Record<string, MetricConfig> = {};
    for (const name of new Set([...Object.keys(PRESETS[preset]), ...Object.keys(own)])) {
      const raw = merged(name, preset, own[name]);
      if (raw === false) continue;
      if (!isRecord(raw)) {
        ctx.issues.push({ code: "custom", path: [name], input: raw, message: `is neither a setting (${Object.keys(settings).join(", ")}) nor a metric rule such as {kind: ratio}` });
        continue;
      }
      const parsed = metricSchema.safeParse(raw);
      const wrong = parsed.success ? inconsistency(name, parsed.data) : undefined;
      if (!parsed.success) for (const issue of parsed.error.issues) ctx.issues.push({ ...issue, code: "custom", path: [name, ...issue.path], message: messageOf(issue), input: raw });
      else if (wrong) ctx.issues.push({ code: "custom", path: [name, wrong[0]], message: wrong[1], input: raw });
      else metrics[name] = parsed.data;
    }
    if (ctx.issues.length === 0 && !Object.values(metrics).some((m) => m.critical ?? m.kind === "ratio")) {
      ctx.issues.push({ code: "custom", message: "has no critical metric, so nothing could ever allow the next stage", input: config });
    }
    return { preset, alpha, beta, pFloor, overdispersion, window, warmUp, metrics };
  });

/** Everything the gates need to know, with every default filled in; durations in seconds, shares as fractions. */
export type GatesConfig = z.output<typeof gatesSchema>;
export type GatesInput = z.input<typeof gatesSchema>;
export type RuleOf<K extends Kind> = KindConfig<K>;

const messageOf = (issue: z.core.$ZodIssue): string =>
  issue.code === "unrecognized_keys" ? `has the unknown key ${issue.keys.map((k) => `"${k}"`).join(", ")}` : issue.message;

/** One sentence about the first thing wrong in a config below the key `root`, naming the key path. */
export function describeIssue(error: z.ZodError, root: string): string {
  const issue = error.issues[0] as z.core.$ZodIssue;
  const path = [root, ...issue.path].join(".");
  const message = messageOf(issue);
  return /^(is|has|must) /.test(message) ? `${path} ${message}.` : `${path}: ${message}.`;
}

/** Parses the `gates` section. Throws ConfigError with one sentence that names the key, e.g. `gates.errors.absolute: expected a percentage …`. */
export function parseGates(input: unknown): GatesConfig {
  const parsed = gatesSchema.safeParse(input);
  if (parsed.success) return parsed.data;
  throw new ConfigError(describeIssue(parsed.error, "gates"), { cause: parsed.error });
}
