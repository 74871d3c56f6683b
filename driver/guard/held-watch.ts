import { setTimeout as sleep } from "node:timers/promises";
import { whyMissing } from "../../analysis";
import type { StackConfig } from "../../components/config";
import type { RecordedRollout } from "../../components/record/format";
import type { ClusterAccess } from "../cluster/client";
import { earlyRollback, recorded } from "../rollout/judging";
import { pollAll, watchTraffic, type TrafficWatch } from "../rollout/watch";
import type { Why } from "./decide";

/** Milliseconds until a watch that could not be opened is tried again. */
const AGAIN_AFTER = 10_000;

/** The watch of a held rollout. */
export interface HeldWatch {
  /** What its gates found; undefined as long as none has failed. Blindness is no finding. */
  readonly failed: Why | undefined;
  stop(): void;
}

export type OpenWatch = (rollout: RecordedRollout, trouble: (message: string) => void) => HeldWatch;

/**
 * Watches a held canary in the background by the tripwires and the gates that can fail, with evidence that starts anew.
 *
 * @param trouble told why nothing can be seen
 */
export const heldWatches = (config: StackConfig, access: ClusterAccess): OpenWatch => (rollout, trouble) => {
  const stopping = new AbortController();
  const { signal } = stopping;
  let failed: Why | undefined;
  let blind = false;

  /** Says once that nothing is seen, until something is. */
  const sees = (why: string | undefined): void => {
    if (why !== undefined && !blind) trouble(`${rollout.version} is held and cannot be watched: ${why}`);
    blind = why !== undefined;
  };

  const follow = async (watch: TrafficWatch): Promise<void> => {
    const stage = Math.min(rollout.stage ?? 0, config.rollout.stages.length - 1);
    watch.services.forEach((s) => s.judge.beginStage(stage));
    for (;;) {
      const missing = (await pollAll(watch, "observing", signal)).map(({ reading }) => reading).find(({ kind }) => kind !== "value" && kind !== "too-few-samples");
      sees(missing && missing.kind !== "value" ? whyMissing(missing) : undefined);
      const verdict = earlyRollback(watch);
      if (verdict) failed = { reason: verdict.reason, gates: recorded(verdict.gates) };
      if (failed) return;
      await sleep(config.analysis.scrapeIntervalSeconds * 1000, undefined, { signal });
    }
  };
  const run = async (): Promise<void> => {
    while (!failed) {
      let watch: TrafficWatch | undefined;
      try {
        watch = await watchTraffic(config, { stable: rollout.from, canary: rollout.version }, access, signal);
        await follow(watch);
      } catch (error) {
        if (signal.aborted) return;
        sees((error as Error).message);
        await sleep(AGAIN_AFTER, undefined, { signal });
      } finally {
        watch?.close();
      }
    }
  };
  run().catch((error: Error) => signal.aborted || trouble(error.message));
  return { get failed() { return failed; }, stop: () => stopping.abort() };
};
