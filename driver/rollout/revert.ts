import type { StackConfig, VersionValue } from "../../components/config";
import { sendHome } from "../cluster/traffic";
import { UpdateFailedError, UsageError } from "../errors";
import { versionOf } from "../stack/file";
import { apply, type RolloutContext } from "./context";
import { verifySplit } from "./verify";
import type { TrafficWatch } from "./watch";

/** Seconds between two looks at the counters while traffic goes home: nothing is worth waiting for then. */
const POLL_SECONDS = 1;

export interface RevertOptions {
  /** Confirms from the counters that traffic is home; without it, the cluster is taken at its word. */
  readonly watch?: TrafficWatch;
  /** The canary's pods never got any traffic, so there is none to send home. */
  readonly neverServed?: boolean;
}

/** What a revert came to; `recorded` is false while the stack's state still speaks of the canary. */
export interface Reverted {
  readonly recorded: boolean;
  /** For the message of a verb's ending: empty, or what is left to do. */
  readonly note: string;
}

/**
 * Sends all traffic home by a live patch, records it, then removes the canary's pods. Two updates, because capacity may only go after
 * the traffic has left.
 *
 * The canary's Service goes back to the stable revision in the first one: weight 0 alone leaves sessions on the canary that
 * stick to it by cookie.
 *
 * @throws what the last update threw, when neither the patch nor an update sent the traffic home
 */
export async function revert(context: RolloutContext, reason: string, { watch, neverServed = false }: RevertOptions = {}): Promise<Reverted> {
  const { file, report } = context;
  const config = file.read();
  const canary = file.version("canary");
  if (canary === undefined) throw new UsageError("There is no canary to revert: no rollout is under way.");
  report({ event: "revert", weight: 0, message: `reverting ${versionOf(canary)}: ${reason}` });
  const patched = neverServed || (await patchFirst(context, config));
  try {
    if (!neverServed) await recordHome(context, config, watch, patched);
    await apply(context, { canary: null, weight: 0 }, "remove the canary", { lowers: true });
    return { recorded: true, note: "" };
  } catch (cause) {
    if (!patched) throw cause;
    return { recorded: false, note: ` Traffic is home, but the stack does not know it yet: run \`pulumi up\` (${(cause as Error).message})` };
  }
}

/** A version as it stands in the file, withdrawn: its pods stay, its Service is home. */
const withdrawn = (canary: VersionValue): VersionValue => ({ ...(typeof canary === "string" ? { version: canary } : canary), withdrawn: true });

/** A canary that cannot be updated any more (its pods crash, say) must not keep the others from being removed. */
async function recordHome(context: RolloutContext, config: StackConfig, watch: TrafficWatch | undefined, patched: boolean): Promise<void> {
  try {
    await apply(context, { canary: withdrawn(context.file.version("canary")!), weight: 0 }, "all traffic home", { lowers: true });
  } catch (cause) {
    if (!patched || !(cause instanceof UpdateFailedError)) throw cause;
    context.report({ event: "note", message: cause.message });
  }
  if (watch) await confirmHome(context, watch, config);
}

/** An update takes seconds, a patch does not: the users first, the record after. True when every service is home. */
async function patchFirst({ report, cluster }: RolloutContext, config: StackConfig): Promise<boolean> {
  try {
    await sendHome(cluster, config.namespace, Object.keys(config.services));
    report({ event: "revert", weight: 0, message: "the router is told to send all traffic home; recording it with pulumi up" });
    return true;
  } catch (cause) {
    report({ event: "note", message: `The live objects could not be patched (${(cause as Error).message.split("\n")[0]}); pulumi up sends the traffic home instead.` });
    return false;
  }
}

async function confirmHome({ report }: RolloutContext, watch: TrafficWatch, config: StackConfig): Promise<void> {
  const home = await verifySplit({ watch, weight: 0, report, pollSeconds: Math.min(POLL_SECONDS, config.analysis.scrapeIntervalSeconds), timeoutSeconds: config.rollout.verifyTimeoutSeconds });
  report(home.state === "served"
    ? { event: "split", weight: 0, served: home.share, message: `all traffic is home: ${home.sentence}` }
    : { event: "note", weight: 0, message: `The stack says all traffic is home, but the counters do not confirm it: ${home.sentence}.` });
}
