import { setTimeout as sleep } from "node:timers/promises";
import type { StackConfig } from "../../components/config";
import { DriverError, EXIT, UsageError } from "../errors";
import { versionOf } from "../stack/file";
import { apply, type RolloutContext } from "./context";
import { finalCheck, raise, type StageResult } from "./stage";
import { verifySplit } from "./verify";
import type { TrafficWatch } from "./watch";

/** Seconds that a router may take from an EndpointSlice to its own tables: ingress-nginx needs up to 5 s back to back. */
const ROUTER_SETTLES = 5;

/** A promotion that stopped between its steps: going back would take the new stable version away, so it can only go on. */
export class HalfPromotedError extends DriverError {
  constructor(version: string, cause: Error) {
    super(`The promotion of ${version} stopped half way and all traffic is on it: end it with \`canary promote\`. (${cause.message})`, EXIT.held, { cause });
  }
}

/** Whether the stack file speaks of a promotion that has begun: from then on the canary is the stable version. */
export const isHalfPromoted = ({ stable, canary }: StackConfig): boolean => stable !== undefined && stable.version === canary?.version;

/**
 * Makes the canary the stable version. At weight 100 the stable Service moves to the canary's pods, then the weight returns to 0;
 * no pod is started or stopped. The old revision stays for the undo window. A promotion that stopped half way is gone on with.
 *
 * @returns what there is to say of it, or why the canary is not promoted
 * @throws HalfPromotedError when it fails after the stable Service began to move
 */
export async function promote(context: RolloutContext, config: StackConfig, watch: TrafficWatch): Promise<string | StageResult> {
  const { file, report } = context;
  const [stable, canary] = [file.version("stable"), file.version("canary")];
  if (stable === undefined || canary === undefined) throw new UsageError("There is no canary to promote: no rollout is under way.");
  report({ event: "promote", weight: 100, message: `promoting ${versionOf(canary)}` });
  const begun = isHalfPromoted(config);
  if (config.weight < 100 && !begun) {
    const stopped = (await raise(context, watch, config, 100)) ?? (await checkedAtFull(context, watch, config));
    if (stopped) return stopped;
  }
  const old = begun ? file.version("previous") : stable;
  try {
    // Both may be there already when an earlier promotion stopped; the update then makes sure of it.
    await apply(context, { stable: canary, canary, weight: 100, ...(old === undefined ? {} : { previous: old }) }, `stable Service to ${versionOf(canary)}`);
    await sleep(ROUTER_SETTLES * 1000);
    await apply(context, { canary: null, weight: 0 }, "weight 0, rollout closed");
  } catch (cause) {
    throw new HalfPromotedError(versionOf(canary), cause as Error);
  }
  await confirmClosed(context, watch, config);
  if (old === undefined) return `${versionOf(canary)} is stable.`;
  if (config.rollout.undoWindowSeconds > 0) return `${versionOf(canary)} is stable; ${versionOf(old)} is kept.`;
  try {
    await apply(context, { previous: null }, `remove ${versionOf(old)}`);
    return `${versionOf(canary)} is stable; ${versionOf(old)} is removed.`;
  } catch (cause) {
    return `${versionOf(canary)} is stable; ${versionOf(old)} is not removed yet, the next \`pulumi up\` does it (${(cause as Error).message})`;
  }
}

async function checkedAtFull(context: RolloutContext, watch: TrafficWatch, config: StackConfig): Promise<StageResult | undefined> {
  const result = await finalCheck(context, watch, config);
  return result.verdict === "promote" ? undefined : result;
}

/** Where versions are told apart by their own metrics, the new stable version looks like the canary it was: only the router's counters can tell. */
async function confirmClosed({ report }: RolloutContext, watch: TrafficWatch, config: StackConfig): Promise<void> {
  if (config.analysis.source === "app") return;
  const home = await verifySplit({ watch, weight: 0, report, pollSeconds: config.analysis.scrapeIntervalSeconds, timeoutSeconds: config.rollout.verifyTimeoutSeconds });
  if (home.state === "off") report({ event: "note", message: `The weight is back at 0, but the counters do not confirm it: ${home.sentence}.` });
}
