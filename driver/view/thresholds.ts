import type { ArmCounts, PodHealth } from "../../analysis";
import { Trail } from "../../analysis/gates/trail";
import { quantile, slowerThanBounds } from "../../analysis/statistics/histogram";
import { clopperPearson } from "../../analysis/statistics/intervals";
import { addCounts, type Share } from "../../analysis/traffic";
import { duration, percent, plain } from "../../analysis/units";

/** What a monitor watches for. */
export interface Thresholds {
  /** Fraction of requests that may fail, 0 … 1. */
  readonly errorShare: number;
  /** Seconds that the 95th percentile of the latency may take, at least 0. */
  readonly latencySeconds: number;
}

/** A threshold that is exceeded. */
export interface Breach {
  readonly what: "errors" | "latency" | "pods";
  /** A fraction, seconds, or a number of restarts. */
  readonly value: number;
  readonly limit: number;
  /** One clause with the numbers. */
  readonly why: string;
}

interface Span {
  readonly from: number;
  readonly to: number;
  readonly counts: ArmCounts;
}

/**
 * Seconds over which traffic is judged, the shortest first: a large excess shows in a minute, one just above the threshold only in more
 * requests, and what is long over must not hide what is wrong now.
 */
const SPANS = [60, 300, 900] as const;
/** Confidence, one-sided, that an excess is none of chance; it is looked for at every scrape. */
const CONFIDENCE = 0.999;
/** Requests that may be slower than the 95th percentile. */
const SLOWER = 0.05;

const join = (a: Span, b: Span): Span => ({ from: Math.min(a.from, b.from), to: Math.max(a.to, b.to), counts: addCounts(a.counts, b.counts) });

/** The share that is certainly exceeded: the lower end of a two-sided interval at 2c − 1 is the one-sided bound at c. */
const atLeast = ({ x, n }: Share): number => (n > 0 ? clopperPearson(x, n, 2 * CONFIDENCE - 1).low : 0);

/** Judges one version of one service, look after look. Pure: it knows no clock but that of the samples. */
export class ThresholdWatch {
  private readonly spans = SPANS.map((seconds) => ({ seconds, trail: new Trail<Span>(join, seconds) }));
  private pods: { readonly restarts: number; readonly wasReady: boolean } | undefined;
  private health: PodHealth | undefined;

  constructor(private readonly thresholds: Thresholds) {}

  /** Takes in what was served from one time to another (unix seconds); windows are disjoint. */
  observe(from: number, to: number, counts: ArmCounts): void {
    for (const { trail } of this.spans) trail.add(to, { from, to, counts });
  }

  /** Takes in the pods; restarts count from the first look. */
  observePods(health: PodHealth): void {
    this.health = health;
    this.pods = { restarts: this.pods?.restarts ?? health.restarts, wasReady: (this.pods?.wasReady ?? false) || health.ready > 0 };
  }

  /** What was served in the last minute; undefined before any samples. */
  recent(): { readonly seconds: number; readonly counts: ArmCounts } | undefined {
    const total = this.spans[0]!.trail.total();
    return total && { seconds: total.to - total.from, counts: total.counts };
  }

  /** The thresholds that are exceeded for certain, as far as the samples go; each at most once. */
  breaches(): Breach[] {
    const found = [this.first((span, seconds) => this.ofErrors(span, seconds)), this.first((span, seconds) => this.ofLatency(span, seconds)), this.ofPods()];
    return found.filter((breach) => breach !== undefined);
  }

  private first(judge: (span: Span, seconds: number) => Breach | undefined): Breach | undefined {
    for (const { trail } of this.spans) {
      const span = trail.total();
      const breach = span && judge(span, span.to - span.from);
      if (breach) return breach;
    }
    return undefined;
  }

  private ofErrors({ counts: { requests: n, errors: x } }: Span, seconds: number): Breach | undefined {
    const limit = this.thresholds.errorShare;
    const bound = atLeast({ x, n });
    if (!(bound > limit)) return undefined;
    return { what: "errors", value: x / n, limit, why: `${percent(x / n)} of ${plain(n)} requests failed in ${duration(seconds)}, where ${percent(limit)} may (at least ${percent(bound)}, with ${percent(CONFIDENCE)} certainty)` };
  }

  private ofLatency({ counts: { latency } }: Span, seconds: number): Breach | undefined {
    const limit = this.thresholds.latencySeconds;
    if (!latency) return undefined;
    const slower = slowerThanBounds(latency, limit).atLeast;
    const bound = atLeast(slower);
    if (!(bound > SLOWER)) return undefined;
    const value = quantile(latency, 0.95) ?? Infinity;
    const finite = Number.isFinite(value) ? duration(value) : `more than ${duration(latency.le.at(-2) ?? limit)}`;
    return { what: "latency", value, limit, why: `P95 of ${plain(slower.n)} requests in ${duration(seconds)} is ${finite}, where it may be ${duration(limit)} (at least ${percent(bound)} of them took longer, with ${percent(CONFIDENCE)} certainty)` };
  }

  private ofPods(): Breach | undefined {
    if (!this.health || !this.pods) return undefined;
    const { ready, desired, restarts, reason } = this.health;
    const risen = restarts - this.pods.restarts;
    const because = reason === undefined ? "" : `: ${reason}`;
    if (risen > 0) return { what: "pods", value: risen, limit: 0, why: `its pods were restarted ${risen === 1 ? "once" : `${risen} times`}${because}` };
    if (desired > 0 && ready === 0 && this.pods.wasReady) return { what: "pods", value: 0, limit: 1, why: `none of its ${desired} pods is ready any more${because}` };
    return undefined;
  }
}
