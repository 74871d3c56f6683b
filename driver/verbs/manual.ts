import { EXIT, UsageError } from "../errors";
import { apply, ended, promoted, rolledBack, throwIfInterrupted, type Ending, type RolloutContext } from "../rollout/context";
import { promote } from "../rollout/promote";
import { revert } from "../rollout/revert";
import { verifySplit } from "../rollout/verify";
import { watchTraffic, type TrafficWatch } from "../rollout/watch";
import type { StackConfig } from "../../components/config";

const NO_ROLLOUT = "No rollout is under way: start one with `canary deploy VERSION`.";

/** Runs something on the rollout that is under way, with its traffic watched. */
async function onRollout(context: RolloutContext, act: (config: StackConfig, watch: TrafficWatch, canary: string) => Promise<Ending>): Promise<Ending> {
  const config = context.file.read();
  if (!config.canary || !config.stable) throw new UsageError(NO_ROLLOUT);
  const watch = await watchTraffic(config, { stable: config.stable.version, canary: config.canary.version }, context.signal);
  try {
    return await act(config, watch, config.canary.version);
  } finally {
    watch.close();
  }
}

/** Ends the rollout with the canary as the stable version. */
export const promoteNow = (context: RolloutContext): Promise<Ending> =>
  onRollout(context, async (config, watch) => promoted(await promote(context, config, watch)));

/** Ends the rollout with all traffic on stable. */
export const rollbackNow = (context: RolloutContext): Promise<Ending> =>
  onRollout(context, async (_config, watch, canary) => {
    await revert(context, "asked for by hand", watch);
    return rolledBack(`${canary} is rolled back by hand.`);
  });

/** Sets the canary's weight by hand and waits until it is served. */
export const setTraffic = (context: RolloutContext, weight: number): Promise<Ending> =>
  onRollout(context, async (config, watch) => {
    await apply(context, { weight }, `weight ${weight}`);
    throwIfInterrupted(context.signal);
    const split = await verifySplit({ watch, weight, report: context.report, signal: context.signal, pollSeconds: config.analysis.scrapeIntervalSeconds, timeoutSeconds: config.rollout.verifyTimeoutSeconds });
    const said = `weight ${weight} is set; ${split.sentence}.`;
    return split.state === "off" ? ended("failed", EXIT.failed, `The router does not serve it: ${said}`) : ended("held", EXIT.done, said);
  });
