import { createMeter, whyMissing, type PodHealth, type PrometheusSource, type TrafficMeter } from "../../analysis";
import type { StackConfig } from "../../components/config";
import type { PodReader } from "../cluster/pods";
import { ThresholdWatch, type Breach, type Thresholds } from "./thresholds";
import { targetOf, type Versions } from "../rollout/watch";
import { armOf, type ArmTraffic } from "./traffic";

/** One version of a service at one look. */
export interface TrackLook {
  readonly track: "stable" | "canary";
  readonly version: string;
  /** Over the last minute; absent before the first samples. */
  readonly traffic?: ArmTraffic;
  /** Absent when the cluster could not be asked. */
  readonly pods?: PodHealth;
}

/** One service at one look. */
export interface ServiceLook {
  readonly service: string;
  readonly tracks: readonly TrackLook[];
  /** Why there are no numbers, in one sentence. */
  readonly missing?: string;
  /** What the version that is watched exceeds. */
  readonly breaches: readonly Breach[];
}

/** Which version is watched, and which is shown beside it. */
export interface Watched extends Versions {
  /** Whether a rollout is under way; without one stable is watched alone. */
  readonly rollout: boolean;
}

/** Seconds without new samples after which they count as missing, in scrapes. */
const SILENT_SCRAPES = 4;

class ServiceMonitor {
  private readonly meter: TrafficMeter;
  private readonly watches: Readonly<Record<"stable" | "canary", ThresholdWatch>>;
  private heard = Date.now();

  constructor(private readonly service: string, config: StackConfig, private readonly watched: Watched, source: PrometheusSource, private readonly pods: PodReader, thresholds: Thresholds) {
    this.meter = createMeter(source, targetOf(config, service, watched));
    this.watches = { stable: new ThresholdWatch(thresholds), canary: new ThresholdWatch(thresholds) };
    this.silent = SILENT_SCRAPES * config.analysis.scrapeIntervalSeconds;
  }

  private readonly silent: number;

  async look(signal: AbortSignal): Promise<ServiceLook> {
    const { rollout } = this.watched;
    const tracks = rollout ? (["stable", "canary"] as const) : (["stable"] as const);
    const [reading, ...pods] = await Promise.all([this.meter.poll(signal), ...tracks.map((track) => this.pods.health(this.service, this.watched[track]))]);
    if (reading.kind === "value") {
      this.heard = Date.now();
      const { from, to } = reading.value;
      for (const track of tracks) this.watches[track].observe(from, to, reading.value[track]);
    }
    tracks.forEach((track, i) => pods[i] && this.watches[track].observePods(pods[i]));
    // A scrape that has not come yet is no silence.
    const missing = reading.kind === "value" || (reading.kind === "too-few-samples" && Date.now() - this.heard < this.silent * 1000) ? undefined : whyMissing(reading);
    return {
      service: this.service,
      tracks: tracks.map((track, i) => this.trackLook(track, pods[i], missing !== undefined)),
      ...(missing === undefined ? {} : { missing }),
      breaches: this.watches[rollout ? "canary" : "stable"].breaches().filter(({ what }) => what === "pods" || missing === undefined),
    };
  }

  /** What was served before the data stopped is shown no more: it would pass for health. */
  private trackLook(track: "stable" | "canary", pods: PodHealth | undefined, blind: boolean): TrackLook {
    const recent = blind ? undefined : this.watches[track].recent();
    return { track, version: this.watched[track], ...(recent ? { traffic: armOf(recent.counts, recent.seconds) } : {}), ...(pods ? { pods } : {}) };
  }
}

/** Looks at every service of a stack, look after look, while the same versions are watched. */
export interface Monitor {
  look(signal: AbortSignal): Promise<readonly ServiceLook[]>;
}

export function openMonitor(config: StackConfig, watched: Watched, source: PrometheusSource, pods: PodReader, thresholds: Thresholds): Monitor {
  const services = Object.keys(config.services).map((service) => new ServiceMonitor(service, config, watched, source, pods, thresholds));
  return { look: (signal) => Promise.all(services.map((service) => service.look(signal))) };
}

/** Says what is new about the breaches of a look: each is told of when it begins, and again when it is over. */
export class BreachBook {
  private readonly open = new Map<string, Date>();

  /** @returns the breaches that began with this look, and those that are over */
  compare(looks: readonly ServiceLook[], at: Date): { readonly begun: readonly (Breach & { service: string })[]; readonly over: readonly { service: string; what: Breach["what"]; since: Date }[] } {
    const now = new Map<string, Breach & { service: string }>(looks.flatMap(({ service, breaches }) => breaches.map((breach) => [`${service} ${breach.what}`, { ...breach, service }] as const)));
    // What cannot be seen is not over.
    const blind = new Set(looks.filter(({ missing }) => missing !== undefined).map(({ service }) => service));
    const begun = [...now].filter(([key]) => !this.open.has(key)).map(([, breach]) => breach);
    const over = [...this.open].filter(([key]) => !now.has(key) && !blind.has(key.split(" ")[0]!)).map(([key, since]) => ({ key, service: key.split(" ")[0]!, what: key.split(" ")[1] as Breach["what"], since }));
    for (const { key } of over) this.open.delete(key);
    for (const { service, what } of begun) this.open.set(`${service} ${what}`, at);
    return { begun, over: over.map(({ key: _, ...rest }) => rest) };
  }

  /** Since when something is exceeded. */
  since(service: string, what: Breach["what"]): Date | undefined {
    return this.open.get(`${service} ${what}`);
  }
}
