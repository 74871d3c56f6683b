import type { PrometheusSource } from "../prometheus/client";
import type { Series } from "../prometheus/answer";
import { type Reading, noSeries, tooFewSamples, valueOf } from "../reading";
import { type ArmCounts, type Histogram, type TrafficWindow, addCounts, noTraffic } from "../traffic";
import { CounterReader, counted, type Rise } from "./counters";
import { type ArmSelectors, DEFAULT_LOOKBACK, type Selectors, type SuccessRule, type TrafficTarget, selectorsOf } from "./profiles";

/**
 * Reads what both arms served since the previous poll. Windows are disjoint by construction. The first poll sets the base and answers
 * `too-few-samples`, as does a poll before the next scrape; `no-series` means that neither arm has series; an arm without series beside
 * one that has them served nothing (a canary at weight 0, a stable at weight 100). Rejects only when `signal` aborts.
 */
export interface TrafficMeter {
  poll(signal?: AbortSignal): Promise<Reading<TrafficWindow>>;
}

const FAILED: Readonly<Record<SuccessRule, (status: string) => boolean>> = {
  "non-5xx": (status) => /^5/.test(status),
  "2xx": (status) => !/^2/.test(status),
};

/** Sum of bucket rises over the series of an arm, at the edges that all of them have: pods of two releases may have different buckets. */
function histogramOf(rises: readonly Rise[]): Histogram | undefined {
  const edges = new Map<number, { count: number; groups: number }>();
  const groups = new Set<string>();
  for (const { labels, delta } of rises) {
    const { le: text = "", ...group } = labels;
    // Prometheus 3 writes le="5" as "5.0": only the number is an identity.
    const le = text === "+Inf" ? Infinity : Number(text);
    const edge = edges.get(le) ?? { count: 0, groups: 0 };
    edges.set(le, { count: edge.count + delta, groups: edge.groups + 1 });
    groups.add(JSON.stringify(group));
  }
  const le = [...edges.keys()].filter((edge) => edges.get(edge)?.groups === groups.size).sort((a, b) => a - b);
  if (le.at(-1) !== Infinity) return undefined;
  return { le, count: le.map((edge) => edges.get(edge)?.count as number) };
}

/** Whether answers of a status count as failures. */
export const isFailure = (status = "", rule: SuccessRule = "non-5xx"): boolean => FAILED[rule](status);

function countsOf(requests: readonly Rise[], latency: readonly Rise[], selectors: Selectors, rule: SuccessRule | undefined): ArmCounts {
  const counts = noTraffic();
  for (const { labels, delta } of requests) {
    counts.requests += delta;
    if (isFailure(labels[selectors.statusLabel], rule)) counts.errors += delta;
  }
  const histogram = histogramOf(latency);
  return histogram ? { ...counts, latency: histogram } : counts;
}

type Arm = "canary" | "stable";
const ARMS = ["canary", "stable"] as const;

interface ArmSeries {
  requests: Series[];
  latency: Series[];
}

/** Reads counters by instant queries on a range selector, so that no scrape is missed however slowly it is polled. */
class PrometheusMeter implements TrafficMeter {
  private readonly counters = new CounterReader();
  private readonly selectors: Selectors;
  private readonly lookback: number;
  private readonly chosen = new Map<string[], string>();
  private readonly pending = { canary: noTraffic(), stable: noTraffic() };
  private readonly seen = { canary: false, stable: false };
  private from: number | undefined;
  private to = -Infinity;

  constructor(
    private readonly source: PrometheusSource,
    private readonly target: TrafficTarget,
  ) {
    this.selectors = selectorsOf(target);
    this.lookback = target.lookback ?? DEFAULT_LOOKBACK;
  }

