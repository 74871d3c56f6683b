import { createMeter, whyMissing, type ArmCounts, type PrometheusSource, type Reading, type TrafficTarget, type TrafficWindow } from "../../analysis";
import { quantile } from "../../analysis/statistics/histogram";
import type { StackConfig } from "../../components/config";
import { targetOf, type Versions } from "../rollout/watch";

/** What one track of a service served. */
export interface ArmTraffic {
  /** Requests a second. */
  readonly rate: number;
  /** Fraction of requests that failed; absent without requests. */
  readonly errorShare?: number;
  /** Seconds; absent where no latency was measured, or where it lies beyond the last bucket edge. */
  readonly p95?: number;
  readonly requests: number;
}

/** What a service served over the latest span, by its counters. */
export interface ServiceTraffic {
  readonly service: string;
  /** Length of the span in seconds; absent without data. */
  readonly seconds?: number;
  readonly stable?: ArmTraffic;
  readonly canary?: ArmTraffic;
  /** Fraction of requests to the canary; absent without requests. */
  readonly served?: number;
  /** Why there are no numbers, in one sentence. */
  readonly missing?: string;
}

/**
 * What was served over the latest four scrapes, at once: one look as of then and one as of now. A meter alone would have to wait for
 * the next scrape.
 */
export async function recentWindow(source: PrometheusSource, target: TrafficTarget): Promise<Reading<TrafficWindow>> {
  const now = Date.now() / 1000;
  let time = now - target.lookback!;
  const meter = createMeter({ ...source, query: (promql, options) => source.query(promql, { ...options, time }) }, target);
  const base = await meter.poll();
  if (base.kind === "query-failed") return base;
  time = now;
  return meter.poll();
}

export function armOf({ requests, errors, latency }: ArmCounts, seconds: number): ArmTraffic {
  const p95 = latency && quantile(latency, 0.95);
  return {
    requests,
    rate: seconds > 0 ? requests / seconds : 0,
    ...(requests > 0 ? { errorShare: errors / requests } : {}),
    ...(p95 !== undefined && Number.isFinite(p95) ? { p95 } : {}),
  };
}

/** What every service served of late. Never rejects. */
export function recentTraffic(config: StackConfig, versions: Versions, source: PrometheusSource): Promise<ServiceTraffic[]> {
  return Promise.all(Object.keys(config.services).map(async (service): Promise<ServiceTraffic> => {
    const reading = await recentWindow(source, targetOf(config, service, versions));
    if (reading.kind !== "value") return { service, missing: whyMissing(reading) };
    const { from, to, stable, canary } = reading.value;
    const total = stable.requests + canary.requests;
    const served = total > 0 ? { served: canary.requests / total } : {};
    return { service, seconds: to - from, stable: armOf(stable, to - from), canary: armOf(canary, to - from), ...served };
  }));
}
