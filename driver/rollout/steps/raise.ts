import { setTimeout as sleep } from "node:timers/promises";
import type { Verdict } from "../../../analysis";
import type { StackConfig } from "../../../components/config";
import { whyNotServed } from "../../cluster/diagnose";
import type { RolloutEvent } from "../../report/events";
import { apply, type RolloutContext } from "../context";
import { foreignChange, foreignUpdate, markOf, type UpdateMark } from "../foreign";
import { earlyRollback, judgeAll, ONLY_FAILS } from "../judging";
import type { StepEvent } from "../machine";
import type { Rollout } from "../rollout";
import { isProportional, podsFirst } from "../sizing";
import { pollAll, samplesOf, type Polled } from "../watch";
import { verifySplit } from "../verify";

const hold = (reason: string): StepEvent => ({ type: "hold", reason });

/** Who changed what while nobody but this rollout should have; undefined when nobody did. */
export async function whoInterfered({ context, config, foundWeights }: Rollout): Promise<string | undefined> {
  try {
    return await foreignChange(context, config, context.updates.count > 0 ? undefined : foundWeights);
  } catch (cause) {
    return `nobody knows whether somebody else changed it (${(cause as Error).message})`;
  }
}

/** What a look tells while nothing can pass yet. */
const seenBy = ({ watch }: Rollout) => (polled: readonly Polled[]): Partial<RolloutEvent> => ({ gates: judgeAll(watch, ONLY_FAILS).gates, ...samplesOf(polled) });

/** A rollback that its gates ask for already; a person who insists has looked for himself. */
const failing = ({ watch, insisted = false }: Rollout): Verdict | undefined => (insisted ? undefined : earlyRollback(watch));

/** Waits for an update and goes on watching: a canary that fails meanwhile is not served any longer than it must be. */
async function whileWatching(rollout: Rollout, weight: number, update: Promise<StackConfig>): Promise<StepEvent | undefined> {
  const { context: { signal, report }, config, watch } = rollout;
  let running = true;
  const settled = update.then(() => void (running = false), (error: Error) => (running = false, error));
  for (;;) {
    const failure = await Promise.race([settled, sleep(config.analysis.scrapeIntervalSeconds * 1000, undefined, { signal })]);
    if (failure) throw failure;
    if (!running) return undefined;
    const polled = await pollAll(watch, "settling", signal);
    report({ event: "observe", ...seenBy(rollout)(polled), message: `pulumi up: weight ${weight} …` });
    const early = failing(rollout);
    // The revert cancels the update, and patches the live objects before it waits for its end.
    if (early) return { type: "failed", why: "verdict", reason: early.reason };
  }
}

/** Who else updated the stack since a mark, in a clause; and has the outputs told that the next look at the live objects needs. */
async function otherUpdates({ updates }: RolloutContext, before: UpdateMark | undefined): Promise<string | undefined> {
  try {
    const [after] = await Promise.all([markOf(updates), updates.outputs()]);
    return foreignUpdate(before, after);
  } catch (cause) {
    return `nobody knows whether somebody else updated the stack (${(cause as Error).message})`;
  }
}

async function raiseTo(context: RolloutContext, weight: number): Promise<StackConfig> {
  const canary = await podsFirst(context, weight);
  return apply(context, { weight, ...(canary === undefined ? {} : { canary }) }, `weight ${weight}`, { signal: context.signal, creates: isProportional(context.file.read()) });
}

/** Raises the weight and waits until it is served: `done` when it is. */
export async function raise(rollout: Rollout, weight: number): Promise<StepEvent> {
  const { context, config, watch, insisted = false } = rollout;
  const { report, signal, updates } = context;
  const { verifyTimeoutSeconds, onBlind } = config.rollout;
  const interfered = await whoInterfered(rollout);
  if (interfered) return hold(`The weight is not raised to ${weight}, because ${interfered}.`);
  signal.throwIfAborted();
  const before = await markOf(updates);
  const stopped = await whileWatching(rollout, weight, raiseTo(context, weight));
  if (stopped) return stopped;
  signal.throwIfAborted();
  const [seen, theirs] = await Promise.all([
    verifySplit({ watch, weight, report, signal, scrapeSeconds: config.analysis.scrapeIntervalSeconds, timeoutSeconds: verifyTimeoutSeconds, stop: () => failing(rollout) !== undefined, telling: seenBy(rollout) }),
    // The engine is asked while the router's counters are: neither needs the other.
    otherUpdates(context, before),
  ]);
  if (theirs && seen.state !== "stopped") return hold(`The weight is ${weight} now, but ${theirs}.`);
  const after = `after ${verifyTimeoutSeconds} s`;
  if (insisted && (seen.state === "few" || seen.state === "unseen")) {
    report({ event: "note", weight, message: `Nobody can tell whether weight ${weight} is served, and it is insisted on: ${seen.sentence} ${after}.` });
    return { type: "done" };
  }
  switch (seen.state) {
    case "stopped":
      return { type: "failed", why: "verdict", reason: failing(rollout)?.reason ?? seen.sentence };
    case "off": {
      const why = await whyNotServed(context.cluster, config);
      return { type: "failed", why: "split", reason: `The weight is not what is served: ${seen.sentence} ${after}${why ? `; ${why}` : ""}.` };
    }
    case "few":
      return hold(`Too few requests to verify the split: ${seen.sentence} ${after}.`);
    case "unseen": {
      const reason = `The split could not be verified, there is no data: ${seen.sentence} ${after}.`;
      return onBlind === "rollback" ? { type: "failed", why: "blind", reason } : hold(reason);
    }
    case "served":
      report({ event: "split", weight, served: seen.share, message: `served as set: ${seen.sentence}` });
      return { type: "done", since: seen.since };
  }
}
