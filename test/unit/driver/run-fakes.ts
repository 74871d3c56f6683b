import type { GateAnswer, Judge, Verdict } from "../../../analysis";
import type { RecordedRollout } from "../../../components/record/format";
import type { Ending } from "../../../driver/rollout/context";
import type { Step } from "../../../driver/rollout/machine";
import { planOf, type Rollout } from "../../../driver/rollout/rollout";
import { run } from "../../../driver/rollout/run";
import type { TrafficWatch } from "../../../driver/rollout/watch";
import { scene, type Live, type Scene, type SceneOptions } from "./fakes";

export const ROLLOUT = "  canary:rollout: {stages: [{weight: 5, dwell: 0s}, {weight: 50}], warmUp: 0s, verifyTimeout: 500ms, lockWait: 0s, REST}";
/** v1 alone, with the stages 5 and 50. */
export const STABLE = (rest = "cap: 1h"): string => `  canary:stable: v1\n${ROLLOUT.replace("REST", rest)}`;

export interface Rolling extends Scene {
  readonly rollout: Rollout;
  /** What the judge says from now on. */
  says(verdict: Verdict["verdict"], reason?: string): void;
  /** Live weights when the stages began. */
  readonly stages: number[];
  run(from?: Step): Promise<Ending>;
}

export interface RollingOptions extends SceneOptions {
  readonly experiment?: boolean;
  readonly insisted?: boolean;
  /** What the router serves; by default what the live objects say. */
  readonly served?: (live: Live) => number | undefined;
}

/** A rollout of v2 beside v1, with a judge that says what it is told and a router that serves what the live objects say. */
export async function rolling(keys: string, { experiment, insisted, served, ...options }: RollingOptions = {}): Promise<Rolling> {
  const s = scene(keys, options);
  const { context, file, live } = s;
  let verdict: Verdict = { verdict: "promote", reason: "every gate passes", gates: [{ metric: "errors", gate: "ratio", answer: "pass", critical: true, decides: "both", sentence: "0 of 500 failed", value: 0 } as unknown as GateAnswer] };
  const stages: number[] = [];
  const judge = {
    beginStage: () => void stages.push(Number(live.weight)),
    verdict: () => verdict,
    served: () => ({ canary: 10 * Number(live.weight), stable: 1000 - 10 * Number(live.weight), share: Number(live.weight) / 100, logE: 0 }),
  } as unknown as Judge;
  const share = served ?? ((l: Live) => (l.canary === l.stable ? 0 : Number(l.weight)));
  const watch: TrafficWatch = {
    services: [{
      name: "shop", critical: true, sticky: false, versions: { stable: "v1", canary: "v2" }, judge, probe: undefined,
      async poll() {
        const weight = share(live);
        if (weight === undefined) return { kind: "query-failed", reason: "Prometheus does not answer." };
        return { kind: "value", value: { from: 0, to: 0, canary: { requests: 10 * weight, errors: 0 }, stable: { requests: 1000 - 10 * weight, errors: 0 } } };
      },
    }],
    close: () => undefined,
  };
  const config = file.read();
  file.remember();
  const recorded: RecordedRollout = { id: "v2-1", version: "v2", from: "v1", phase: "starting", stages: config.rollout.stages.map((x) => x.weight), weight: 0, startedAt: "2026-01-01T00:00:00Z", since: "2026-01-01T00:00:00Z" };
  await context.ledger.begin(recorded, "v2 beside v1");
  const rollout: Rollout = { context, config, watch, version: "v2", from: "v1", plan: planOf(config, experiment), ...(insisted ? { insisted } : {}) };
  return Object.assign(s, { rollout, stages, says: (v: Verdict["verdict"], reason: string = v) => void (verdict = { ...verdict, verdict: v, reason }), run: (from: Step = { phase: "starting" }) => run(rollout, from) });
}

/** What the updates of a rollout of v2 beside v1 find in the file. */
export const START = "stable v1 canary v2 previous none weight 0";
export const AT = (weight: number): string => `stable v1 canary v2 previous none weight ${weight}`;
export const HOME = ["stable v1 canary v2 withdrawn previous none weight 0", "stable v1 canary none previous none weight 0"];
/** Does something when the stage of this index begins. */
export const atStage = (index: number, act: (s: Rolling) => void) => ({ seen: (event: { event: string; stage?: number }, s: object): void => void (event.event === "stage" && event.stage === index && act(s as Rolling)) });
