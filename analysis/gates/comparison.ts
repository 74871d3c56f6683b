import { RatioProcess, ShareProcess, failRatios, passRatios, passShares } from "../statistics/eprocess";
import { logMeanExp } from "../statistics/logs";
import { StageMixture } from "../statistics/stages";
import { plain } from "../units";
import { type Evidence, hasBaseline, r1At, stagesWithBaseline } from "./context";
import type { Events } from "./events";
import type { Gate, GateAnswer, Observation, StageContext } from "./gate";

export interface ComparisonRule {
  critical: boolean;
  /** A ratio to the baseline that is still tolerated. */
  r0: number;
  /** A ratio that must be excluded to advance; default by the stage's weight. */
  r1?: number | undefined;
  /** Whether a canary share below pFloor is good enough whatever the baseline shows; wrong where more is better. */
  floor: boolean;
}

/** FAIL and PASS evidence about one event. */
class EventEvidence {
  readonly fail: RatioProcess;
  private readonly ratio: RatioProcess;
  private readonly floor: ShareProcess | undefined;

  constructor(rule: ComparisonRule, r1: number, { pFloor, phi }: Evidence) {
    this.fail = new RatioProcess(rule.r0, failRatios(rule.r0), phi);
    this.ratio = new RatioProcess(r1, passRatios(r1), phi);
    this.floor = rule.floor ? new ShareProcess(pFloor, passShares(pFloor), phi) : undefined;
  }

  add(canary: { x: number; n: number }, stable: { x: number; n: number }, passing: boolean): void {
    this.fail.add(canary, stable);
    if (!passing) return;
    this.ratio.add(canary, stable);
    this.floor?.add(canary);
  }

  /** The null "ratio ≥ r1 and share ≥ pFloor" is refuted by either half, so the average of both is evidence against it. */
  get pass(): number {
    return this.floor ? logMeanExp([this.ratio.logE, this.floor.logE]) : this.ratio.logE;
  }
}

/**
 * Sequential comparison of one or several events between the arms, asked at any time without inflating errors. FAIL evidence (ratio above
 * r0) restarts in each stage and is mixed over the rollout; PASS evidence (ratio below r1) is the stage's own. Several events are averaged.
 */
export class ComparisonGate implements Gate {
  readonly critical: boolean;
  private readonly mixture: StageMixture;
  private stage: StageContext | undefined;
  private events: EventEvidence[] = [];
  private requests = 0;

  constructor(
    readonly metric: string,
    private readonly rule: ComparisonRule,
    private readonly source: Events,
    private readonly evidence: Evidence,
  ) {
    this.critical = rule.critical;
    this.mixture = new StageMixture(stagesWithBaseline(evidence.plan));
  }

  beginStage(stage: StageContext): void {
    this.mixture.begin(stage.index, this.failLogE);
    this.stage = stage;
    this.events = [];
    this.requests = 0;
    this.source.beginStage();
  }

  observe(observation: Observation): void {
    const read = this.source.read(observation);
    if (!read || !this.stage || !hasBaseline(this.stage)) return;
    if (this.events.length === 0) this.events = read.pairs.map(() => new EventEvidence(this.rule, this.r1, this.evidence));
    read.pairs.forEach(({ canary, stable }, i) => this.events[i]?.add(canary, stable, read.phase === "observing"));
    this.requests += read.pairs[0]?.canary.n ?? 0;
  }

  private get r1(): number {
    return this.rule.r1 ?? r1At(this.stage?.weight ?? 100);
  }

  private get failLogE(): number {
    return this.events.length === 0 ? 0 : logMeanExp(this.events.map((e) => e.fail.logE));
  }

  answer(): GateAnswer[] {
    const base = { metric: this.metric, critical: this.critical, n: this.requests };
    if (!this.stage || !hasBaseline(this.stage)) {
      const sentence = "No baseline is left to compare with at weight 100.";
      return [
        { ...base, gate: "fail", decides: "rollback", answer: "not-applicable", sentence },
        { ...base, gate: "pass", decides: "advance", answer: "not-applicable", sentence },
      ];
    }
    const { alpha, beta } = this.evidence;
    const stageFail = this.failLogE;
    const mixed = this.mixture.mix(stageFail);
    const pass = this.events.length === 0 ? 0 : logMeanExp(this.events.map((e) => e.pass));
    const [failLimit, passLimit] = [-Math.log(alpha), -Math.log(beta)];
    const [fails, passes] = [mixed >= failLimit, pass >= passLimit];
    const finding = this.source.finding();
    return [
      {
        ...base,
        gate: "fail",
        decides: "rollback",
        answer: fails ? "fail" : "undecided",
        sentence: `${finding}; ${fails ? "proven" : "not proven"} to be more than ${plain(this.rule.r0)} times as bad as stable (ln E ${mixed.toFixed(2)}, it takes ${failLimit.toFixed(2)}).`,
        logE: mixed,
        logELimit: failLimit,
        logEStage: stageFail,
      },
      {
        ...base,
        gate: "pass",
        decides: "advance",
        answer: passes ? "pass" : "undecided",
        sentence: `${finding}; ${passes ? "proven" : "not yet proven"} to be less than ${plain(this.r1)} times as bad as stable (ln E ${pass.toFixed(2)}, it takes ${passLimit.toFixed(2)}).`,
        logE: pass,
        logELimit: passLimit,
        logEStage: pass,
      },
    ];
  }
}
