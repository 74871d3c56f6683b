import type { Histogram, Share } from "../traffic";

/** Requests measured by a histogram. */
export const total = (latency: Histogram): number => latency.count.at(-1) ?? 0;

/** Requests slower than bucket edge number `index`, of all. */
export const aboveEdge = (latency: Histogram, index: number): Share => ({ x: total(latency) - (latency.count[index] as number), n: total(latency) });

/** Index of the bucket edge at `seconds` (to a relative 1e-9, for edges written in another unit), or −1. */
export const edgeAt = (latency: Histogram, seconds: number): number => latency.le.findIndex((edge) => Math.abs(edge - seconds) <= 1e-9 * seconds);

/** Requests slower than `seconds`: exact when an edge lies there, otherwise interpolated linearly within its bucket (fractional x). */
export function slowerThan(latency: Histogram, seconds: number): Share {
  const exact = edgeAt(latency, seconds);
  if (exact >= 0) return aboveEdge(latency, exact);
  const above = latency.le.findIndex((edge) => edge > seconds);
  const upper = latency.le[above] as number;
  // Nothing is known inside the open last bucket: all of it counts as slower.
  const [lowCount, lowEdge] = above > 0 ? [latency.count[above - 1] as number, latency.le[above - 1] as number] : [0, 0];
  const within = Number.isFinite(upper) ? ((latency.count[above] as number) - lowCount) * ((seconds - lowEdge) / (upper - lowEdge)) : 0;
  return { x: total(latency) - lowCount - within, n: total(latency) };
}

/**
 * The `q` quantile (seconds) by linear interpolation in the bucket that holds rank q·n, as Prometheus' `histogram_quantile` does;
 * `Infinity` (where Prometheus gives the last finite edge) when it lies beyond the last finite edge, undefined without requests.
 */
export function quantile(latency: Histogram, q: number): number | undefined {
  const n = total(latency);
  if (n <= 0) return undefined;
  const index = latency.count.findIndex((c) => c >= q * n);
  const upper = latency.le[index] as number;
  if (!Number.isFinite(upper)) return Infinity;
  const [lowCount, lowEdge] = index > 0 ? [latency.count[index - 1] as number, latency.le[index - 1] as number] : [0, 0];
  const within = (latency.count[index] as number) - lowCount;
  return within > 0 ? lowEdge + ((q * n - lowCount) / within) * (upper - lowEdge) : upper;
}

/**
 * What is certain about the requests slower than `seconds` without interpolation: at least those above the first edge at or after it, at
 * most those above the last edge at or before it. Equal when an edge lies there.
 */
export function slowerThanBounds(latency: Histogram, seconds: number): { atLeast: Share; atMost: Share } {
  const n = total(latency);
  const exact = edgeAt(latency, seconds);
  const after = exact >= 0 ? exact : latency.le.findIndex((edge) => edge > seconds);
  const before = exact >= 0 ? exact : after - 1;
  return { atLeast: aboveEdge(latency, after), atMost: before < 0 ? { x: n, n } : aboveEdge(latency, before) };
}
