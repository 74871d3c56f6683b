import type { Share } from "../traffic";
import { logMeanExp, logSpaced } from "./logs";

const GRID_SIZE = 40;
/** The grid keeps this relative distance from the null, where an alternative could not be told from it. */
const GAP = 1.05;
const FAIL_SPAN = 20;
const PASS_SPAN = 10;

/** Alternatives to "the ratio is at most r0": from 1.05·r0 to 20. */
export const failRatios = (r0: number): number[] => logSpaced(GAP * r0, FAIL_SPAN * r0, GRID_SIZE);

/** Alternatives to "the ratio is at least r1": from 0.1 to r1/1.05. */
export const passRatios = (r1: number): number[] => logSpaced(1 / PASS_SPAN, r1 / GAP, GRID_SIZE);

/** Alternatives to "the share is at most p0": up to 20 times it, or, where that passes 1, to a twentieth of its complement. */
export const failShares = (p0: number): number[] => logSpaced(Math.min(GAP * p0, (1 + p0) / 2), Math.min(FAIL_SPAN * p0, 1 - (1 - p0) / FAIL_SPAN), GRID_SIZE);

/** Alternatives to "the share is at least p0": from a tenth of it to p0/1.05. */
export const passShares = (p0: number): number[] => logSpaced(p0 / PASS_SPAN, p0 / GAP, GRID_SIZE);

/**
 * E-process for the ratio of two shares against a null ratio `r` (after Lindon & Malek, arXiv 2011.03567, 2205.14762). For every true ratio
 * on the null's side its expectation is at most 1 at all times, so by Ville's inequality it ever reaches 1/α with probability at most α.
 * Log likelihood ratios are divided by the overdispersion `phi` ≥ 1.
 */
export class RatioProcess {
  private readonly logs: Float64Array;
  private readonly gains: Float64Array;

  constructor(
    private readonly r: number,
    private readonly alternatives: readonly number[],
    private readonly phi: number,
  ) {
    this.logs = new Float64Array(alternatives.length);
    this.gains = Float64Array.from(alternatives, (alternative) => Math.log(alternative / r));
  }

  /** Adds a window's counts, for each alternative R: ℓ(R; r) = x_c·ln(R/r) − (x_c + x_b)·ln[(n_c·R + n_b)/(n_c·r + n_b)]. */
  add(canary: Share, baseline: Share): void {
    // Events without requests in one of the arms say nothing about a ratio.
    if (canary.n <= 0 || baseline.n <= 0) return;
    const events = canary.x + baseline.x;
    const expected = canary.n * this.r + baseline.n;
    for (let j = 0; j < this.logs.length; j++) {
      const joint = Math.log((canary.n * (this.alternatives[j] as number) + baseline.n) / expected);
      this.logs[j] = (this.logs[j] as number) + (canary.x * (this.gains[j] as number) - events * joint) / this.phi;
    }
  }

  /** ln E: the mean of the alternatives' likelihood ratios; 0 before any data. */
  get logE(): number {
    return logMeanExp(this.logs);
  }
}

/** E-process for one arm's share against a null share `p0`, 0 < p0 < 1: the binomial likelihood ratio mixed over the alternatives. */
export class ShareProcess {
  private readonly steps: { hit: number; miss: number }[];
  private hits = 0;
  private misses = 0;

  constructor(
    p0: number,
    alternatives: readonly number[],
    private readonly phi: number,
  ) {
    this.steps = alternatives.map((p) => ({ hit: Math.log(p / p0), miss: Math.log((1 - p) / (1 - p0)) }));
  }

  /** Adds a window's counts; more hits than trials count as all. */
  add({ x, n }: Share): void {
    const hits = Math.min(x, n);
    this.hits += hits;
    this.misses += n - hits;
  }

  /** ln E: the mean of the alternatives' likelihood ratios; 0 before any data. */
  get logE(): number {
    return logMeanExp(this.steps.map(({ hit, miss }) => (this.hits * hit + this.misses * miss) / this.phi));
  }
}

/**
 * Overdispersion φ of pairs of counts that should have one share: max(1, mean over windows of (x_c − Nθ)²/(Nθ(1 − θ))), where N is the
 * window's total of events and θ the first arm's share of its requests. Windows without events say nothing; 1 when none has any.
 */
export function overdispersion(windows: readonly { first: Share; second: Share }[]): number {
  let sum = 0;
  let used = 0;
  for (const { first, second } of windows) {
    const events = first.x + second.x;
    const theta = first.n / (first.n + second.n);
    const variance = events * theta * (1 - theta);
    if (!(variance > 0)) continue;
    sum += (first.x - events * theta) ** 2 / variance;
    used++;
  }
  return used === 0 ? 1 : Math.max(1, sum / used);
}
