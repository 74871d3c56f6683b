import { MIN_BATCHES, MeanProcess, halfWidth, varianceOfMean } from "../statistics/gauge";
import { StageMixture } from "../statistics/stages";
import type { Batch } from "../traffic";
import { plain } from "../units";
import { type Evidence, allStages, hasBaseline, stagesWithBaseline } from "./context";
import type { Gate, GateAnswer, Observation, StageContext } from "./gate";
import type { RuleOf } from "./schema";

/**
 * Sequential gate on the mean of a gauge, against a number or a multiple of the baseline's. Each batch gives one difference from its limit
 * (paired with the baseline's batch of the same time, so that what moves both cancels); positive is good.
 */
export class GaugeGate implements Gate {
  readonly critical: boolean;
  private readonly mixture: StageMixture;
  private readonly limit: { value: number; ofBaseline: boolean };
  private readonly sign: 1 | -1;
  private stage: StageContext | undefined;
  private all = new MeanProcess();
  private passing = new MeanProcess();
  private readonly values = { canary: 0, stable: 0 };

  constructor(
    readonly metric: string,
    rule: RuleOf<"gauge">,
    private readonly evidence: Evidence,
  ) {
    this.critical = rule.critical;
    this.sign = rule.atLeast ? 1 : -1;
    this.limit = (rule.atLeast ?? rule.atMost) as { value: number; ofBaseline: boolean };
    this.mixture = new StageMixture(this.limit.ofBaseline ? stagesWithBaseline(evidence.plan) : allStages(evidence.plan));
  }

  beginStage(stage: StageContext): void {
    this.mixture.begin(stage.index, this.all.logE(-1));
    this.stage = stage;
    this.all = new MeanProcess();
    this.passing = new MeanProcess();
    this.values.canary = this.values.stable = 0;
  }

  observe(observation: Observation): void {
    if (observation.type !== "gauge" || observation.metric !== this.metric) return;
    const { canary, stable, phase } = observation;
    if (this.limit.ofBaseline && !stable) return;
    const { value } = this.limit;
    const limit = this.limit.ofBaseline ? value * (stable as Batch).mean : value;
    const variance = varianceOfMean(canary) + (this.limit.ofBaseline ? value ** 2 * varianceOfMean(stable as Batch) : 0);
    const difference = this.sign * (canary.mean - limit);
    this.all.add(difference, variance);
    if (phase === "observing") this.passing.add(difference, variance);
    this.values.canary += canary.mean;
    this.values.stable += stable?.mean ?? 0;
  }

  answer(): GateAnswer[] {
    const { alpha, beta } = this.evidence;
    const t = this.all.batches;
    const base = { metric: this.metric, gate: "gauge", critical: this.critical, decides: "both" as const, n: t };
    if (this.limit.ofBaseline && this.stage && !hasBaseline(this.stage)) return [{ ...base, answer: "not-applicable", sentence: "No baseline is left to compare with at weight 100." }];
    const limit = this.limit.ofBaseline ? (t > 0 ? (this.limit.value * this.values.stable) / t : 0) : this.limit.value;
    const [failLimit, passLimit] = [-Math.log(alpha), -Math.log(beta)];
    const stageFail = this.all.logE(-1);
    const mixed = this.mixture.mix(stageFail);
    const pass = this.passing.logE(1);
    const answer = mixed >= failLimit ? "fail" : pass >= passLimit ? "pass" : "undecided";
    const evidence = { logE: mixed, logELimit: failLimit, logEStage: stageFail, logEPass: pass, logEPassLimit: passLimit };
    if (t < MIN_BATCHES) return [{ ...base, ...evidence, answer: "undecided", sentence: `${t} batches of ${this.metric} were seen, ${MIN_BATCHES} are needed.` }];
    const value = this.values.canary / t;
    const sentence = `The mean over ${t} batches is ${plain(value)} ± ${plain(halfWidth(t, this.all.sd, beta))}, to be at ${this.sign > 0 ? "least" : "most"} ${plain(limit)}: ${answer} (ln E ${mixed.toFixed(2)} of ${failLimit.toFixed(2)} to fail, ${pass.toFixed(2)} of ${passLimit.toFixed(2)} to pass).`;
    return [{ ...base, ...evidence, answer, sentence, value, limit }];
  }
}
