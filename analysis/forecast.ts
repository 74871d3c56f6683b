import type { Stage } from "./gates/gate";
import type { GatesConfig } from "./gates/schema";
import { Judge, type JudgeOptions } from "./judge";
import type { ArmCounts } from "./traffic";
import type { Verdict } from "./verdict";

/** What the service serves now, before the rollout: counts of `seconds` of its traffic. */
export interface Baseline {
  seconds: number;
  counts: ArmCounts;
}

/** Expected seconds to a verdict of one stage by its sequential gates; Infinity beyond the cap. */
export interface StageForecast {
  /** Percent. */
  weight: number;
  /** Until a canary as good as the baseline may advance. */
  passSeconds: number;
  /** Until a canary that fails `factor` times as often as the baseline is rolled back. */
  failSeconds: number;
}

const scale = (counts: ArmCounts, by: number, errors = 1): ArmCounts => ({
  requests: counts.requests * by,
  errors: Math.min(counts.requests, counts.errors * errors) * by,
  ...(counts.latency ? { latency: { le: counts.latency.le, count: counts.latency.count.map((c) => c * by) } } : {}),
});

/**
 * Expected time to a verdict of every stage at the traffic seen, along the mean path: the evidence of expected counts. About half of all
 * rollouts are faster. The canary's pods and health probes are
 * taken to be well; queries of the user's own cannot be foreseen and stay undecided. `options` are those of the judge that will decide;
 * `factor` > 1.
 */
export function forecast(config: GatesConfig, plan: { stages: readonly Stage[] }, baseline: Baseline, capSeconds: number, options: JudgeOptions = {}, factor = 5): StageForecast[] {
  const verdict = (index: number, seconds: number, errors: number): Verdict["verdict"] => {
    const judge = new Judge(config, plan, options);
    const share = (plan.stages[index] as Stage).weight / 100;
    const perSecond = seconds / baseline.seconds;
    // Latency edges are chosen from the baseline alone, before anything is compared.
    judge.observe({ from: -1, to: 0, canary: { requests: 0, errors: 0 }, stable: baseline.counts }, "settling");
    for (let i = 0; i <= index; i++) judge.beginStage(i);
    judge.observePods({ ready: 1, desired: 1, restarts: 0 });
    judge.observeProbe(true);
    judge.observe({ from: 0, to: seconds, canary: scale(baseline.counts, share * perSecond, errors), stable: scale(baseline.counts, (1 - share) * perSecond) }, "observing");
    return judge.verdict({ elapsedSeconds: seconds, dwellSeconds: 0, capSeconds: Infinity }).verdict;
  };
  /** Smallest time, to a percent, at which the verdict is reached; evidence along the mean path grows with time. */
  const when = (index: number, wanted: "promote" | "rollback", errors: number): number => {
    if (verdict(index, capSeconds, errors) !== wanted) return Infinity;
    let [low, high] = [0.1, capSeconds];
    while (high / low > 1.01) {
      const middle = Math.sqrt(low * high);
      if (verdict(index, middle, errors) === wanted) high = middle;
      else low = middle;
    }
    return high;
  };
  return plan.stages.map(({ weight }, i) => ({ weight, passSeconds: when(i, "promote", 1), failSeconds: when(i, "rollback", factor) }));
}
