import { newcombe } from "../statistics/intervals";
import { edgeAt, aboveEdge, quantile, total } from "../statistics/histogram";
import { type Histogram, type Phase, type Share, addHistograms } from "../traffic";
import { duration, percent, plain } from "../units";
import type { Observation } from "./gate";

/** Counts of one event in both arms. */
export interface Pair {
  canary: Share;
  stable: Share;
}

/** Turns observations into counts of one or more events that are compared between the arms. */
export interface Events {
  /** Settles which events are counted in the stage that begins, from what the baseline showed before. */
  beginStage(): void;
  /** The counts an observation holds, as many as there are events, or undefined when it holds none (or the events are not settled yet). */
  read(observation: Observation): { pairs: Pair[]; phase: Phase } | undefined;
  /** What the canary and the baseline showed in this stage, for a sentence. */
  finding(): string;
}

const NOTHING: Share = { x: 0, n: 0 };
const sum = (a: Share, b: Share): Share => ({ x: a.x + b.x, n: a.n + b.n });

/** `5 % (10 of 200) on the canary, 1 % (38 of 3800) on stable, a difference of … points`, the interval by Newcombe. */
export function compare(canary: Share, stable: Share): string {
  const arm = ({ x, n }: Share): string => (n > 0 ? `${percent(x / n)} (${plain(x)} of ${plain(n)})` : "nothing");
  const shares = `${arm(canary)} on the canary, ${arm(stable)} on stable`;
  // A ratio of counters such as items per request may exceed 1, where a share has no interval.
  if (canary.n <= 0 || stable.n <= 0 || canary.x > canary.n || stable.x > stable.n) return shares;
  const { low, high } = newcombe(canary.x, canary.n, stable.x, stable.n);
  return `${shares}, a difference of ${plain(100 * low)} to ${plain(100 * high)} points with 95 % confidence`;
}

/** One pair of counters: errors of the traffic, or counters of the user's own. */
export class CounterEvents implements Events {
  private seen: Pair = { canary: NOTHING, stable: NOTHING };

  /** `higherIsBetter` compares the other way round: the baseline's share to the canary's. */
  constructor(
    private readonly countsOf: (observation: Observation) => { canary: Share; stable: Share; phase: Phase } | undefined,
    private readonly higherIsBetter: boolean,
  ) {}

  beginStage(): void {
    this.seen = { canary: NOTHING, stable: NOTHING };
  }

  read(observation: Observation): { pairs: Pair[]; phase: Phase } | undefined {
    const counts = this.countsOf(observation);
    if (!counts) return undefined;
    const { canary, stable, phase } = counts;
    this.seen = { canary: sum(this.seen.canary, canary), stable: sum(this.seen.stable, stable) };
    return { pairs: [this.higherIsBetter ? { canary: stable, stable: canary } : { canary, stable }], phase };
  }

  finding(): string {
    return compare(this.seen.canary, this.seen.stable);
  }
}

/** Failed requests of the service's own traffic. */
export const errorCounts = (observation: Observation): { canary: Share; stable: Share; phase: Phase } | undefined => {
  if (observation.type !== "traffic") return undefined;
  const { canary, stable } = observation.window;
  return { canary: { x: canary.errors, n: canary.requests }, stable: { x: stable.errors, n: stable.requests }, phase: observation.phase };
};

/** Counters of the user's own, by the metric's name. */
export const namedCounts =
  (metric: string) =>
  (observation: Observation): { canary: Share; stable: Share; phase: Phase } | undefined =>
    observation.type === "ratio" && observation.metric === metric ? { canary: observation.canary, stable: observation.stable ?? NOTHING, phase: observation.phase } : undefined;

const SHAPE_QUANTILES = [0.5, 0.75, 0.9, 0.95, 0.99];
/** Fewer baseline requests would put the edge of the 99th percentile at random. */
const ENOUGH_TO_CHOOSE = 100;

/** Requests slower than the bucket edges at the baseline's quantiles. The edges are fixed from baseline traffic seen before they count. */
export class LatencyEvents implements Events {
  private edges: number[] | undefined;
  private baseline: Histogram | undefined;
  private seen: { canary: Histogram | undefined; stable: Histogram | undefined } = { canary: undefined, stable: undefined };

  beginStage(): void {
    this.seen = { canary: undefined, stable: undefined };
    this.edges = this.choose();
  }

  private choose(): number[] | undefined {
    const baseline = this.baseline;
    if (!baseline || total(baseline) < ENOUGH_TO_CHOOSE) return undefined;
    const edges = SHAPE_QUANTILES.map((q) => baseline.le[baseline.count.findIndex((c) => c >= q * total(baseline))] as number);
    return [...new Set(edges)].filter(Number.isFinite);
  }

  read(observation: Observation): { pairs: Pair[]; phase: Phase } | undefined {
    if (observation.type !== "traffic") return undefined;
    const { canary, stable } = observation.window;
    const edges = this.edges;
    this.baseline = addHistograms(this.baseline, stable.latency);
    this.seen = { canary: addHistograms(this.seen.canary, canary.latency), stable: addHistograms(this.seen.stable, stable.latency) };
    if (!edges) {
      this.edges = this.choose();
      return undefined;
    }
    const above = (latency: Histogram | undefined, edge: number): Share => {
      const index = latency ? edgeAt(latency, edge) : -1;
      return latency && index >= 0 ? aboveEdge(latency, index) : NOTHING;
    };
    return { pairs: edges.map((edge) => ({ canary: above(canary.latency, edge), stable: above(stable.latency, edge) })), phase: observation.phase };
  }

  finding(): string {
    const { canary, stable } = this.seen;
    if (!canary || !stable) return "no latency histogram of both arms";
    const p = (latency: Histogram, q: number): string => duration(quantile(latency, q) ?? 0);
    const edges = this.edges ? `compared at ${this.edges.map(duration).join(", ")}` : "the baseline has not shown enough yet to choose edges";
    return `P50 ${p(canary, 0.5)}, P95 ${p(canary, 0.95)} of ${plain(total(canary))} canary requests; P50 ${p(stable, 0.5)}, P95 ${p(stable, 0.95)} of ${plain(total(stable))} on stable; ${edges}`;
  }
}
