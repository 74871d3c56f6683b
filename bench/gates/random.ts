/** Seeded source of random numbers (xoshiro128**, Blackman & Vigna), so that every figure of the bench can be reproduced. */
export class Random {
  private readonly s: Uint32Array;

  constructor(seed: number) {
    // splitmix32 spreads neighbouring seeds over the whole state.
    let z = seed >>> 0;
    this.s = Uint32Array.from({ length: 4 }, () => {
      z = (z + 0x9e3779b9) >>> 0;
      let t = z ^ (z >>> 16);
      t = Math.imul(t, 0x21f0aaad);
      t ^= t >>> 15;
      t = Math.imul(t, 0x735a2d97);
      return (t ^ (t >>> 15)) >>> 0;
    });
  }

  /** Uniform in 0 … 1, 1 excluded. */
  next(): number {
    const s = this.s as unknown as [number, number, number, number];
    const scrambled = Math.imul(s[1], 5);
    const result = Math.imul((scrambled << 7) | (scrambled >>> 25), 9) >>> 0;
    const t = s[1] << 9;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = (s[3] << 11) | (s[3] >>> 21);
    return result / 2 ** 32;
  }

  /** Standard normal (Box & Muller). */
  normal(): number {
    return Math.sqrt(-2 * Math.log(1 - this.next())) * Math.cos(2 * Math.PI * this.next());
  }

  /** Binomial(n, p): exact by geometric gaps while few hits are expected, else the rounded normal, whose tails are right where it is used. */
  binomial(n: number, p: number): number {
    if (n <= 0 || p <= 0) return 0;
    if (p >= 1) return n;
    if (p > 0.5) return n - this.binomial(n, 1 - p);
    const variance = n * p * (1 - p);
    if (variance > 100) return Math.min(n, Math.max(0, Math.round(n * p + Math.sqrt(variance) * this.normal())));
    const log = Math.log(1 - p);
    let hits = -1;
    for (let at = 0; at <= n; hits++) at += Math.floor(Math.log(1 - this.next()) / log) + 1;
    return hits;
  }

  /** Poisson(mean) as the binomial of many trials. */
  poisson(mean: number): number {
    return mean > 100 ? Math.max(0, Math.round(mean + Math.sqrt(mean) * this.normal())) : this.binomial(100_000, mean / 100_000);
  }
}
