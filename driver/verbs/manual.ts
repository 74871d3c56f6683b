import { EXIT, UsageError } from "../errors";
import { apply, ended, held, HOW_TO_GO_ON, promoted, rolledBack, type Ending, type RolloutContext } from "../rollout/context";
import { promote } from "../rollout/promote";
import { revert } from "../rollout/revert";
import { endSafely } from "../rollout/safely";
import { verifySplit } from "../rollout/verify";
import { watchTraffic, type TrafficWatch } from "../rollout/watch";
import type { StackConfig } from "../../components/config";

const NO_ROLLOUT = "No rollout is under way: start one with `canary deploy VERSION`.";

/** Runs something on the rollout that is under way, with its traffic watched. */
async function onRollout(context: RolloutContext, act: (config: StackConfig, watch: TrafficWatch, canary: string) => Promise<Ending>): Promise<Ending> {
  const config = context.file.read();
  if (!config.canary || !config.stable) throw new UsageError(NO_ROLLOUT);
  const { version } = config.canary;
  const watch = await watchTraffic(config, { stable: config.stable.version, canary: version }, context.cluster, context.signal);
  try {
    return await act(config, watch, version);
  } catch (cause) {
    if (!context.signal.aborted) throw cause;
    return await endSafely(context, { watch, version, onInterrupt: config.rollout.onInterrupt }, cause as Error);
  } finally {
    watch.close();
  }
}

/** Ends the rollout with the canary as the stable version; its gates are asked when the weight must still be raised for that. */
export const promoteNow = (context: RolloutContext): Promise<Ending> =>
  onRollout(context, async (config, watch, canary) => {
    const result = await promote(context, config, watch);
    if (typeof result === "string") return promoted(result);
    if (result.verdict === "rollback") return rolledBack(`${canary} is rolled back: ${result.reason}${(await revert(context, result.reason, { watch })).note}`);
    return held(`${canary} is not promoted and held at weight ${context.file.read().weight}: ${result.reason} ${HOW_TO_GO_ON}`);
  });

/** Ends the rollout with all traffic on stable. Asks no metrics: it must work when nothing else does. */
export async function rollbackNow(context: RolloutContext): Promise<Ending> {
  const { canary } = context.file.read();
  if (!canary) throw new UsageError(NO_ROLLOUT);
  const { note } = await revert(context, "asked for by hand");
  return rolledBack(`${canary.version} is rolled back by hand.${note}`);
}

/** Sets the canary's weight by hand and waits until it is served. */
export const setTraffic = (context: RolloutContext, weight: number): Promise<Ending> =>
  onRollout(context, async (config, watch) => {
    await apply(context, { weight }, `weight ${weight}`, { lowers: weight <= config.weight });
    context.signal.throwIfAborted();
    const split = await verifySplit({ watch, weight, report: context.report, signal: context.signal, pollSeconds: config.analysis.scrapeIntervalSeconds, timeoutSeconds: config.rollout.verifyTimeoutSeconds });
    if (split.state === "served") return ended("held", EXIT.done, `Weight ${weight} is set and served: ${split.sentence}.`);
    return held(`Weight ${weight} is set, but not seen to be served: ${split.sentence}.`);
  });
