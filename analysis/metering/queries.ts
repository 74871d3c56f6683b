import type { Series } from "../prometheus/answer";
import type { PrometheusSource } from "../prometheus/client";
import { type Reading, noSeries, queryFailed, tooFewSamples, valueOf } from "../reading";
import type { GatesConfig, MetricConfig } from "../gates/schema";
import type { Batch, GaugeWindow, RatioWindow, Share } from "../traffic";
import { CounterReader, counted } from "./counters";
import { DEFAULT_LOOKBACK, type TrafficTarget, fillIn, isSelector, placeholders } from "./profiles";

/** What a metric of the user's own brought since the reading before. */
export type MetricWindow = RatioWindow | GaugeWindow;

/** Reads the metrics with queries of their own. */
export interface MetricPoller {
  /** What is due since the previous call, at most one reading a metric and `window`; nothing while none is due. Rejects only on abort. */
  poll(signal?: AbortSignal): Promise<{ metric: string; reading: Reading<MetricWindow> }[]>;
}

type Arms<T> = Record<"canary" | "stable", T>;
const ARMS = ["canary", "stable"] as const;

const withSignal = (signal: AbortSignal | undefined): { signal?: AbortSignal } => (signal ? { signal } : {});

/** Mean, spread and number of an answer's series (pods, say). */
function batchOf(series: readonly Series[]): Batch {
  const values = series.flatMap((s) => (s.samples[0] ? [s.samples[0].v] : []));
  const mean = values.reduce((a, b) => a + b, 0) / values.length;
  const sd = values.length < 2 ? 0 : Math.sqrt(values.reduce((a, v) => a + (v - mean) ** 2, 0) / (values.length - 1));
  return { mean, sd, n: values.length };
}

type Ask = (signal: AbortSignal | undefined, at: number) => Promise<Reading<MetricWindow>>;

const valueSum = (series: readonly Series[]): number => series.reduce((sum, s) => sum + (s.samples[0]?.v ?? 0), 0);

/** Asks for a ratio: a numerator without a series beside a denominator that has one is zero. */
function ratioOf(metric: string, source: PrometheusSource, numerator: Arms<string>, denominator: Arms<string>, lookback: number): Ask {
  const counters = new CounterReader();
  const queries = { canaryX: numerator.canary, canaryN: denominator.canary, stableX: numerator.stable, stableN: denominator.stable };
  type Part = keyof typeof queries;
  const parts = Object.keys(queries) as Part[];
  const raw = (part: Part): boolean => isSelector(queries[part]);

  return async (signal, at) => {
    const readings = await Promise.all(parts.map(async (part) => counted(await source.query(raw(part) ? `${queries[part].trim()}[${lookback}s]` : queries[part], withSignal(signal)), queries[part])));
    const failed = readings.find((r) => r.kind === "query-failed" || r.kind === "too-few-samples");
    if (failed) return failed as Reading<never>;
    const series = Object.fromEntries(parts.map((part, i) => [part, readings[i]?.kind === "value" ? readings[i].value : []])) as unknown as Record<Part, Series[]>;
    if (series.canaryN.length === 0) return noSeries(queries.canaryN);
    const first = counters.empty && parts.some(raw);
    const rises = counters.read(Object.fromEntries(parts.map((part) => [part, raw(part) ? series[part] : []])) as unknown as Record<Part, Series[]>);
    if (first) return tooFewSamples(queries.canaryN);
    const amount = (part: Part): number => (raw(part) ? rises[part].reduce((sum, r) => sum + r.delta, 0) : valueSum(series[part]));
    const share = (x: Part, n: Part): Share => ({ x: amount(x), n: amount(n) });
    return valueOf({ type: "ratio", metric, at, canary: share("canaryX", "canaryN"), ...(series.stableN.length > 0 ? { stable: share("stableX", "stableN") } : {}) });
  };
}

/** Asks for a gauge's value now: one batch. */
function gaugeOf(metric: string, source: PrometheusSource, queries: Arms<string>): Ask {
  return async (signal, at) => {
    const [canary, stable] = await Promise.all(ARMS.map((arm) => source.query(queries[arm], withSignal(signal))));
    if (canary?.kind !== "value") return canary ?? noSeries(metric);
    if (stable?.kind === "query-failed") return stable;
    const window = { type: "gauge" as const, metric, at, canary: batchOf(canary.value), ...(stable?.kind === "value" ? { stable: batchOf(stable.value) } : {}) };
    const endless = ARMS.find((arm) => window[arm] && !(Math.abs(window[arm].mean) <= Number.MAX_SAFE_INTEGER));
    return endless === undefined ? valueOf(window) : queryFailed(`${queries[endless]} answered ${window[endless]?.mean}, which is no measurement.`);
  };
}

function askFor(metric: string, rule: MetricConfig, source: PrometheusSource, target: TrafficTarget, window: number): Ask | undefined {
  const fill = (query: string): Arms<string> => ({ canary: fillIn(query, placeholders(target, "canary", window)), stable: fillIn(query, placeholders(target, "stable", window)) });
  if (rule.kind === "ratio" && rule.numerator !== undefined && rule.denominator !== undefined) {
    return ratioOf(metric, source, fill(rule.numerator), fill(rule.denominator), Math.max(target.lookback ?? DEFAULT_LOOKBACK, 2 * window));
  }
  const query = "query" in rule ? rule.query : undefined;
  return query === undefined ? undefined : gaugeOf(metric, source, fill(query));
}

/**
 * A poller of all metrics of a config that have queries of their own. `clock` gives unix seconds. Throws ConfigError when a query has an
 * unknown placeholder.
 */
export function createMetricPoller(source: PrometheusSource, config: GatesConfig, target: TrafficTarget, clock: () => number = () => Date.now() / 1000): MetricPoller {
  const asks = Object.entries(config.metrics).flatMap(([metric, rule]) => {
    const ask = askFor(metric, rule, source, target, config.window);
    return ask ? [{ metric, ask }] : [];
  });
  let due = -Infinity;
  return {
    async poll(signal) {
      const now = clock();
      if (now < due) return [];
      due = now + config.window;
      return Promise.all(asks.map(async ({ metric, ask }) => ({ metric, reading: await ask(signal, now) })));
    },
  };
}
