import betaQuantile from "@stdlib/stats-base-dists-beta-quantile";
import binomialCdf from "@stdlib/stats-base-dists-binomial-cdf";
import normalQuantile from "@stdlib/stats-base-dists-normal-quantile";
import type { Histogram } from "../traffic";

/** Closed interval of a share, both ends in 0 … 1. */
export interface Interval {
  low: number;
  high: number;
}

const quantileOf = (confidence: number): number => normalQuantile(1 - (1 - confidence) / 2, 0, 1);
/** Nearly every interval is asked at this confidence, many at every scrape. */
const Z95 = quantileOf(0.95);
const zOf = (confidence: number): number => (confidence === 0.95 ? Z95 : quantileOf(confidence));

/** Wilson score interval (Wilson 1927) of a share of `x` in `n`; less than one observation says nothing. `confidence` two-sided, default 0.95. */
export function wilson(x: number, n: number, confidence = 0.95): Interval {
  if (n < 1) return { low: 0, high: 1 };
  const z2 = zOf(confidence) ** 2;
  const p = x / n;
  const centre = p + z2 / (2 * n);
  const half = Math.sqrt(z2 * ((p * (1 - p)) / n + z2 / (4 * n * n)));
  const scale = 1 + z2 / n;
  return { low: x === 0 ? 0 : (centre - half) / scale, high: x === n ? 1 : (centre + half) / scale };
}

/** Newcombe's interval (1998, method 10) of the difference x1/n1 − x2/n2, within −1 … 1; `confidence` two-sided, default 0.95. */
export function newcombe(x1: number, n1: number, x2: number, n2: number, confidence = 0.95): Interval {
  const [p1, p2] = [x1 / n1, x2 / n2];
  const [a, b] = [wilson(x1, n1, confidence), wilson(x2, n2, confidence)];
  return {
    low: p1 - p2 - Math.hypot(p1 - a.low, b.high - p2),
    high: p1 - p2 + Math.hypot(a.high - p1, p2 - b.low),
  };
}

/** Exact interval of a binomial share (Clopper & Pearson 1934) of `x` in `n` ≥ 1; `confidence` two-sided, default 0.95. */
export function clopperPearson(x: number, n: number, confidence = 0.95): Interval {
  const tail = (1 - confidence) / 2;
  return {
    low: x <= 0 ? 0 : betaQuantile(tail, x, n - x + 1),
    high: x >= n ? 1 : betaQuantile(1 - tail, x + 1, n - x),
  };
}

/** 1-based ranks of two order statistics that bracket a quantile, and the exact probability that they do. */
export interface Ranks {
  low: number;
  high: number;
  coverage: number;
}

/**
 * Distribution-free interval of the `q` quantile (0 < q < 1) among `n` ≥ 1 ordered samples: ranks l, u with
 * P(X₍l₎ ≤ Q ≤ X₍u₎) = F(u − 1) − F(l − 1), F binomial(n, q), both tails at most (1 − confidence)/2 (David & Nagaraja, Order Statistics, 7.1).
 * Where the sample is too small for a tail, `low` is 0 or `high` is n + 1: that side is open.
 */
export function quantileRanks(n: number, q: number, confidence = 0.95): Ranks {
  const tail = (1 - confidence) / 2;
  const z = zOf(confidence);
  const spread = z * Math.sqrt(n * q * (1 - q));
  // Start from the normal approximation, then walk to the exact ranks.
  let low = Math.min(n, Math.max(0, Math.floor(n * q - spread)));
  while (low > 0 && binomialCdf(low - 1, n, q) > tail) low--;
  while (low < n && binomialCdf(low, n, q) <= tail) low++;
  let high = Math.max(1, Math.min(n + 1, Math.ceil(n * q + spread)));
  while (high <= n && 1 - binomialCdf(high - 1, n, q) > tail) high++;
  while (high > 1 && 1 - binomialCdf(high - 2, n, q) <= tail) high--;
  return { low, high, coverage: binomialCdf(high - 1, n, q) - (low > 0 ? binomialCdf(low - 1, n, q) : 0) };
}

/** Bucket edges (seconds) between which the `q` quantile of the traffic behind a histogram lies, with 95 % confidence; needs ≥ 1 request. */
export function quantileBracket(latency: Histogram, q: number): Interval {
  const n = Math.round(latency.count.at(-1) as number);
  const ranks = quantileRanks(n, q);
  const holding = (rank: number): number => latency.count.findIndex((c) => Math.round(c) >= Math.min(rank, n));
  const lowIndex = ranks.low > 0 ? holding(ranks.low) : 0;
  return { low: latency.le[lowIndex - 1] ?? 0, high: ranks.high > n ? Infinity : (latency.le[holding(ranks.high)] as number) };
}
