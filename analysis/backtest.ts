import { BacktestError } from "./errors";
import { type GatesInput, parseGates } from "./gates/schema";
import { Judge } from "./judge";
import { createMeter } from "./metering/meter";
import { createMetricPoller, type MetricWindow } from "./metering/queries";
import type { TrafficTarget } from "./metering/profiles";
import type { PrometheusSource } from "./prometheus/client";
import { whyMissing } from "./reading";
import { overdispersion } from "./statistics/eprocess";
import type { TrafficWindow } from "./traffic";
import type { Verdict } from "./verdict";

export interface BacktestOptions {
  /** Where both versions were measured; its versions name canary and baseline. */
  target: TrafficTarget;
  /** Unix seconds. */
  from: number;
  to: number;
  /** Seconds between two looks; default 15. */
  step?: number;
  gates?: GatesInput;
  /** Percent; decides how large a difference must be excluded to pass. Default: the share that the canary served. */
  weight?: number;
}

export interface BacktestResult extends Verdict {
  /** Unix seconds at which the verdict fell, if it did before the end. */
  decidedAt?: number;
  /** Requests read, and the looks at which nothing could be. */
  canaryRequests: number;
  stableRequests: number;
  gaps: number;
  /** φ between the arms: 1 for independent requests of one error share; above it, for A/A history, the setting to use. */
  overdispersion: number;
}

const DEFAULT_STEP = 15;
/** Seconds. */
const DWELL = 60;

/** The same source, asked as of another time. */
const asOf = (source: PrometheusSource, time: () => number): PrometheusSource => ({
  query: (promql, options) => source.query(promql, { ...options, time: time() }),
  health: () => source.health(),
  close: () => source.close(),
});

/**
 * What the gates would have said of a span of history in which both versions served: tells a team, before it trusts its gates, how soon they
 * decide and whether they cry wolf. Throws ConfigError for a wrong gate config, BacktestError when the span is empty or holds no traffic.
 */
export async function backtest(source: PrometheusSource, options: BacktestOptions): Promise<BacktestResult> {
  const { target, from, to, step = DEFAULT_STEP } = options;
  if (!(to - from >= 2 * step)) throw new BacktestError(`The span from ${from} to ${to} is shorter than two steps of ${step} s: give a longer one.`);
  const config = parseGates(options.gates);
  let time = from;
  const past = asOf(source, () => time);
  const lookback = Math.max(target.lookback ?? 0, 4 * step);
  const meter = createMeter(past, { ...target, lookback });
  const poller = createMetricPoller(past, config, { ...target, lookback }, () => time);
  const looks: { at: number; window?: TrafficWindow; metrics: MetricWindow[] }[] = [];
  let gap = { count: 0, why: "" };
  for (; time <= to; time += step) {
    const [traffic, metrics] = await Promise.all([meter.poll(), poller.poll()]);
    if (traffic.kind === "no-series" || traffic.kind === "query-failed") gap = { count: gap.count + 1, why: whyMissing(traffic) };
    looks.push({ at: time, ...(traffic.kind === "value" ? { window: traffic.value } : {}), metrics: metrics.flatMap(({ reading }) => (reading.kind === "value" ? [reading.value] : [])) });
  }
  const windows = looks.flatMap((l) => l.window ?? []);
  const sum = (arm: "canary" | "stable"): number => windows.reduce((n, w) => n + w[arm].requests, 0);
  const [canaryRequests, stableRequests] = [sum("canary"), sum("stable")];
  if (canaryRequests === 0) throw new BacktestError(`No request of ${target.canaryVersion} was found between ${from} and ${to}${gap.why ? `: ${gap.why}` : "."}`);
  const weight = options.weight ?? (100 * canaryRequests) / (canaryRequests + stableRequests);
  const judge = new Judge(config, { stages: [{ weight }] });
  const verdictAt = (at: number): Verdict => judge.verdict({ elapsedSeconds: at - from, dwellSeconds: DWELL, capSeconds: to - from });
  let [verdict, decidedAt]: [Verdict, number | undefined] = [verdictAt(from), undefined];
  for (const { at, window, metrics } of looks) {
    if (window) judge.observe(window, "observing");
    for (const m of metrics) m.type === "gauge" ? judge.observeGauge(m, "observing") : judge.observeRatio(m, "observing");
    verdict = verdictAt(at);
    if (verdict.verdict === "rollback" || verdict.verdict === "promote") {
      decidedAt = at;
      break;
    }
  }
  const phi = overdispersion(windows.map((w) => ({ first: { x: w.canary.errors, n: w.canary.requests }, second: { x: w.stable.errors, n: w.stable.requests } })));
  return { ...verdict, ...(decidedAt === undefined ? {} : { decidedAt }), canaryRequests, stableRequests, gaps: gap.count, overdispersion: phi };
}
