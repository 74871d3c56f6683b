import type { Batch } from "../traffic";

/** Tuning of the confidence sequence: it is narrowest at some tens of batches. */
export const RHO = 0.28;
/** The asymptotics, and the estimate of the spread, need this many batches before anything is concluded. */
export const MIN_BATCHES = 10;

/** Half width of the asymptotic confidence sequence after `t` batches of standard deviation `sd` (Waudby-Smith et al., arXiv 2103.06476). */
export const halfWidth = (t: number, sd: number, alpha: number): number => {
  const tr = t * RHO ** 2 + 1;
  return sd * Math.sqrt(((2 * tr) / (t * t * RHO ** 2)) * Math.log(Math.sqrt(tr) / alpha));
};

/**
 * Running mean of non-overlapping batches against a limit of 0. `logE` is the evidence dual to the confidence sequence: it reaches ln 1/α
 * exactly when the sequence at α excludes 0.
 */
export class MeanProcess {
  private t = 0;
  private sum = 0;
  private squares = 0;
  private within = 0;

  /** Adds a batch's difference from the limit; `variance` is what its own samples say of the variance of its mean. */
  add(difference: number, variance: number): void {
    this.t++;
    const before = this.t > 1 ? this.sum / (this.t - 1) : 0;
    this.sum += difference;
    this.squares += (difference - before) * (difference - this.mean);
    this.within += variance;
  }

  get batches(): number {
    return this.t;
  }

  /** Mean difference; 0 before any batch. */
  get mean(): number {
    return this.t === 0 ? 0 : this.sum / this.t;
  }

  /** Spread of a batch's mean: between batches, but never less than the batches' own samples allow. */
  get sd(): number {
    return this.t < 2 ? Infinity : Math.sqrt(Math.max(this.squares / (this.t - 1), this.within / this.t));
  }

  /** ln E that the mean lies above (`side` 1) or below (−1) the limit; below 0 while it lies on the other side. */
  logE(side: 1 | -1): number {
    if (this.t < MIN_BATCHES) return 0;
    const tr = this.t * RHO ** 2 + 1;
    const penalty = 0.5 * Math.log(tr);
    const lead = side * this.mean;
    if (lead <= 0) return -penalty;
    return this.sd === 0 ? Infinity : (this.t * RHO * (lead / this.sd)) ** 2 / (2 * tr) - penalty;
  }
}

/** Variance of a batch's mean as its own samples show it. */
export const varianceOfMean = ({ sd, n }: Batch): number => (n > 0 ? sd ** 2 / n : 0);
