import { joinVerdicts, type Clock, type GateAnswer, type Verdict } from "../../analysis";
import type { RecordedGate } from "../../components/record/format";
import type { TrafficWatch } from "./watch";

/** The joint verdict of all services: they move together. */
export function judgeAll(watch: TrafficWatch, clock: Clock): Verdict {
  return joinVerdicts(
    Object.fromEntries(
      watch.services.map((s) => {
        const verdict = s.judge.verdict(clock);
        // A service that is not critical may ask for a review; it reverts nobody.
        return [s.name, s.critical || verdict.verdict !== "rollback" ? verdict : { ...verdict, verdict: "hold" as const }];
      }),
    ),
  );
}

/** A time at which nothing passes yet and no patience is at its end. */
export const ONLY_FAILS: Clock = { elapsedSeconds: 0, dwellSeconds: Infinity, capSeconds: Infinity };

/** The verdict, if it is a rollback already: tripwires and FAIL gates count from the first canary request on. */
export function earlyRollback(watch: TrafficWatch): Verdict | undefined {
  const verdict = judgeAll(watch, ONLY_FAILS);
  return verdict.verdict === "rollback" ? verdict : undefined;
}

/** Share of rollouts with an honest router in which a drift of the split is ever suspected. */
const DRIFT_ALPHA = 0.001;

/** Says, in one sentence, which service's split has left its weight since the stage began; undefined while none has. */
export function driftedSplit(watch: TrafficWatch, weight: number): string | undefined {
  for (const { name, judge, sticky } of watch.services) {
    if (sticky) continue;
    const { share, logE } = judge.served();
    if (share !== undefined && logE > -Math.log(DRIFT_ALPHA))
      return `${name}: the router sends ${(100 * share).toFixed(1)} % of the requests to the canary where the weight is ${weight}`;
  }
  return undefined;
}

/** Fraction of the requests of this stage that the router sent to the canary, over all services; undefined before any. */
export function servedShare(watch: TrafficWatch): number | undefined {
  const sum = watch.services.map((s) => s.judge.served()).reduce((a, b) => ({ canary: a.canary + b.canary, stable: a.stable + b.stable }), { canary: 0, stable: 0 });
  return sum.canary + sum.stable > 0 ? sum.canary / (sum.canary + sum.stable) : undefined;
}

/** Gates as the record keeps them. */
export const recorded = (gates: readonly GateAnswer[]): RecordedGate[] =>
  gates.filter((g) => g.answer !== "not-applicable").map(({ metric, gate, answer, sentence, value, limit, logE, logELimit }) => {
    const numbers = Object.entries({ value, limit, logE, logELimit }).filter(([, n]) => Number.isFinite(n));
    return { metric, gate, answer, sentence, ...Object.fromEntries(numbers) };
  });
