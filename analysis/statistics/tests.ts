import hypergeometricPmf from "@stdlib/stats-base-dists-hypergeometric-pmf";

/** Relative slack within which two probabilities count as equal, as R's fisher.test has it. */
const TIE = 1e-7;

/**
 * Fisher's exact test of x1 of n1 against x2 of n2: the probability of a table at least as extreme given its margins. `greater`: the first
 * share is larger; `two-sided`: every table that is no more probable than the one seen.
 */
export function fisher(x1: number, n1: number, x2: number, n2: number, alternative: "greater" | "two-sided"): number {
  const [events, all] = [x1 + x2, n1 + n2];
  const probability = (x: number): number => hypergeometricPmf(x, all, events, n1);
  const seen = probability(x1);
  let p = 0;
  for (let x = Math.max(0, events - n2); x <= Math.min(events, n1); x++) {
    const own = probability(x);
    if (alternative === "greater" ? x >= x1 : own <= seen * (1 + TIE)) p += own;
  }
  return Math.min(1, p);
}

/** Mid-ranks of all values, doubled so that they are whole numbers with ties, too. */
function doubledRanks(values: readonly number[]): number[] {
  const sorted = [...values].sort((a, b) => a - b);
  // The ranks of equal values run from first + 1 to last + 1; twice their mean is first + last + 2.
  return values.map((v) => sorted.indexOf(v) + sorted.lastIndexOf(v) + 2);
}

/**
 * Two-sided Mann–Whitney test of two samples of at least one value each: U of the first, and the exact p-value, that is the share of all
 * divisions of the values, ties included, whose U lies at least as far from its mean. Work grows with the fourth power of the sample
 * size: meant for some tens of values.
 */
export function mannWhitney(first: readonly number[], second: readonly number[]): { u: number; p: number } {
  const [n1, n2] = [first.length, second.length];
  const ranks = doubledRanks([...first, ...second]);
  const top = ranks.reduce((a, b) => a + b, 0);
  // ways[k][s]: how many choices of k values have doubled ranks that add up to s.
  const ways = Array.from({ length: n1 + 1 }, () => new Float64Array(top + 1));
  (ways[0] as Float64Array)[0] = 1;
  for (const rank of ranks)
    for (let k = n1; k >= 1; k--) {
      const [with_, without] = [ways[k] as Float64Array, ways[k - 1] as Float64Array];
      for (let s = rank; s <= top; s++) with_[s] = (with_[s] as number) + (without[s - rank] as number);
    }
  const seen = ranks.slice(0, n1).reduce((a, b) => a + b, 0);
  const middle = n1 * (n1 + n2 + 1);
  let [all, extreme] = [0, 0];
  (ways[n1] as Float64Array).forEach((count, s) => {
    all += count;
    if (Math.abs(s - middle) >= Math.abs(seen - middle)) extreme += count;
  });
  return { u: seen / 2 - (n1 * (n1 + 1)) / 2, p: extreme / all };
}

/** Holm's step-down adjustment (1979): p-values that hold for all tests together, in the order given. */
export function holm(pValues: readonly number[]): number[] {
  const order = pValues.map((p, i) => ({ p, i })).sort((a, b) => a.p - b.p);
  const adjusted = new Array<number>(pValues.length);
  let largest = 0;
  order.forEach(({ p, i }, rank) => {
    largest = Math.max(largest, Math.min(1, p * (pValues.length - rank)));
    adjusted[i] = largest;
  });
  return adjusted;
}
