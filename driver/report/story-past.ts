import { createMeter, createMetricPoller, Judge, type Phase, type PrometheusSource, type Reading, type TrafficWindow } from "../../analysis";
import type { StackConfig } from "../../components/config";
import { judgeAll, ONLY_FAILS } from "../rollout/judging";
import { pollAll, samplesOf, targetOf, type TrafficWatch, type Versions, type WatchedService } from "../rollout/watch";
import type { RolloutEvent } from "./events";
import { MOST_POINTS } from "./story-curve";
import type { StageView } from "./story-view";

/** A service as Prometheus remembers it. */
function remembered(name: string, config: StackConfig, versions: Versions, source: PrometheusSource, step: number, clock: () => number): WatchedService {
  const past: PrometheusSource = { ...source, query: (promql, options) => source.query(promql, { ...options, time: clock() }) };
  const target = { ...targetOf(config, name, versions), lookback: Math.max(4 * step, 10) };
  const { gates } = config.analysis;
  const meter = createMeter(past, target);
  const own = createMetricPoller(past, gates, target, clock);
  const critical = Math.max(1, Object.values(config.services).filter((s) => s.critical).length);
  const judge = new Judge(gates, { stages: config.rollout.stages }, { services: critical });
  return {
    name, versions, judge, critical: config.services[name]!.critical, sticky: false, probe: undefined,
    async poll(phase: Phase, signal?: AbortSignal): Promise<Reading<TrafficWindow>> {
      const [reading, metrics] = await Promise.all([meter.poll(signal), own.poll(signal)]);
      if (reading.kind === "value") judge.observe(reading.value, phase);
      for (const { reading: metric } of metrics) {
        if (metric.kind !== "value") continue;
        if (metric.value.type === "ratio") judge.observeRatio(metric.value, phase);
        else judge.observeGauge(metric.value, phase);
      }
      return reading;
    },
  };
}

export interface PastOptions {
  readonly config: StackConfig;
  readonly versions: Versions;
  readonly source: PrometheusSource;
  /** Seconds since the epoch. */
  readonly from: number;
  readonly to: number;
  readonly stages: readonly StageView[];
  readonly signal?: AbortSignal;
}

/** Seconds between two looks at the past. */
export const pastStep = (from: number, to: number, scrape: number): number => Math.max(1, scrape, (to - from) / MOST_POINTS);

/**
 * What the scrapes of a past rollout would have told, as far as Prometheus still knows: traffic, and evidence computed anew from it.
 * Rejects only when the signal aborts; a look at which nothing can be read is left out.
 */
export async function pastEvents({ config, versions, source, from, to, stages, signal }: PastOptions): Promise<RolloutEvent[]> {
  const step = pastStep(from, to, config.analysis.scrapeIntervalSeconds);
  let t = from;
  const services = Object.keys(config.services).map((name) => remembered(name, config, versions, source, step, () => t));
  const watch: TrafficWatch = { services, close: () => undefined };
  const events: RolloutEvent[] = [];
  let begun: StageView | undefined;
  for (; t <= to; t += step) {
    const stage = stages.find(({ began, ended }) => began <= t && t <= (ended ?? to));
    if (stage && stage !== begun && stage.index < config.rollout.stages.length) services.forEach(({ judge }) => judge.beginStage(stage.index));
    begun = stage ?? begun;
    const polled = await pollAll(watch, stage?.served !== undefined && t >= stage.served + config.rollout.warmUpSeconds ? "observing" : "settling", signal);
    const traffic = samplesOf(polled);
    if (traffic.samples) events.push({ t, event: "observe", ...traffic, ...(stage ? { gates: judgeAll(watch, ONLY_FAILS).gates } : {}), message: "" });
  }
  return events;
}
