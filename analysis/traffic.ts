/**
 * Cumulative latency histogram of the requests of one window: `count[i]` requests took at most `le[i]` seconds. Edges ascend and the
 * last one is `Infinity`, whose count is the number of requests measured.
 */
export interface Histogram {
  le: number[];
  count: number[];
}

/** What one arm served during a window, as raw counter differences: requests and failed requests (≥ 0), and their latencies if measured. */
export interface ArmCounts {
  requests: number;
  errors: number;
  latency?: Histogram;
}

/** Both arms over one window; `from` and `to` are the times (unix seconds) of the samples used, not of the query. */
export interface TrafficWindow {
  from: number;
  to: number;
  canary: ArmCounts;
  stable: ArmCounts;
}

/** Successes-and-trials of one arm: `x` events among `n` requests, 0 ≤ x, 0 ≤ n. */
export interface Share {
  x: number;
  n: number;
}

/** One non-overlapping batch of a gauge: mean, standard deviation and number of its samples. */
export interface Batch {
  mean: number;
  sd: number;
  n: number;
}

/** Counts of a ratio of the user's own up to `at` (unix seconds), disjoint from the window before. */
export interface RatioWindow {
  type: "ratio";
  metric: string;
  at: number;
  canary: Share;
  stable?: Share;
}

/** A batch of a gauge up to `at` (unix seconds), disjoint from the one before. */
export interface GaugeWindow {
  type: "gauge";
  metric: string;
  at: number;
  canary: Batch;
  stable?: Batch;
}

/** `settling` covers verification of the split and warm-up: it feeds tripwires and FAIL evidence, never PASS evidence. */
export type Phase = "settling" | "observing";

/** Edge-wise sum of two histograms over the edges that both have (a release may change its buckets). */
export function addHistograms(a: Histogram | undefined, b: Histogram | undefined): Histogram | undefined {
  if (!a || !b) return a ?? b;
  const other = new Map(b.le.map((edge, i) => [edge, b.count[i] as number]));
  const le = a.le.filter((edge) => other.has(edge));
  return { le, count: le.map((edge) => (a.count[a.le.indexOf(edge)] as number) + (other.get(edge) as number)) };
}

/** Sum of two arms' counts. */
export function addCounts(a: ArmCounts, b: ArmCounts): ArmCounts {
  const latency = addHistograms(a.latency, b.latency);
  return { requests: a.requests + b.requests, errors: a.errors + b.errors, ...(latency ? { latency } : {}) };
}

/** Nothing served. */
export const noTraffic = (): ArmCounts => ({ requests: 0, errors: 0 });
