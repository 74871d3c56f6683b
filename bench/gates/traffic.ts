import type { ArmCounts, Histogram, TrafficWindow } from "../../analysis";
import { Random } from "./random";
import { BurstClock, type Scenario } from "./scenarios";

/** Bucket edges of ingress-nginx, in seconds. */
const EDGES = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, Infinity];
const MEDIAN = 0.06;
const STEEPNESS = 2.2;

/** Share of requests that take at most `seconds` when all are `factor` times slower: log-logistic, P95 at 0.23 s for factor 1. */
const atMost = (seconds: number, factor: number): number => (seconds === Infinity ? 1 : 1 / (1 + (seconds / (MEDIAN * factor)) ** -STEEPNESS));

/** The endless traffic of one simulated rollout, window by window. */
export class SimulatedTraffic {
  private readonly random: Random;
  private readonly bursts: BurstClock;
  private t = 0;
  private errors = { canary: 0, stable: 0 };

  constructor(
    private readonly scenario: Scenario,
    private readonly window: number,
    seed: number,
  ) {
    this.random = new Random(seed);
    this.bursts = new BurstClock(this.random);
  }

  /** Seconds since the rollout began. */
  get time(): number {
    return this.t;
  }

  /** Error share of the canary at present. */
  get canaryErrors(): number {
    return this.errors.canary;
  }

  /** What is scraped next at a set weight (percent); a missed scrape makes the window longer. */
  next(weight: number): TrafficWindow {
    const from = this.t;
    let [canary, stable] = this.arms(weight);
    while (this.random.next() < this.scenario.missed) {
      const [c, s] = this.arms(weight);
      canary = add(canary, c);
      stable = add(stable, s);
    }
    return { from, to: this.t, canary, stable };
  }

  private arms(weight: number): [ArmCounts, ArmCounts] {
    const { scenario, random, window } = this;
    this.errors = scenario.errors(this.t, this.bursts.at(this.t, window));
    const requests = random.poisson(scenario.rate(this.t) * window);
    const canary = random.binomial(requests, weight >= 100 ? 1 : (weight / 100) * scenario.splitBias);
    this.t += window;
    return [this.arm(canary, this.errors.canary, scenario.slowdown), this.arm(requests - canary, this.errors.stable, 1)];
  }

  /** A reset in the window loses what was counted before it, for requests and errors alike. */
  private arm(served: number, errorShare: number, slowdown: number): ArmCounts {
    const lost = this.random.next() < this.scenario.resets ? this.random.next() : 0;
    const requests = this.random.binomial(served, 1 - lost);
    return { requests, errors: this.random.binomial(requests, errorShare), latency: this.latency(requests, slowdown) };
  }

  private latency(requests: number, slowdown: number): Histogram {
    let [left, below, sum] = [requests, 0, 0];
    const count = EDGES.map((edge) => {
      const share = atMost(edge, slowdown);
      const inside = this.random.binomial(left, Math.min(1, (share - below) / (1 - below)));
      left -= inside;
      below = share;
      return (sum += inside);
    });
    return { le: EDGES, count };
  }
}

function add(a: ArmCounts, b: ArmCounts): ArmCounts {
  const [one, two] = [a.latency as Histogram, b.latency as Histogram];
  return { requests: a.requests + b.requests, errors: a.errors + b.errors, latency: { le: one.le, count: one.count.map((c, i) => c + (two.count[i] as number)) } };
}
