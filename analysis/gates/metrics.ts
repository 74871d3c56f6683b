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

/** Errors ÷ requests, or any pair of counters, judged sequentially against the baseline. */
const ratio = z.strictObject({
  kind: z.literal("ratio"),
  critical: critical.optional(),
  /** Counters with placeholders; without them the service's own errors ÷ requests. */
  numerator: query.optional(),
  denominator: query.optional(),
  better: better.default("lower"),
  /** The share that must not be exceeded (fallen below, when higher is better), whatever the baseline does. */
  absolute: share.optional(),
  /** A ratio to the baseline that is still tolerated. */
  r0: positive.min(1, { error: "expected 1 or more" }).default(1.1),
  /** A ratio that must be excluded to advance; default by weight. */
  r1: positive.gt(1, { error: "expected more than 1" }).optional(),
});

/** Latencies, judged sequentially at the baseline's bucket edges; p50, p95, p99 are absolute limits. */
const shape = z.strictObject({
  kind: z.literal("shape"),
  critical: critical.default(true),
  p50: seconds.optional(),
  p95: seconds.optional(),
  p99: seconds.optional(),
  r0: positive.min(1, { error: "expected 1 or more" }).default(1.2),
  r1: positive.gt(1, { error: "expected more than 1" }).optional(),
});

/** The mean of any query's value, judged sequentially by a confidence sequence. */
const gauge = z.strictObject({ kind: z.literal("gauge"), critical: critical.default(false), query, atLeast: gaugeLimit.optional(), atMost: gaugeLimit.optional() });

/** A plain comparison at the end of the dwell (systems B, C). */
const threshold = z
  .strictObject({
    kind: z.literal("threshold"),
    critical: critical.default(true),
    of: of.optional(),
    query: query.optional(),
    atMost: boundary.optional(),
    atLeast: boundary.optional(),
    /** Only what the last so many seconds brought; default the whole stage. */
    over: seconds.optional(),
    /** Canary requests (batches of a query) before it answers; default 20 (1). */
    minSamples: count.optional(),
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
  kind: z.literal("baseline"),
  critical: critical.default(true),
  of: of.optional(),
  query: query.optional(),
  better: better.optional(),
  /** Passes within this multiple of the baseline, in the worse direction. */
  within: multiple.default(1.1),
  /** Fails past this multiple of the baseline (below it, when higher is better). */
  fail: multiple,
  over: seconds.optional(),
  minSamples: count.default(100),
});

/** Rolls back at once when so many canary requests failed since the stage began (system A). */
const tally = z.strictObject({ kind: z.literal("count"), critical: critical.default(true), rollbackAt: count.default(5), minSamples: count.default(20) });

/** Share of failed health probes through the canary (system E). */
const probe = z.strictObject({ kind: z.literal("probe"), critical: critical.default(true), atMost: share.default(0.05), minSamples: count.default(1) });

/** Readiness and restarts of the canary's pods (system C). */
const pods = z.strictObject({ kind: z.literal("pods"), critical: critical.default(true), maxRestarts: number.int().min(0).default(0) });

/** Every kind of metric rule by its name in the config. */
export const KINDS = { ratio, shape, gauge, threshold, baseline, count: tally, probe, pods };
export type Kind = keyof typeof KINDS;
export type KindConfig<K extends Kind> = z.output<(typeof KINDS)[K]>;
