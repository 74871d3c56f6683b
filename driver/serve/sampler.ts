import { createMeter, type PrometheusSource, type TrafficMeter } from "../../analysis";
import type { StackConfig } from "../../components/config";
import type { TrafficSample } from "../report/events";
import { samplesOf, targetOf, type Versions } from "../rollout/watch";

/** Looks into the past at most: a page needs no more, and each is some queries. */
const MOST_LOOKS = 90;

/** Reads what both tracks of every service served between two looks. */
export class Sampler {
  private readonly meters: readonly { readonly service: { readonly name: string; readonly versions: Versions }; readonly meter: TrafficMeter }[];
  /** Of the look under way, seconds since the epoch; undefined for now. */
  private time: number | undefined;

  constructor(private readonly config: StackConfig, versions: Versions, source: PrometheusSource) {
    const then: PrometheusSource = { ...source, query: (promql, options) => source.query(promql, { ...options, ...(this.time === undefined ? {} : { time: this.time }) }) };
    this.meters = Object.keys(config.services).map((name) => ({ service: { name, versions }, meter: createMeter(then, targetOf(config, name, versions)) }));
  }

  /** What came since the look before; empty where nothing is new, or nobody answers. Never rejects. */
  async look(time?: number): Promise<readonly TrafficSample[]> {
    this.time = time;
    try {
      return samplesOf(await Promise.all(this.meters.map(async ({ service, meter }) => ({ service, reading: await meter.poll() })))).samples ?? [];
    } catch {
      return [];
    }
  }

  /** What was served since a time, as far as Prometheus has kept it; for somebody who comes late. */
  async *since(began: number, now = Date.now() / 1000): AsyncGenerator<{ readonly t: number; readonly samples: readonly TrafficSample[] }> {
    const step = Math.max(this.config.analysis.scrapeIntervalSeconds, (now - began) / MOST_LOOKS);
    for (let t = began; t < now; t += step) yield { t, samples: await this.look(t) };
  }
}
