import { setTimeout as sleep } from "node:timers/promises";
import type { StackConfig, VersionValue } from "../../../components/config";
import { isHome, liveTraffic, sendHome } from "../../cluster/traffic";
import { LeaseLostError, UpdateFailedError } from "../../errors";
import { apply, type RolloutContext } from "../context";
import type { StepEvent } from "../machine";
import { keepingPods } from "../sizing";
import { judgeSplit, requestsAgainst } from "../split";
import { verifySplit } from "../verify";
import type { TrafficWatch } from "../watch";

/** How often the live objects are sent home again after an update of ours has overtaken the first time. */
const TRIES = 5;
/** How often they are looked at while such an update is still ending, in ms. */
const LOOK_AGAIN = 250;

export interface Reverting {
  readonly context: RolloutContext;
  readonly config: StackConfig;
  readonly reason: string;
  /** Confirms from the counters that traffic is home; without it, the cluster is taken at its word. */
  readonly watch?: TrafficWatch;
  /** The canary's pods never got any traffic, so there is none to send home. */
  readonly neverServed?: boolean;
  /** A person wants the pods gone whatever the counters say. Default false */
  readonly insisted?: boolean;
  /** The live patch, where it was begun before anything was written; true when every service is home. */
  readonly patched?: boolean;
}

/**
 * Sends all traffic home by a live patch, records it, then removes the canary's pods. Two updates, because capacity may only go after
 * the traffic has left. An update of ours that runs meanwhile is cancelled, and what it still wrote is patched again.
 *
 * The canary's Service goes back to the stable revision in the first one: weight 0 alone leaves sessions on the canary that
 * stick to it by cookie.
 *
 * @returns `done`, or a hold that says what is left to do; rejects when neither the patch nor an update sent the traffic home
 */
export async function revert(reverting: Reverting): Promise<StepEvent> {
  const { context, neverServed = false, insisted = false } = reverting;
  const { updates } = context;
  let home = neverServed || reverting.patched === true || (await patch(reverting));
  if (neverServed) await updates.cancel();
  else await staysHome(reverting, updates.cancel());
  try {
    const canary = context.file.version("canary");
    // Without a canary in the file there may still be one in the stack: its start was cancelled, or its removal died.
    if (canary === undefined && neverServed && !updates.wasCancelled) return { type: "done" };
    if (canary !== undefined && !neverServed) {
      const weights = weightsHad(context);
      await recordHome(reverting, canary, home);
      home = true;
      const deaf = await confirmHome(reverting, weights);
      if (deaf && !insisted) return { type: "hold", home: true, reason: `The router was told to send all traffic home and does not: ${deaf}. The canary's pods are kept, because it would send requests to nobody: see whether it still hears the API server, restart it, then end this with \`canary rollback\`. It goes home because of this: ${reverting.reason}` };
      await sleep(reverting.config.rollout.scaleDownDelaySeconds * 1000);
      if (context.signal.reason instanceof LeaseLostError) return { type: "hold", home: true, reason: `Traffic is home, and the canary's pods are left to others. (${context.signal.reason.message})` };
    }
    await apply(context, { canary: null, weight: 0 }, "remove the canary", { lowers: true });
    return { type: "done" };
  } catch (cause) {
    if (!home) throw cause;
    return { type: "hold", home: true, reason: `Traffic is home, but the stack does not know it yet: end it with \`canary rollback\`. (${(cause as Error).message})` };
  }
}

/** An update takes seconds, a patch does not: the users first, the record after. True when every service is home. */
export async function patch({ context, config, reason }: Pick<Reverting, "context" | "config" | "reason">): Promise<boolean> {
  const { report, cluster } = context;
  try {
    await sendHome(cluster, config, reason);
    report({ event: "revert", weight: 0, message: "the router is told to send all traffic home; recording it with pulumi up" });
    return true;
  } catch (cause) {
    report({ event: "note", message: `${(cause as Error).message} pulumi up sends the traffic home instead.` });
    return false;
  }
}

/** An update that is being cancelled may write its weight after our patch, as long as it lives: the users do not wait for its end. */
async function staysHome(reverting: Reverting, gone: Promise<void>): Promise<void> {
  const { context, config } = reverting;
  const bringBack = async (): Promise<boolean> => {
    const astray = await liveTraffic(context.cluster, config).then((live) => live.filter((l) => !isHome(l)), () => []);
    if (astray.length > 0) await patch(reverting);
    return astray.length > 0;
  };
  let alive = true;
  const end = gone.then(() => void (alive = false));
  for (;;) {
    await Promise.race([end, sleep(LOOK_AGAIN)]);
    if (!alive) break;
    await bringBack();
  }
  for (let tries = 0; tries < TRIES && (await bringBack()); tries++);
}

/** A version as it stands in the file, withdrawn: its pods stay, its Service is home. */
const withdrawn = (canary: VersionValue): VersionValue => ({ ...(typeof canary === "string" ? { version: canary } : canary), withdrawn: true });

/** A canary that cannot be updated any more (its pods crash, say) must not keep the others from being removed. */
async function recordHome({ context }: Reverting, canary: VersionValue, patched: boolean): Promise<void> {
  try {
    await apply(context, { canary: withdrawn(keepingPods(context.file.read(), canary)), weight: 0 }, "all traffic home", { lowers: true });
  } catch (cause) {
    if (!patched || !(cause instanceof UpdateFailedError)) throw cause;
    context.report({ event: "note", message: cause.message });
  }
}

/** The weights above 0 that the router may have, in percent: those of this rollout so far, an earlier driver's too. */
const weightsHad = ({ file, ledger }: RolloutContext): readonly number[] =>
  [...new Set([file.read().weight, ...ledger.journal.map(({ weight = 0 }) => weight)])].filter((weight) => weight > 0);

/**
 * Confirms from the counters that traffic is home.
 *
 * Requests that name the canary by header or cookie are counted as its own although its Service is home. So a router is only called deaf
 * where its counts fit a weight that it had.
 *
 * @param weights percent above 0, that the router may have
 * @returns what a router does that heard nothing of it, in a clause
 */
async function confirmHome({ context: { report }, watch, config }: Reverting, weights: readonly number[]): Promise<string | undefined> {
  if (!watch) return undefined;
  const least = Math.max(0, ...weights.map(requestsAgainst));
  const home = await verifySplit({ watch, weight: 0, least, report, scrapeSeconds: config.analysis.scrapeIntervalSeconds, timeoutSeconds: config.rollout.verifyTimeoutSeconds });
  report(home.state === "served"
    ? { event: "split", weight: 0, served: home.share, message: `all traffic is home: ${home.sentence}` }
    : { event: "note", weight: 0, message: `The stack says all traffic is home, but the counters do not confirm it: ${home.sentence}.` });
  const deaf = home.counted?.some(({ canary, total }) => weights.some((weight) => judgeSplit(weight, canary, total).state === "served"));
  return deaf ? home.sentence : undefined;
}
