import { isDeepStrictEqual } from "node:util";
import { withFloors } from "../../components/config";
import type { HistoryEntry, RecordedRollout } from "../../components/record/format";
import { sendHome } from "../cluster/traffic";
import { BusyError, DriverGoneError, EXIT, UsageError } from "../errors";
import { apply, done, ended, held, promoted, rolledBack, type Ending, type RolloutContext } from "../rollout/context";
import { goHome, resume, withRollout } from "../rollout/deploy";
import { takeOverLower } from "../rollout/foreign";
import { next, type Step } from "../rollout/machine";
import { resumePoint, withFile } from "../rollout/recovery";
import { planOf, rolloutId, stageAt } from "../rollout/rollout";
import { run } from "../rollout/run";
import { keepingPods, podsFirst } from "../rollout/sizing";
import { cleanUp } from "../rollout/undo";
import { verifySplit } from "../rollout/verify";

const NO_ROLLOUT = "No rollout is under way: start one with `canary deploy VERSION`.";

/** The rollout that the record knows, or one that somebody made by hand in the stack file. @throws UsageError when there is none */
function underWay({ ledger, file }: RolloutContext): RecordedRollout {
  const config = file.read();
  if (ledger.rollout) return withFile(ledger.rollout, config);
  const { canary, stable, weight, rollout } = config;
  if (!canary || !stable) throw new UsageError(NO_ROLLOUT);
  const now = new Date();
  const half = stable.version === canary.version ? ({ step: "move" } as const) : {};
  return { id: rolloutId(canary.version, now), version: canary.version, from: stable.version, phase: "held", stages: rollout.stages.map((s) => s.weight), weight, startedAt: now.toISOString(), since: now.toISOString(), reason: "made by hand", ...half, ...(weight > 0 ? { stage: stageAt(config, weight) } : {}) };
}

/** The same, begun in the record where it was not there. */
async function begun(context: RolloutContext): Promise<RecordedRollout> {
  const rollout = underWay(context);
  if (!context.ledger.rollout) await context.ledger.begin(rollout, `${rollout.version}: made by hand`);
  return rollout;
}

const asHeld = ({ stage, step, reason = "" }: RecordedRollout): Step => ({ phase: "held", reason, ...(stage === undefined ? {} : { stage }), ...(step === "move" || step === "close" ? { step } : {}) });

/** Ends the rollout with the canary as the stable version; its gates are asked, unless a person insists. */
export async function promoteNow(context: RolloutContext, insisted: boolean): Promise<Ending> {
  const rollout = await begun(context);
  const config = context.file.read();
  const { version, from, sentHome } = rollout;
  if (sentHome && resumePoint(rollout).phase !== "promoting") throw new UsageError(`${sentHome.by} sent the traffic of ${version} home (${rollout.reason ?? "no reason is recorded"}): end its rollout with \`canary rollback\`.`);
  const step = next(asHeld(rollout), { type: "approved" }, planOf(config));
  return withRollout(context, config, { version, from, insisted }, (r) => run(r, step));
}

/** @throws UsageError when the way home would take the new stable version away */
function refuseHalfPromoted(rollout: RecordedRollout): void {
  if (resumePoint(rollout).phase === "promoting") throw new UsageError(`The promotion of ${rollout.version} has begun to move the stable Service: end it with \`canary promote\`, then go back with \`canary undo\`.`);
}

/** Ends the rollout with all traffic on stable. Asks no metrics: it must work when nothing else does. */
export async function rollbackNow(context: RolloutContext, reason = "asked for by hand", insisted = false): Promise<Ending> {
  const rollout = underWay(context);
  refuseHalfPromoted(rollout);
  return goHome(context, context.file.read(), rollout, reason, "manual", insisted);
}

/** Goes on with a rollout that is held, or whose driver died. */
export async function resumeNow(context: RolloutContext): Promise<Ending> {
  const rollout = await begun(context);
  if (rollout.phase === "held") await takeOverLower(context);
  const config = context.file.read();
  // A preview is over when somebody says so.
  const step = rollout.phase === "held" && rollout.stage === undefined && !rollout.sentHome && config.canary && config.rollout.previewSeconds === "hold" ? ({ phase: "raising", stage: 0 } as const) : resumePoint(rollout);
  return resume(context, config, rollout, step);
}

/** Holds a rollout whose driver died, so that nothing goes on by itself. */
export async function holdNow(context: RolloutContext, reason = "asked for by hand"): Promise<Ending> {
  const { version } = await begun(context);
  const { weight } = context.file.read();
  await context.ledger.enter({ phase: "held", weight, reason }, `${version}: held: ${reason}`);
  return ended("held", EXIT.done, `${version} is held at weight ${weight}.`);
}

