import { createMeter, createPrometheus, Judge, type PrometheusSource, type Reading, type TrafficMeter, type TrafficWindow } from "../../analysis";
import { trackName } from "../../components/names";
import type { StackConfig } from "../../components/config";
import { podReader, type PodReader } from "../cluster/pods";
import { UsageError } from "../errors";

/** A service under rollout: where its traffic is read and who judges it. */
export interface WatchedService {
  readonly name: string;
  readonly critical: boolean;
  readonly meter: TrafficMeter;
  readonly judge: Judge;
}

/** Reads what each service of the stack serves, and how its canary's pods are. */
export interface TrafficWatch {
  readonly services: readonly WatchedService[];
  readonly pods: PodReader;
  /** The version under rollout. */
  readonly canary: string;
  close(): void;
}

/** @throws UsageError when the stack names no Prometheus: without data nothing could ever pass. */
export function watchTraffic(config: StackConfig, versions: { stable: string; canary: string }): TrafficWatch {
  const { prometheus, source: profile, scrapeIntervalSeconds, gates } = config.analysis;
  if (prometheus.length === 0) throw new UsageError("canary:analysis.prometheus names no server: a rollout without metrics can never pass, so name at least one.");
  const source: PrometheusSource = createPrometheus({ servers: [...prometheus], cache: 0 });
  // A stack without a critical service is judged like one with a single one: α is shared by at least one.
  const critical = Math.max(1, Object.values(config.services).filter((s) => s.critical).length);
  const services = Object.entries(config.services).map(([name, service]): WatchedService => ({
    name,
    critical: service.critical,
    judge: new Judge(gates, { stages: config.rollout.stages }, { services: critical }),
    meter: createMeter(source, {
      profile,
      namespace: config.namespace,
      service: name,
      stableService: trackName(name, "stable"),
      canaryService: trackName(name, "canary"),
      port: service.servicePort,
      stableVersion: versions.stable,
      canaryVersion: versions.canary,
      lookback: Math.max(4 * scrapeIntervalSeconds, 10),
    }),
  }));
  return { services, pods: podReader(config.namespace), canary: versions.canary, close: () => source.close() };
}

/** One poll of all services at once; what the cluster says of their canaries' pods goes to their judges on the way. */
export async function pollAll(watch: TrafficWatch, signal?: AbortSignal): Promise<{ service: WatchedService; reading: Reading<TrafficWindow> }[]> {
  return Promise.all(
    watch.services.map(async (service) => {
      const [reading, pods] = await Promise.all([service.meter.poll(signal), watch.pods.health(service.name, watch.canary)]);
      if (pods) service.judge.observePods(pods);
      return { service, reading };
    }),
  );
}
