import { RatioProcess, ShareProcess, failRatios, failShares, passShares } from "../statistics/eprocess";
import { wilson } from "../statistics/intervals";
import { StageMixture } from "../statistics/stages";
import { slowerThan, slowerThanBounds } from "../statistics/histogram";
import type { Histogram, Phase, Share } from "../traffic";
import { duration, percent, plain } from "../units";
import { type Evidence, allStages } from "./context";
import { errorCounts, namedCounts } from "./events";
import type { Gate, GateAnswer, Observation, StageContext } from "./gate";

/**
 * The canary's counts of a bad event: `atLeast` for evidence against it, `atMost` for evidence in its favour, `best` for a sentence; and
 * how often stable saw the event that `atLeast` counts.
 */
export interface OneArm {
  atLeast: Share;
  atMost: Share;
  best: Share;
  stable: Share;
  phase: Phase;
}

export interface AbsoluteRule {
  critical: boolean;
  /** The share that must not be exceeded, 0 < limit < 1. */
  limit: number;
  /** What is counted, for a sentence: `failed`, `were slower than 1 s`. */
  what: string;
  counts(observation: Observation): OneArm | undefined;
  /** Stages in which the gate is asked; default all. */
  applies?(stage: StageContext): boolean;
}

const exactly = (share: Share, stable: Share, phase: Phase): OneArm => ({ atLeast: share, atMost: share, best: share, stable, phase });
const complement = ({ x, n }: Share): Share => ({ x: Math.max(0, n - x), n });

/** At most `limit` of the canary's requests may fail. */
export const errorLimit = (critical: boolean, limit: number): AbsoluteRule => ({
  critical,
  limit,
  what: "failed",
  counts: (observation) => {
    const counts = errorCounts(observation);
    return counts && exactly(counts.canary, counts.stable, counts.phase);
  },
});

/** At most (at least, when higher is better) `limit` of a ratio of the user's own counters. */
export const counterLimit = (metric: string, critical: boolean, limit: number, higherIsBetter: boolean): AbsoluteRule => ({
  critical,
  limit: higherIsBetter ? 1 - limit : limit,
  what: higherIsBetter ? `came without ${metric}` : `came with ${metric}`,
  counts: (observation) => {
    const counts = namedCounts(metric)(observation);
    const bad = higherIsBetter ? complement : (share: Share): Share => share;
    return counts && exactly(bad(counts.canary), bad(counts.stable), counts.phase);
  },
});

/** The `q` quantile of the canary's latency may be at most `seconds`: at most 1 − q of its requests may be slower. */
export const latencyLimit = (critical: boolean, q: number, seconds: number): AbsoluteRule => ({
  critical,
  limit: 1 - q,
  what: `were slower than ${duration(seconds)}`,
  counts: (observation) => {
    if (observation.type !== "traffic" || !observation.window.canary.latency) return undefined;
    const { canary, stable } = observation.window;
    const latency = canary.latency as Histogram;
    return { ...slowerThanBounds(latency, seconds), best: slowerThan(latency, seconds), stable: stable.latency ? slowerThanBounds(stable.latency, seconds).atLeast : { x: 0, n: 0 }, phase: observation.phase };
  },
});

const sum = (a: Share, b: Share): Share => ({ x: a.x + b.x, n: a.n + b.n });

/**
 * Sequential gate on the canary's own share of a bad event; the only form that is left at weight 100. Where stable serves beside it, a limit
 * that is exceeded fails only with evidence (E ≥ 1/β) that the canary is worse than stable: an outage of something both depend on must not
 * revert a good release, and does not let it advance either.
 */
export class AbsoluteGate implements Gate {
  readonly critical: boolean;
  private readonly mixture: StageMixture;
  private stage: StageContext | undefined;
  private fail: ShareProcess;
  private pass: ShareProcess;
  private worse: RatioProcess;
  private beside = false;
  private seen: Share = { x: 0, n: 0 };

  constructor(
    readonly metric: string,
    private readonly rule: AbsoluteRule,
    private readonly evidence: Evidence,
  ) {
    this.critical = rule.critical;
    this.mixture = new StageMixture(allStages(evidence.plan));
    this.fail = this.newFail();
    this.pass = this.newPass();
    this.worse = this.newWorse();
  }

  private newFail(): ShareProcess {
    return new ShareProcess(this.rule.limit, failShares(this.rule.limit), this.evidence.phi);
  }

  private newPass(): ShareProcess {
    return new ShareProcess(this.rule.limit, passShares(this.rule.limit), this.evidence.phi);
  }

  private newWorse(): RatioProcess {
    return new RatioProcess(1, failRatios(1), this.evidence.phi);
  }

  beginStage(stage: StageContext): void {
    this.mixture.begin(stage.index, this.fail.logE);
    this.stage = stage;
    this.fail = this.newFail();
    this.pass = this.newPass();
    this.worse = this.newWorse();
    this.beside = false;
    this.seen = { x: 0, n: 0 };
  }

  observe(observation: Observation): void {
    const counts = this.rule.counts(observation);
    if (!counts) return;
    this.fail.add(counts.atLeast);
    this.worse.add(counts.atLeast, counts.stable);
    this.beside ||= counts.stable.n > 0;
    if (counts.phase === "observing") this.pass.add(counts.atMost);
    this.seen = sum(this.seen, counts.best);
  }

  answer(): GateAnswer[] {
    const { limit, what } = this.rule;
    const base = { metric: this.metric, gate: "absolute", critical: this.critical, decides: "both" as const, limit, n: this.seen.n };
    if (this.stage && this.rule.applies?.(this.stage) === false) return [{ ...base, answer: "not-applicable", sentence: "Asked only where no baseline is left." }];
    const [failLimit, passLimit] = [-Math.log(this.evidence.alpha), -Math.log(this.evidence.beta)];
    const stageFail = this.fail.logE;
    const mixed = this.mixture.mix(stageFail);
    const pass = this.pass.logE;
    const shared = mixed >= failLimit && this.beside && this.worse.logE < passLimit;
    const answer = shared ? "undecided" : mixed >= failLimit ? "fail" : pass >= passLimit ? "pass" : "undecided";
    const evidence = { logE: mixed, logELimit: failLimit, logEStage: stageFail, logEPass: pass, logEPassLimit: passLimit };
    const { x, n } = this.seen;
    if (n <= 0) return [{ ...base, ...evidence, answer, sentence: `No canary request has been measured yet, to be judged by how many ${what}.` }];
    const { low, high } = wilson(Math.min(x, n), n);
    const told = shared ? "exceeding, as stable does beside it," : { fail: "proven to exceed", pass: "proven to stay below", undecided: "neither proven to exceed nor to stay below" }[answer];
    const sentence = `${percent(x / n)} of ${plain(n)} canary requests ${what} (95 %: ${percent(low)} … ${percent(high)}), ${told} the limit of ${percent(limit)} (ln E ${mixed.toFixed(2)} of ${failLimit.toFixed(2)} to fail, ${pass.toFixed(2)} of ${passLimit.toFixed(2)} to pass).`;
    return [{ ...base, ...evidence, answer, sentence, value: x / n }];
  }
}
