import { setTimeout as sleep } from "node:timers/promises";
import type { StackConfig } from "../../components/config";
import { DriverError } from "../errors";
import { versionOf } from "../stack/file";
import { apply, type RolloutContext } from "./context";
import { verifySplit } from "./verify";
import type { TrafficWatch } from "./watch";

/** Seconds that a router may take from an EndpointSlice to its own tables: ingress-nginx needs up to 5 s back to back. */
const ROUTER_SETTLES = 5;

/**
 * Makes the canary the stable version. At weight 100 the stable Service moves to the canary's pods, then the weight returns to 0;
 * no pod is started or stopped. The old revision stays for the undo window.
 */
export async function promote(context: RolloutContext, config: StackConfig, watch: TrafficWatch): Promise<string> {
  const { file, report, signal } = context;
  const [stable, canary] = [file.version("stable"), file.version("canary")];
  if (stable === undefined || canary === undefined) throw new DriverError("There is no canary to promote.");
  const { undoWindowSeconds, verifyTimeoutSeconds } = config.rollout;
  report({ event: "promote", weight: 100, message: `promoting ${versionOf(canary)}` });
  if (config.weight < 100) {
    await apply(context, { weight: 100 }, "weight 100");
    const all = await verifySplit({ watch, weight: 100, report, signal, pollSeconds: config.analysis.scrapeIntervalSeconds, timeoutSeconds: verifyTimeoutSeconds });
    if (all.state !== "served") throw new DriverError(`Not promoted: at weight 100 the router does not send all requests to the canary (${all.sentence}).`);
  }
  await apply(context, { stable: canary, canary, previous: stable }, `stable Service to ${versionOf(canary)}`);
  await sleep(ROUTER_SETTLES * 1000);
  await apply(context, { canary: null, weight: 0 }, "weight 0, rollout closed");
  const home = await verifySplit({ watch, weight: 0, report, pollSeconds: config.analysis.scrapeIntervalSeconds, timeoutSeconds: verifyTimeoutSeconds });
  if (home.state === "off") report({ event: "note", message: `The weight is back at 0, but the counters do not confirm it: ${home.sentence}.` });
  if (undoWindowSeconds === 0) {
    await apply(context, { previous: null }, `remove ${versionOf(stable)}`);
    return `${versionOf(canary)} is stable; ${versionOf(stable)} is removed.`;
  }
  return `${versionOf(canary)} is stable; ${versionOf(stable)} is kept for an undo until it is cleaned up.`;
}
