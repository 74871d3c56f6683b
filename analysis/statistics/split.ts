import binomialLogPmf from "@stdlib/stats-base-dists-binomial-logpmf";

/**
 * ln of the Beta(1,1) mixture likelihood ratio that a share differs from `p0` (0 < p0 < 1) after `x` of `n`: 1/((n + 1)·P(X = x | p0)), the
 * mixture in closed form. Two-sided and valid at any look; a split that honours its weight reaches 1/α with probability at most α.
 */
export const logBetaMixture = (x: number, n: number, p0: number): number => -Math.log(n + 1) - binomialLogPmf(x, n, p0);