  async poll(signal?: AbortSignal): Promise<Reading<TrafficWindow>> {
    const { canary, stable, targets } = this.selectors;
    const [canarySeries, stableSeries, known] = await Promise.all([
      this.arm(canary, signal),
      this.arm(stable, signal),
      targets ? this.source.query(targets, signal ? { signal } : {}) : undefined,
    ]);
    if (canarySeries.kind !== "value") return canarySeries;
    if (stableSeries.kind !== "value") return stableSeries;
    // Nothing of this poll is used when a part of it failed; the samples are still there for the next one.
    if (known?.kind === "query-failed") return known;
    const all = { canary: canarySeries.value, stable: stableSeries.value };
    const first = this.counters.empty;
    if (all.canary.requests.length + all.stable.requests.length === 0) {
      if (known?.kind === "value") this.counters.know(known.value);
      return noSeries(`${stable.requests[0]} or ${canary.requests[0]}`);
    }
    this.add(all);
    if (known?.kind === "value") this.counters.know(known.value);
    return first ? tooFewSamples(stable.requests[0] as string) : this.close(all);
  }

  private async arm(selectors: ArmSelectors, signal: AbortSignal | undefined): Promise<Reading<ArmSeries>> {
    const [requests, latency] = await Promise.all([this.series(selectors.requests, signal), this.series(selectors.latency, signal)]);
    if (requests.kind !== "value") return requests;
    if (latency.kind !== "value") return latency;
    return valueOf({ requests: requests.value, latency: latency.value });
  }

  /** Samples of the first alternative that has any; none of them having any is an empty list, not a failure. */
  private async series(alternatives: string[], signal: AbortSignal | undefined): Promise<Reading<Series[]>> {
    const ask = alternatives.filter((s) => (this.chosen.get(alternatives) ?? s) === s);
    const readings = await Promise.all(ask.map((s) => this.source.query(`${s}[${this.lookback}s]`, signal ? { signal } : {})));
    for (const [i, given] of readings.entries()) {
      const reading = counted(given, ask[i] as string);
      if (reading.kind === "query-failed" || reading.kind === "too-few-samples") return reading;
      if (reading.kind !== "value") continue;
      this.chosen.set(alternatives, ask[i] as string);
      return reading;
    }
    return valueOf([]);
  }

  /** One reader for all series, so that a canary's first series counts from zero on a controller that was scraped before. */
  private add({ canary, stable }: Record<Arm, ArmSeries>): void {
    const rises = this.counters.read({ canary: canary.requests, stable: stable.requests, canaryLatency: canary.latency, stableLatency: stable.latency });
    for (const arm of ARMS) {
      const requests = rises[arm];
      // A scrape may land between the two queries: latencies can come one poll ahead of their requests, and must not be lost.
      this.pending[arm] = addCounts(this.pending[arm], countsOf(requests, rises[`${arm}Latency`], this.selectors, this.target.success));
      if (requests.length > 0) this.seen[arm] = true;
      for (const { from, to } of requests) {
        this.from = Math.min(this.from ?? from, from);
        this.to = Math.max(this.to, to);
      }
    }
  }

  /**
   * The window, once every arm that has series brought new samples: pods are scraped at different instants, and a window in which only one
   * arm moved carries no comparison. An arm that stays silent for half the lookback is waited for no longer.
   */
  private close(all: Record<Arm, ArmSeries>): Reading<TrafficWindow> {
    const waiting = ARMS.find((arm) => all[arm].requests.length > 0 && !this.seen[arm]);
    const { from, to } = this;
    if (from === undefined || (waiting && to - from < this.lookback / 2)) return tooFewSamples(this.selectors[waiting ?? "stable"].requests[0] as string);
    const window: TrafficWindow = { from, to, canary: this.pending.canary, stable: this.pending.stable };
    this.pending.canary = noTraffic();
    this.pending.stable = noTraffic();
    this.seen.canary = this.seen.stable = false;
    this.from = undefined;
    return valueOf(window);
  }
}

/** A meter of one service's two arms. Throws ConfigError when the target's custom queries have unknown placeholders. */
export const createMeter = (source: PrometheusSource, target: TrafficTarget): TrafficMeter => new PrometheusMeter(source, target);
