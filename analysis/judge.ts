import type { GaugeWindow, Phase, RatioWindow, TrafficWindow } from "./traffic";
import { ConfigError } from "./errors";
import { buildGates } from "./gates/build";
import type { Clock, Gate, Observation, PodHealth, Stage } from "./gates/gate";
import type { GatesConfig } from "./gates/schema";
import { wilson, type Interval } from "./statistics/intervals";
import { logBetaMixture } from "./statistics/split";
import { type Verdict, decide } from "./verdict";

export interface JudgeOptions {
  /** Overdispersion φ ≥ 1 of the counts, where the config names none; default 1. */
  overdispersion?: number;
  /** Number of services (or regions) that are judged by Judges of their own and move together; default 1. They share α. */
  services?: number;
}

/** The split that was served in a stage since it settled, beside the one that was set. */
export interface Served {
  canary: number;
  stable: number;
  /** Canary share of the requests, absent before any; and its 95 % Wilson interval. */
  share?: number;
  interval?: Interval;
  /** ln E that the share is not the weight (Beta mixture); sessions and uneven routers raise it, it is no gate. */
  logE: number;
}

/**
 * Judges one service's rollout: fed with what is observed, asked for a verdict as often as one likes. Pure: no clock, no I/O. A stage must
 * begin before anything is observed in it. Not to be used for a second rollout, because evidence is kept from stage to stage.
 */
export class Judge {
  private readonly gates: Gate[];
  private blind: string | undefined;
  private observingSince: number | undefined;
  private stage = 0;
  private counts = { canary: 0, stable: 0 };

  /** Throws ConfigError when the plan has no stage or a weight outside 0 … 100. */
  constructor(
    private readonly config: GatesConfig,
    private readonly plan: { stages: readonly Stage[] },
    readonly options: JudgeOptions = {},
  ) {
    const wrong = plan.stages.findIndex(({ weight }) => !(weight >= 0 && weight <= 100));
    if (plan.stages.length === 0) throw new ConfigError("rollout.stages is empty: give at least one stage.");
    if (wrong >= 0) throw new ConfigError(`rollout.stages.${wrong}.weight is ${plan.stages[wrong]?.weight}: give a percentage from 0 to 100.`);
    this.gates = buildGates(config, plan.stages, config.overdispersion ?? options.overdispersion ?? 1, options.services ?? 1);
    this.beginStage(0);
  }

  /** Begins stage number `index` of the plan. Throws ConfigError when the plan has no such stage. */
  beginStage(index: number): void {
    const stage = this.plan.stages[index];
    if (!stage) throw new ConfigError(`The plan has no stage ${index}: it has ${this.plan.stages.length}, counted from 0.`);
    this.stage = index;
    this.observingSince = undefined;
    this.blind = undefined;
    this.counts = { canary: 0, stable: 0 };
    for (const gate of this.gates) gate.beginStage({ index, weight: stage.weight, plan: this.plan.stages });
  }

  /** Takes in what both arms served; windows must be disjoint, of any length. */
  observe(window: TrafficWindow, phase: Phase): void {
    // While a weight settles the router may still serve the one before.
    if (phase === "observing") {
      this.counts.canary += window.canary.requests;
      this.counts.stable += window.stable.requests;
    }
    this.take({ type: "traffic", window, phase: this.warm(phase, window.from, window.to) });
    this.blind = undefined;
  }

  /** Takes in counts of a ratio of the user's own. */
  observeRatio(window: RatioWindow, phase: Phase): void {
    this.take({ ...window, phase: this.warm(phase, window.at, window.at) });
  }

  /** Takes in a batch of a gauge. */
  observeGauge(window: GaugeWindow, phase: Phase): void {
    this.take({ ...window, phase: this.warm(phase, window.at, window.at) });
  }

  /** Takes in the outcome of one health probe through the canary. */
  observeProbe(ok: boolean): void {
    this.take({ type: "probe", ok });
  }

  /** Takes in what the cluster says of the canary's pods. */
  observePods(pods: PodHealth): void {
    this.take({ type: "pods", pods });
  }

  /** Says that traffic could not be read, and why; until it can be again nothing passes, and it never counts as failure. */
  noData(reason: string): void {
    this.blind = reason;
  }

  /** The verdict now. May be asked at every scrape. */
  verdict(now: Clock): Verdict {
    return decide(
      this.gates.flatMap((gate) => gate.answer(now)),
      now,
      this.blind,
    );
  }

  /** The split served in this stage, settling included. */
  served(): Served {
    const { canary, stable } = this.counts;
    const n = canary + stable;
    if (n <= 0) return { canary, stable, logE: 0 };
    const weight = (this.plan.stages[this.stage] as Stage).weight / 100;
    // At 0 and 100 % a single request on the wrong side refutes the weight, and none confirms it.
    const logE = weight > 0 && weight < 1 ? logBetaMixture(Math.round(canary), Math.round(n), weight) : (weight === 0 ? canary : stable) > 0 ? Infinity : 0;
    return { canary, stable, share: canary / n, interval: wilson(canary, n), logE };
  }

  private warm(phase: Phase, from: number, to: number): Phase {
    if (phase === "settling") return phase;
    this.observingSince ??= from;
    return to - this.observingSince < this.config.warmUp ? "settling" : "observing";
  }

  private take(observation: Observation): void {
    for (const gate of this.gates) gate.observe(observation);
  }
}
