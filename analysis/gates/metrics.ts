import { z } from "zod";
import { count, gaugeLimit, multiple, number, positive, query, seconds, share } from "./fields";

/** Quantities that every traffic profile gives. */
export const BUILT_IN = ["errors", "success", "rate", "p50", "p95", "p99"] as const;
export type BuiltIn = (typeof BUILT_IN)[number];

/** The quantile behind a latency quantity. */
export const QUANTILES: Readonly<Partial<Record<BuiltIn, number>>> = { p50: 0.5, p95: 0.95, p99: 0.99 };

const critical = z.boolean({ error: "expected true or false" });
const better = z.enum(["lower", "higher"], { error: "expected lower or higher" });
const of = z.enum(BUILT_IN, { error: `expected ${BUILT_IN.join(", ")}` });
/** Its unit depends on the quantity. */
const boundary = z.union([z.number(), z.string()], { error: "expected a percentage, a duration or a number" });

/** What a limit on a quantity is written in; a query's value may be anything. */
function unitOf(quantity: BuiltIn | undefined): z.ZodType<number> {
  if (quantity === undefined) return gaugeLimit.transform(({ value }) => value);
  if (quantity === "rate") return positive;
  return quantity === "errors" || quantity === "success" ? share : seconds;
}

const isCritical = (fallback: boolean) => critical.default(fallback).describe("Whether it decides over the rollout; one that does not can only hold it.");
const kind = <const K extends string>(name: K, what: string) => z.literal(name).describe(what);
const ofQuantity = of.optional().describe("Which of the service's own quantities; give either this or `query`. Default the rule's name where it is one of them.");
const ofQuery = query.optional().describe("PromQL with placeholders, instead of `of`.");
const overTime = seconds.optional().describe("Only what the last so long brought. Default the whole stage.");

/** Errors ÷ requests, or any pair of counters, judged sequentially against the baseline. */
const ratio = z.strictObject({
  kind: kind("ratio", "Errors ÷ requests, or any pair of counters, judged sequentially against the baseline."),
  critical: critical.optional().describe("Whether it decides over the rollout; one that does not can only hold it. Default true for `errors`, else false."),
  numerator: query.optional().describe("Counter with placeholders; without it the service's own errors."),
  denominator: query.optional().describe("Counter with placeholders; without it the service's own requests."),
  better: better.default("lower").describe("Which direction is good."),
  absolute: share.optional().describe("The share that must not be exceeded (fallen below, when higher is better), whatever the baseline does."),
  r0: positive.min(1, { error: "expected 1 or more" }).default(1.1).describe("A ratio to the baseline that is still tolerated."),
  r1: positive.gt(1, { error: "expected more than 1" }).optional().describe("A ratio that must be excluded to advance. Default by weight: 2.0 at 5 %, 1.5 at 25 %, 1.25 at 50 %."),
});

/** Latencies, judged sequentially at the baseline's bucket edges; p50, p95, p99 are absolute limits. */
const shape = z.strictObject({
  kind: kind("shape", "Latencies, judged sequentially at the baseline's bucket edges."),
  critical: isCritical(true),
  p50: seconds.optional().describe("Absolute limit of the median, e.g. `100ms`."),
  p95: seconds.optional().describe("Absolute limit of the 95th percentile."),
  p99: seconds.optional().describe("Absolute limit of the 99th percentile."),
  r0: positive.min(1, { error: "expected 1 or more" }).default(1.2).describe("A ratio to the baseline's share of slow requests that is still tolerated."),
  r1: positive.gt(1, { error: "expected more than 1" }).optional().describe("A ratio that must be excluded to advance. Default by weight."),
});

/** The mean of any query's value, judged sequentially by a confidence sequence. */
const gauge = z.strictObject({
  kind: kind("gauge", "The mean of any query's value, judged sequentially by a confidence sequence."),
  critical: isCritical(false),
  query: query.describe("PromQL with placeholders."),
  atLeast: gaugeLimit.optional().describe("Least value: a number, `80%`, `500ms`, or `80%ofBaseline`; give either this or `atMost`."),
  atMost: gaugeLimit.optional().describe("Greatest value, written like `atLeast`."),
});

/** A plain comparison at the end of the dwell (systems B, C). */
const threshold = z
  .strictObject({
    kind: kind("threshold", "A plain comparison with a limit, at the end of the dwell."),
    critical: isCritical(true),
    of: ofQuantity,
    query: ofQuery,
    atMost: boundary.optional().describe("Greatest value, in the quantity's unit; give either this or `atLeast`."),
    atLeast: boundary.optional().describe("Least value, in the quantity's unit."),
    over: overTime,
    minSamples: count.optional().describe("Canary requests (batches of a query) before it answers. Default 20 (1)."),
  })
  .transform(({ atMost, atLeast, ...rest }, ctx) => {
    const key = atMost === undefined ? "atLeast" : "atMost";
    if ((atMost === undefined) === (atLeast === undefined)) {
      ctx.issues.push({ code: "custom", message: "give either atMost or atLeast", path: ["atMost"], input: atMost });
      return z.NEVER;
    }
    const parsed = unitOf(rest.of).safeParse(atMost ?? atLeast);
    if (parsed.success) return { ...rest, direction: key, limit: parsed.data } as const;
    ctx.issues.push({ code: "custom", message: parsed.error.issues[0]?.message ?? "is wrong", path: [key], input: atMost ?? atLeast });
    return z.NEVER;
  });

/** Canary ÷ baseline (system D). */
const baseline = z.strictObject({
  kind: kind("baseline", "Canary ÷ baseline, at the end of the dwell."),
  critical: isCritical(true),
  of: ofQuantity,
  query: ofQuery,
  better: better.optional().describe("Which direction is good. Default higher for success and rate, else lower."),
  within: multiple.default(1.1).describe("Passes within this multiple of the baseline, in the worse direction. Default 110%."),
  fail: multiple.describe("Fails past this multiple of the baseline (below it, when higher is better)."),
  over: overTime,
  minSamples: count.default(100).describe("Canary requests before it answers."),
});

/** Rolls back at once when so many canary requests failed since the stage began (system A). */
const tally = z.strictObject({
  kind: kind("count", "Rolls back at once when so many canary requests failed since the stage began."),
  critical: isCritical(true),
  rollbackAt: count.default(5).describe("The failed request that rolls back."),
  minSamples: count.default(20).describe("Canary requests before it passes."),
});

/** Share of failed health probes through the canary (system E). */
const probe = z.strictObject({
  kind: kind("probe", "Share of failed health probes through the canary."),
  critical: isCritical(true),
  atMost: share.default(0.05).describe("The share that must not be exceeded. Default 5%."),
  minSamples: count.default(1).describe("Probes before it answers."),
});

/** Readiness and restarts of the canary's pods (system C). */
const pods = z.strictObject({
  kind: kind("pods", "Readiness and restarts of the canary's pods."),
  critical: isCritical(true),
  maxRestarts: number.int().min(0).default(0).describe("Restarts of all pods together that are tolerated."),
});

/** Every kind of metric rule by its name in the config. */
export const KINDS = { ratio, shape, gauge, threshold, baseline, count: tally, probe, pods };
export type Kind = keyof typeof KINDS;
export type KindConfig<K extends Kind> = z.output<(typeof KINDS)[K]>;