/** Sets the canary's weight by hand and waits until it is served; the rollout is held there. */
export async function setTraffic(context: RolloutContext, weight: number): Promise<Ending> {
  refuseHalfPromoted(underWay(context));
  const { version, from } = await begun(context);
  await takeOverLower(context);
  const before = context.file.read();
  return withRollout(context, before, { version, from }, async ({ config, watch }) => {
    await context.ledger.enter({ phase: "held", weight, reason: `the weight was set by hand` }, `${version}: weight ${weight} by hand`);
    const lowers = weight <= before.weight;
    const canary = lowers ? keepingPods(before, context.file.version("canary")!) : ((await podsFirst(context, weight)) ?? context.file.version("canary")!);
    await apply(context, { weight, canary }, `weight ${weight}`, { lowers });
    context.signal.throwIfAborted();
    const split = await verifySplit({ watch, weight, report: context.report, signal: context.signal, scrapeSeconds: config.analysis.scrapeIntervalSeconds, timeoutSeconds: config.rollout.verifyTimeoutSeconds });
    const settled = withFloors(canary, {});
    if (!isDeepStrictEqual(settled, canary)) await apply(context, { canary: settled }, "pods for the weight", { lowers: true });
    if (split.state === "served") return ended("held", EXIT.done, `Weight ${weight} is set and served: ${split.sentence}.`);
    return held(`Weight ${weight} is set, but not seen to be served: ${split.sentence}.`);
  });
}

/** Removes what rollouts have left: a canary with its traffic, and a previous revision that nobody can go back to. */
export async function cleanUpNow(context: RolloutContext, now: boolean): Promise<Ending> {
  const { file, ledger } = context;
  const said: string[] = [];
  if (ledger.rollout || file.read().canary) {
    const ending = await rollbackNow(context, "cleaned up by hand");
    if (ending.exitCode !== EXIT.rolledBack) return ending;
    said.push(ending.message);
  }
  said.push(...(await cleanUp(context, now)));
  return done(said.length > 0 ? said.map((s) => (s.endsWith(".") ? s : `${s}.`)).join(" ") : "There is nothing to remove.");
}

/** Sends the traffic home at once, before anything is asked of anybody: lowering is always allowed. Half a promotion is no canary. */
export async function homeFirst({ cluster, file, report, ledger }: RolloutContext, reason = "rollback asked for by hand"): Promise<void> {
  const config = file.read();
  const rollout = await ledger.look().then((record) => record?.rollout, () => undefined);
  if (!config.canary || (rollout && resumePoint(withFile(rollout, config)).phase === "promoting")) return;
  try {
    await sendHome(cluster, config, reason);
    report({ event: "revert", weight: 0, message: "the router is told to send all traffic home" });
  } catch (cause) {
    report({ event: "note", message: (cause as Error).message });
  }
}

/** How a rollout ended that another driver ran: it may have come further than what was asked of it. */
function endedAs({ version }: RecordedRollout, entry: HistoryEntry | undefined): Ending {
  if (entry?.outcome === "promoted") return promoted(`${version} is promoted by its driver.`);
  if (entry?.outcome === "measured") return done(`${version} is measured and removed by its driver.`);
  return entry ? rolledBack(`${version} is rolled back by its driver: ${entry.reason}`) : held(`The rollout of ${version} has ended, and nobody recorded how: look with \`canary status\`.`);
}

/** Asks the driver that runs the rollout for something, and waits until it has done it. @throws DriverGoneError when it has died or left before it could */
export async function waitFor(context: RolloutContext, request: NonNullable<Parameters<RolloutContext["ledger"]["request"]>[0]>): Promise<Ending> {
  const { ledger, file, signal } = context;
  const asked = (await ledger.look())?.rollout;
  const { holder } = await ledger.lease();
  if (!asked) throw new BusyError(`No rollout is under way, but ${holder ?? "somebody"} works on this stack: wait for its end.`);
  await ledger.request(request);
  const { leaseSeconds, lockWaitSeconds, scaleDownDelaySeconds, verifyTimeoutSeconds } = file.read().rollout;
  for (const deadline = Date.now() + (leaseSeconds + lockWaitSeconds + scaleDownDelaySeconds + verifyTimeoutSeconds) * 1000; Date.now() < deadline; await new Promise((resolve) => setTimeout(resolve, 500))) {
    signal.throwIfAborted();
    const record = await ledger.look();
    if (record?.rollout?.id !== asked.id) return endedAs(asked, await ledger.outcomeOf(asked.id));
    if (record.rollout.phase === "held" && !record.request) return held(`${record.rollout.version} is held by its driver at weight ${record.rollout.weight}: ${record.rollout.reason ?? ""}`);
    const state = await ledger.lease();
    if (state.holder === undefined || state.expired) throw new DriverGoneError(`Its driver does not answer any more: run \`canary ${request.verb}\` again.`);
  }
  const why = request.verb === "promote" ? "has taken this for a yes to all that it asks, and skips no stage: `canary hold`, then `canary promote`, promotes at once" : "has not answered in time: look with `canary status`";
  return held(`Its driver ${why}.`);
}
