import { logSumExp } from "./logs";

/** Weights of the stages in a rollout's evidence: the first counts half of three, because there a bad release should be caught. */
export const stageWeights = (count: number): number[] => (count === 3 ? [0.5, 0.25, 0.25] : Array.from({ length: count }, () => 1 / count));

/**
 * Evidence of a rollout from evidence that starts anew in each stage: ln Σ w_k·E_k, a stage that has not begun counting E = 1. An average of
 * e-processes is one again, so a good release is rolled back in any of its stages with probability at most α altogether.
 */
export class StageMixture {
  private readonly before = new Map<number, number>();
  private current: number | undefined;
  private readonly logWeights: number[];

  /** `stages`: numbers of the stages in which this evidence can be gathered, ascending. */
  constructor(private readonly stages: readonly number[]) {
    this.logWeights = stageWeights(stages.length).map(Math.log);
  }

  /** Begins a stage; `logE` is the evidence of the stage before. A stage that is visited again goes on from what its earlier visit showed. */
  begin(stage: number, logE: number): void {
    if (this.current !== undefined) this.before.set(this.current, this.evidence(this.current, logE));
    this.current = stage;
  }

  /** ln of the mixed evidence, given the present stage's. */
  mix(logE: number): number {
    return logSumExp(this.stages.map((stage, k) => (this.logWeights[k] as number) + this.evidence(stage, logE)));
  }

  private evidence(stage: number, logE: number): number {
    return (this.before.get(stage) ?? 0) + (stage === this.current ? logE : 0);
  }
}
