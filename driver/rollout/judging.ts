import { joinVerdicts, type Clock, type Verdict } from "../../analysis";
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

/** The verdict, if it is a rollback already: tripwires and FAIL gates count from the first canary request on. */
export function earlyRollback(watch: TrafficWatch): Verdict | undefined {
  const verdict = judgeAll(watch, { elapsedSeconds: 0, dwellSeconds: Infinity, capSeconds: Infinity });
  return verdict.verdict === "rollback" ? verdict : undefined;
}

/** Share of rollouts with an honest router in which a drift of the split is ever suspected. */
const DRIFT_ALPHA = 0.001;

/** Says, in one sentence, which service's split has left its weight since the stage began; undefined while none has. */
export function driftedSplit(watch: TrafficWatch, weight: number): string | undefined {
  for (const { name, judge } of watch.services) {
    const { share, logE } = judge.served();
    if (share !== undefined && logE > -Math.log(DRIFT_ALPHA))
      return `${name}: the router sends ${(100 * share).toFixed(1)} % of the requests to the canary where the weight is ${weight}`;
  }
  return undefined;
}
