import {
  createMeter, createMetricPoller, Judge, measureOverdispersion, whyMissing,
  type MetricPoller, type Phase, type Reading, type TrafficMeter, type TrafficTarget, type TrafficWindow,
} from "../../analysis";
import type { ServiceConfig, StackConfig } from "../../components/config";
import { trackName } from "../../components/names";
import { podReader, type PodReader } from "../cluster/pods";
import type { ClusterAccess } from "../cluster/client";
import { UsageError } from "../errors";
import type { TrafficSample } from "../report/events";
import { quantilesOf } from "../report/story-curve";
import { Dependencies } from "../resilience/registry";
import { openPrometheus } from "../resilience/prometheus";
import { canaryProbe, type HealthProbe } from "./probe";

/** Seconds of the baseline's past from which its overdispersion is measured. */
const HISTORY = 1800;

/** A service under rollout: everything that is known of it goes to its judge. */
export interface WatchedService {
  readonly name: string;
  readonly critical: boolean;
  /** Sessions stick to a track, so that the share of requests is not the weight. */
  readonly sticky: boolean;
  readonly versions: Versions;
  readonly judge: Judge;
  readonly probe: HealthProbe | undefined;
  /** Reads what is new, feeds the judge, and returns what the router served. */
  poll(phase: Phase, signal?: AbortSignal): Promise<Reading<TrafficWindow>>;
}

interface Sources {
  readonly meter: TrafficMeter;
  readonly metrics: MetricPoller;
  readonly pods: PodReader;
  readonly probe: HealthProbe | undefined;
}

class Watched implements WatchedService {
  private probeDue = 0;

  constructor(
    readonly name: string,
    readonly critical: boolean,
    readonly sticky: boolean,
    readonly judge: Judge,
    private readonly sources: Sources,
    readonly versions: Versions,
    private readonly probeInterval: number,
  ) {}

  get probe(): HealthProbe | undefined {
    return this.sources.probe;
  }

  async poll(phase: Phase, signal?: AbortSignal): Promise<Reading<TrafficWindow>> {
    const { meter, metrics, pods } = this.sources;
    const [reading, own, health] = await Promise.all([meter.poll(signal), metrics.poll(signal), pods.health(this.name, this.versions.canary), this.probeWhenDue(phase, signal)]);
    if (reading.kind === "value") this.judge.observe(reading.value, phase);
    // A scrape that has not come yet is no blindness.
    else if (reading.kind !== "too-few-samples") this.judge.noData(whyMissing(reading));
    for (const { reading: metric } of own) {
      if (metric.kind !== "value") continue;
      if (metric.value.type === "ratio") this.judge.observeRatio(metric.value, phase);
      else this.judge.observeGauge(metric.value, phase);
    }
    if (health) this.judge.observePods(health);
    return reading;
  }

  /** Not while a split settles: the router counts a probe as a request to the canary. */
  private async probeWhenDue(phase: Phase, signal?: AbortSignal): Promise<void> {
    if (phase === "settling" || !this.sources.probe || Date.now() < this.probeDue) return;
    this.probeDue = Date.now() + this.probeInterval * 1000;
    this.judge.observeProbe((await this.sources.probe.ask(signal)) === undefined);
  }
}

/** Reads what each service of the stack serves, and how its canary's pods are. */
export interface TrafficWatch {
  readonly services: readonly WatchedService[];
  close(): void;
}

/** For what must work without metrics. */
export const NOTHING_SEEN: TrafficWatch = { services: [], close: () => undefined };

/** Whose counters tell what a service's two tracks serve. */
export function targetOf(config: StackConfig, name: string, versions: Versions): TrafficTarget {
  const { source, counters, success, scrapeIntervalSeconds } = config.analysis;
  return {
    profile: counters ?? source,
    success,
    namespace: config.namespace,
    service: name,
    stableService: trackName(name, "stable"),
    canaryService: trackName(name, "canary"),
    port: config.services[name]!.servicePort,
    stableVersion: versions.stable,
    canaryVersion: versions.canary,
    lookback: Math.max(4 * scrapeIntervalSeconds, 10),
  };
}

export interface Versions {
  readonly stable: string;
  /** The stable version again while no rollout runs. */
  readonly canary: string;
}

/**
 * Opens the metric sources of every service.
 *
 * @throws UsageError when the stack names no Prometheus: without data nothing could ever pass
 */
export async function watchTraffic(config: StackConfig, versions: Versions, access: ClusterAccess, signal?: AbortSignal, dependencies: Dependencies = new Dependencies()): Promise<TrafficWatch> {
  const { prometheus, gates, probeIntervalSeconds } = config.analysis;
  if (prometheus.length === 0) throw new UsageError("canary:analysis.prometheus names no server: a rollout without metrics can never pass, so name at least one.");
  const source = openPrometheus(prometheus, dependencies);
  const pods = podReader(access, config.namespace);
  // A stack without a critical service is judged like one with a single one: α is shared by at least one.
  const critical = Math.max(1, Object.values(config.services).filter((s) => s.critical).length);
  const open = async ([name, service]: [string, ServiceConfig]): Promise<WatchedService> => {
    const target = targetOf(config, name, versions);
    const phi = await measureOverdispersion(source, target, { seconds: HISTORY, signal });
    const judge = new Judge(gates, { stages: config.rollout.stages }, { services: critical, ...(phi.kind === "value" ? { overdispersion: phi.value } : {}) });
    const sources = { meter: createMeter(source, target), metrics: createMetricPoller(source, gates, target), pods, probe: canaryProbe(config, service) };
    return new Watched(name, service.critical, service.routing.session?.kind === "cookie", judge, sources, versions, probeIntervalSeconds);
  };
  return { services: await Promise.all(Object.entries(config.services).map(open)), close: () => source.close() };
}

/** What a poll of a service brought. */
export interface Polled {
  readonly service: WatchedService;
  readonly reading: Reading<TrafficWindow>;
}

/**
 * What a poll saw, for those who listen; services of which it brought nothing new are left out.
 *
 * @param now the versions behind the two tracks, where they are no longer those that the watch began with
 */
export const samplesOf = (polled: readonly { readonly service: Pick<WatchedService, "name" | "versions">; readonly reading: Reading<TrafficWindow> }[], now?: Versions): { readonly samples?: readonly TrafficSample[] } => {
  const samples = polled.flatMap(({ service: { name, versions: before }, reading }) => {
    const versions = now ?? before;
    if (reading.kind !== "value") return [];
    const { from, to } = reading.value;
    return (["stable", "canary"] as const).map((track): TrafficSample => {
      const { requests, errors, latency } = reading.value[track];
      return { service: name, track, version: versions[track], requests, errors, seconds: to - from, ...quantilesOf(latency), ...(latency ? { latency } : {}) };
    });
  });
  return samples.length > 0 ? { samples } : {};
};

/** One poll of all services at once. */
export function pollAll(watch: TrafficWatch, phase: Phase, signal?: AbortSignal): Promise<Polled[]> {
  return Promise.all(watch.services.map(async (service) => ({ service, reading: await service.poll(phase, signal) })));
}
