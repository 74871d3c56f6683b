import type { Random } from "./random";

/** What the traffic and the two releases do; times in seconds since the rollout began. */
export interface Scenario {
  name: string;
  /** Whether the canary is as good as the baseline. */
  good: boolean;
  /** Requests per second of both arms together. */
  rate(t: number): number;
  /** Error shares of the arms during a window. */
  errors(t: number, bursts: Bursts): { canary: number; stable: number };
  /** Factor on all of the canary's latencies. */
  slowdown: number;
  /** Served share ÷ set share of the canary. */
  splitBias: number;
  /** Probability that a scrape is missed, and that a window holds a counter reset of an arm. */
  missed: number;
  resets: number;
}

/** Whether an error burst is on: one that hits both arms, and one of each arm's own. */
export interface Bursts {
  shared: boolean;
  canary: boolean;
  stable: boolean;
}

const BURST_EVERY = 180;
const BURST_LENGTH = 10;

/** Bursts of some 10 s, every 3 minutes on average, drawn window by window. */
export class BurstClock {
  private until: Record<keyof Bursts, number> = { shared: -1, canary: -1, stable: -1 };

  constructor(private readonly random: Random) {}

  at(t: number, window: number): Bursts {
    for (const which of ["shared", "canary", "stable"] as const) if (this.random.next() < window / BURST_EVERY) this.until[which] = t + BURST_LENGTH;
    return { shared: t < this.until.shared, canary: t < this.until.canary, stable: t < this.until.stable };
  }
}

const base: Scenario = { name: "", good: true, rate: () => 200, errors: () => ({ canary: 0.01, stable: 0.01 }), slowdown: 1, splitBias: 1, missed: 0, resets: 0 };
const constant = (canary: number, stable = 0.01) => () => ({ canary, stable });
const flat = (rate: number) => () => rate;
const square = (t: number): number => (t % 240 < 120 ? 400 : 50);

const sharedBursts: Scenario["errors"] = (_, bursts) => (bursts.shared ? { canary: 0.2, stable: 0.2 } : { canary: 0.01, stable: 0.01 });

/** Good releases: every rollback is a false one. */
export const GOOD: readonly Scenario[] = [
  { ...base, name: "flat load" },
  { ...base, name: "square-wave load", rate: square },
  { ...base, name: "bursts of both arms", errors: sharedBursts },
  { ...base, name: "bursts of one arm (not promised)", errors: (_, b) => ({ canary: b.canary ? 0.2 : 0.01, stable: b.stable ? 0.2 : 0.01 }) },
  { ...base, name: "counter resets", resets: 0.05 },
  { ...base, name: "missed scrapes", missed: 0.3 },
  { ...base, name: "half the weight served", splitBias: 0.5 },
  { ...base, name: "no errors at all", errors: constant(0, 0) },
];

/** Bad releases: every promotion is a miss. */
export const BAD: readonly Scenario[] = [
  { ...base, name: "errors 1 → 2 %", good: false, errors: constant(0.02) },
  { ...base, name: "errors 1 → 5 %", good: false, errors: constant(0.05) },
  { ...base, name: "errors 1 → 20 %", good: false, errors: constant(0.2) },
  { ...base, name: "errors 0 → 2 %", good: false, errors: constant(0.02, 0) },
  { ...base, name: "1 → 5 % after 45 s", good: false, errors: (t) => ({ canary: t < 45 ? 0.01 : 0.05, stable: 0.01 }) },
  { ...base, name: "1 → 5 %, square-wave load", good: false, rate: square, errors: constant(0.05) },
  { ...base, name: "1 → 5 %, bursts of both", good: false, errors: (_, b) => (b.shared ? { canary: 0.2, stable: 0.2 } : { canary: 0.05, stable: 0.01 }) },
  { ...base, name: "latency × 1.5", good: false, slowdown: 1.5 },
];

/** Scenarios of the promises; each is named after what it must show. */
export const PROMISED = {
  sameRelease: { ...base, name: "A/A at 500 req/s", rate: flat(500) },
  sharedOutages: { ...base, name: "A/A with bursts of both arms", errors: sharedBursts },
  twiceTheErrors: { ...base, name: "R = r1", good: false, rate: flat(500), errors: constant(0.02) },
  fivefold: { ...base, name: "errors 1 → 5 % at 500 req/s", good: false, rate: flat(500), errors: constant(0.05) },
  broken: { ...base, name: "errors 1 → 20 % at 200 req/s", good: false, errors: constant(0.2) },
} as const satisfies Record<string, Scenario>;
