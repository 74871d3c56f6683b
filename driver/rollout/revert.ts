import type { StackConfig, VersionValue } from "../../components/config";
import { sendHome } from "../cluster/home";
import { DriverError } from "../errors";
import { versionOf } from "../stack/file";
import { apply, type RolloutContext } from "./context";
import { verifySplit } from "./verify";
import type { TrafficWatch } from "./watch";

/** Seconds between two looks at the counters while traffic goes home: nothing is worth waiting for then. */
const POLL_SECONDS = 1;

/**
 * Sends all traffic home by a live patch, records it, then removes the canary's pods. Two updates, because capacity may only go after the traffic has left.
 *
 * The canary's Service goes back to the stable revision in the first one: weight 0 alone leaves sessions on the canary that
 * stick to it by cookie.
 */
export async function revert(context: RolloutContext, reason: string, watch?: TrafficWatch): Promise<void> {
  const { file, report } = context;
  const config = file.read();
  const canary = file.version("canary");
  if (canary === undefined) throw new DriverError("There is no canary to revert.");
  report({ event: "revert", weight: 0, message: `reverting ${versionOf(canary)}: ${reason}` });
  if (config.weight > 0) {
    await patchFirst(context, config);
    await apply(context, { canary: withdrawn(canary), weight: 0 }, "all traffic home");
    if (watch) await confirmHome(context, watch, config);
  }
  await apply(context, { canary: null, weight: 0 }, "remove the canary");
}

/** An update takes seconds, a patch does not: the users first, the record after. */
async function patchFirst({ report }: RolloutContext, config: StackConfig): Promise<void> {
  try {
    await sendHome(config.namespace, Object.keys(config.services));
    report({ event: "revert", weight: 0, message: "the router is told to send all traffic home; recording it with pulumi up" });
  } catch (cause) {
    report({ event: "note", message: `The live objects could not be patched (${(cause as Error).message.split("\n")[0]}); pulumi up sends the traffic home instead.` });
  }
}

const withdrawn = (canary: VersionValue): VersionValue => ({ ...(typeof canary === "string" ? { version: canary } : canary), withdrawn: true });

async function confirmHome({ report }: RolloutContext, watch: TrafficWatch, config: StackConfig): Promise<void> {
  const home = await verifySplit({ watch, weight: 0, report, pollSeconds: Math.min(POLL_SECONDS, config.analysis.scrapeIntervalSeconds), timeoutSeconds: config.rollout.verifyTimeoutSeconds });
  report(home.state === "served"
    ? { event: "split", weight: 0, served: home.share, message: `all traffic is home: ${home.sentence}` }
    : { event: "note", weight: 0, message: `The stack says all traffic is home, but the counters do not confirm it: ${home.sentence}.` });
}
