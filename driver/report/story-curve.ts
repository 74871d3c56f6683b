import { addHistograms, type Histogram } from "../../analysis";
import { quantile } from "../../analysis/statistics/histogram";
import type { TrafficSample } from "./events";

/** Points that a curve keeps at most: more than a chart can show. */
export const MOST_POINTS = 240;

/** Something with a time, seconds since the epoch. */
export interface Timed {
  readonly t: number;
}

/**
 * A curve of bounded size. It begins with a point a second; whenever it has too many, the span of a point doubles and the points in it
 * are joined. The order in which points come does not matter to their number.
 */
export class Curve<P extends Timed> {
  private points = new Map<number, P>();

  /** @param join of two points in their order; the later one's time is kept */
  constructor(private readonly join: (a: P, b: P) => P, private span = 1) {}

  static of<P extends Timed>(join: (a: P, b: P) => P, { span, points }: SavedCurve<P>): Curve<P> {
    const curve = new Curve(join, span);
    for (const point of points) curve.add(point);
    return curve;
  }

  add(point: P): void {
    if (!Number.isFinite(point.t)) return;
    this.put(point);
    while (this.points.size > MOST_POINTS) {
      const before = this.all();
      this.span *= 2;
      this.points = new Map();
      before.forEach((p) => this.put(p));
    }
  }

  /** In the order of time. */
  all(): P[] {
    return [...this.points.values()].sort((a, b) => a.t - b.t);
  }

  saved(): SavedCurve<P> {
    return { span: this.span, points: this.all() };
  }

  private put(point: P): void {
    const place = Math.floor(point.t / this.span);
    const there = this.points.get(place);
    this.points.set(place, !there ? point : there.t <= point.t ? { ...this.join(there, point), t: point.t } : { ...this.join(point, there), t: there.t });
  }
}

export interface SavedCurve<P extends Timed> {
  /** Seconds that a point stands for at most. */
  readonly span: number;
  readonly points: readonly P[];
}

/** What a track served up to `t`. */
export interface TrafficPoint extends Timed {
  readonly seconds: number;
  readonly requests: number;
  readonly errors: number;
  readonly latency?: Histogram;
}

export function joinTraffic(a: TrafficPoint, b: TrafficPoint): TrafficPoint {
  const latency = addHistograms(a.latency, b.latency);
  return { t: Math.max(a.t, b.t), seconds: a.seconds + b.seconds, requests: a.requests + b.requests, errors: a.errors + b.errors, ...(latency ? { latency } : {}) };
}

/** Requests by which a share or a quantile begins to say something. */
const ENOUGH = 100;
/** Parts of the time shown into which a track of few requests is cut at most. */
const PARTS = 30;

/**
 * Points joined until each stands for enough requests, or for a thirtieth of all the time: a share of eight requests is noise, and would
 * make a canary of little traffic look worse than it is.
 */
export function legible(points: readonly TrafficPoint[]): TrafficPoint[] {
  const longest = ((points.at(-1)?.t ?? 0) - (points[0]?.t ?? 0)) / PARTS;
  const joined: TrafficPoint[] = [];
  for (const point of points) {
    const last = joined.at(-1);
    // A time without any request stays to be seen.
    if (last && last.requests > 0 && last.requests < ENOUGH && last.seconds < longest) joined.splice(-1, 1, joinTraffic(last, point));
    else joined.push(point);
  }
  return joined;
}

/** The last edge of a histogram is infinite, which JSON writes as null. */
export const revived = <P extends { readonly latency?: Histogram }>(point: P): P =>
  point.latency ? { ...point, latency: { ...point.latency, le: point.latency.le.map((edge: number | null) => edge ?? Infinity) } } : point;

/** Quantiles as an event tells them: beyond the last bucket edge nothing is known but that edge, as in Prometheus' own. */
export function quantilesOf(latency: Histogram | undefined): Pick<TrafficSample, "p50" | "p95" | "p99"> {
  if (!latency) return {};
  const last = latency.le.filter(Number.isFinite).at(-1);
  const at = (q: number): number | undefined => {
    const value = quantile(latency, q);
    return value === undefined || Number.isFinite(value) ? value : last;
  };
  const known = Object.entries({ p50: at(0.5), p95: at(0.95), p99: at(0.99) }).filter(([, value]) => value !== undefined);
  return Object.fromEntries(known);
}
