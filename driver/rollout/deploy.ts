import { setTimeout as sleep } from "node:timers/promises";
import type { RecordedRollout } from "../../components/record/format";
import type { StackConfig } from "../../components/config";
import { checkApprovers } from "../approvals/server";
import { BusyError, UsageError } from "../errors";
import { promoted, type Ending, type RolloutContext } from "./context";
import { checkStable, resumable } from "../settings";
import { wasGoingHome } from "./foreign";
import { install } from "./install";
import type { RevertWhy, Step } from "./machine";
import { resumePoint, withFile } from "./recovery";
import { planOf, rolloutId, stageAt, type Rollout } from "./rollout";
import { run } from "./run";
import { patch } from "./steps/revert";
import { NOTHING_SEEN, watchTraffic, type TrafficWatch } from "./watch";

export interface DeployOptions {
  /** A version that failed its gates may be tried again. */
  readonly retry?: boolean;
  /** It only measures, at one weight (percent) for some seconds, and goes home at the end. */
  readonly experiment?: { readonly weight: number; readonly dwellSeconds: number };
}

type Facts = Pick<Rollout, "version" | "from"> & Partial<Rollout>;

/** Runs something with the traffic of a rollout watched. */
export async function withRollout(context: RolloutContext, config: StackConfig, facts: Facts, act: (rollout: Rollout) => Promise<Ending>): Promise<Ending> {
  const { version, from } = facts;
  const watch = facts.watch ?? (await watchTraffic(config, { stable: from, canary: version }, context.cluster, context.signal, context.dependencies));
  context.file.remember();
  try {
    return await act({ context, config, watch, plan: planOf(config), ...facts });
  } finally {
    watch.close();
  }
}

/**
 * The weights that the live objects may have where a driver died: on the way to a stage, the one before as well. One that held had
 * settled on the file's weight.
 */
function foundWeights({ phase, stage = 0, stages, weight }: RecordedRollout): readonly number[] | undefined {
  return phase === "held" ? undefined : phase === "raising" ? [stages[stage - 1] ?? 0, weight] : phase === "promoting" ? [stages.at(-1) ?? 0, 100] : [weight];
}

/** Seconds that a revert gives the metric sources to open: it confirms from them, and must work without them. */
const PATIENCE = 5;

/** The traffic watch for a revert, or one that sees nothing. */
async function watchIfPossible({ cluster, signal, dependencies }: RolloutContext, config: StackConfig, versions: { stable: string; canary: string }): Promise<TrafficWatch> {
  const opened = watchTraffic(config, versions, cluster, signal, dependencies).catch(() => NOTHING_SEEN);
  return Promise.race([opened, sleep(PATIENCE * 1000, NOTHING_SEEN)]);
}

/** The config of a rollout: an experiment has one stage of its own. */
const planned = (config: StackConfig, experiment: RecordedRollout["experiment"]): StackConfig => (experiment ? { ...config, rollout: { ...config.rollout, stages: [experiment] } } : config);

/** The stages may have been edited since: it goes on with the last of them that is no higher than the one it was at. */
function stageOf(config: StackConfig, { stages }: RecordedRollout, to: Step): Step {
  if (to.phase !== "raising") return to;
  return { ...to, stage: stageAt(config, stages[to.stage] ?? 0) };
}

/** Goes on with a rollout whose driver died, or that is held. */
export async function resume(context: RolloutContext, read: StackConfig, recorded: RecordedRollout, point: Step = resumePoint(withFile(recorded, read))): Promise<Ending> {
  const { version, from, experiment } = recorded;
  const config = planned(read, experiment);
  const to = stageOf(config, recorded, point);
  // On the way home nothing is asked of any metrics.
  if (to.phase === "reverting") return goHome(context, config, recorded, to.reason, to.why);
  // Before the first stage the canary Service may be home since an earlier rollout.
  const home = to.phase === "raising" && recorded.stage !== undefined ? await wasGoingHome(context, config) : undefined;
  if (home) return goHome(context, config, recorded, home, "verdict");
  checkApprovers(config, context.dependencies);
  context.report({ event: "start", id: recorded.id, version, from, message: `going on with ${version} beside ${from}, which was ${recorded.phase} at weight ${recorded.weight}` });
  const found = foundWeights(recorded);
  return withRollout(context, config, { version, from, plan: planOf(config, experiment !== undefined), ...(found ? { foundWeights: found } : {}) }, (rollout) => run(rollout, to));
}

/** Sends a rollout home that is held, or that a dead driver left; the users first. Asks no metrics: it must work when nothing else does. */
export async function goHome(context: RolloutContext, config: StackConfig, recorded: Pick<RecordedRollout, "version" | "from">, reason: string, why: RevertWhy = "manual", insisted = false): Promise<Ending> {
  const { version, from } = recorded;
  const patched = await patch({ context, config, reason });
  const watch = await watchIfPossible(context, config, { stable: from, canary: version });
  return withRollout(context, config, { version, from, watch, insisted }, (rollout) => run(rollout, { phase: "reverting", why, reason, neverServed: false }, patched));
}

/** What a driver that died left is ended first: the same version goes on, any other goes home. Undefined when nothing is left. */
async function leftover(context: RolloutContext, config: StackConfig, version: string): Promise<Ending | undefined> {
  const { ledger, report, file } = context;
  const { rollout } = ledger;
  if (!rollout) return undefined;
  if (rollout.phase === "held") throw new BusyError(`A rollout of ${rollout.version} is held at weight ${rollout.weight}: go on with \`canary resume\`, \`canary promote\` or \`canary rollback\` first.`);
  const step = resumePoint(withFile(rollout, config));
  const { request } = ledger.record!;
  // Asked of the driver that died before it could answer.
  if (request?.verb === "rollback" && step.phase !== "promoting") return goHome(context, config, rollout, `rollback asked for by ${request.by}`);
  if (request?.verb === "hold" && step.phase !== "promoting") {
    await ledger.enter({ phase: "held", reason: `hold asked for by ${request.by}` }, `${rollout.version}: held: asked for by ${request.by}`);
    throw new BusyError(`A rollout of ${rollout.version} is held, as ${request.by} asked: go on with \`canary resume\`, \`canary promote\` or \`canary rollback\` first.`);
  }
  if (rollout.version === version || step.phase === "promoting") {
    const ending = await resume(context, config, rollout);
    if (rollout.version === version || ending.exitCode !== 0) return ending;
  } else {
    report({ event: "note", message: `The driver that rolled ${rollout.version} out died while it was ${rollout.phase}: it is sent home first.` });
    const ending = await goHome(context, config, rollout, "its driver died and another version is asked for");
    if (file.read().canary) return ending;
  }
  return undefined;
}

/** The same bad version is not tried again by accident. */
function refuseKnownBad({ ledger }: RolloutContext, version: string): void {
  const last = ledger.history.filter((entry) => entry.version === version && entry.kind === "rollout").at(-1);
  if (last?.outcome !== "rolled-back") return;
  throw new UsageError(`${version} was rolled back at ${last.endedAt} (${last.reason.replace(/\.$/, "")}): add --retry to try the same version again.`);
}

/**
 * Rolls a version out through the stages of the stack's config.
 *
 * @throws BusyError when a rollout is held, UsageError when the version failed before
 */
export async function deploy(context: RolloutContext, version: string, { retry = false, experiment }: DeployOptions = {}): Promise<Ending> {
  const { file, updates, ledger, report, settings } = context;
  const before = file.read();
  checkStable(before, settings);
  if (!before.stable || (!ledger.record && (await updates.outputs()).stable === undefined)) return install(context, before, version);
  const ended = await leftover(context, before, version);
  if (ended) return ended;
  const config = planned(file.read(), experiment);
  if (config.canary) throw new BusyError(`A rollout of ${config.canary.version} is under way at weight ${config.weight}: end it with \`canary promote\` or \`canary rollback\` first.`);
  const from = config.stable!.version;
  if (from === version) return promoted(`${version} is the stable version already; nothing was changed.`);
  if (!retry) refuseKnownBad(context, version);
  checkApprovers(config, context.dependencies);

  const stages = config.rollout.stages.map((s) => s.weight);
  return withRollout(context, config, { version, from, plan: planOf(config, experiment !== undefined) }, async (rollout) => {
    const now = new Date();
    const id = rolloutId(version, now);
    report({ event: "start", id, version, from, message: `rolling out ${version} beside ${from}: weights ${stages.join(", ")}` });
    await ledger.begin({ id, version, from, phase: "starting", stages, weight: 0, startedAt: now.toISOString(), since: now.toISOString(), settings: resumable(settings) as Readonly<Record<string, unknown>>, ...(experiment ? { experiment } : {}) }, `${version} beside ${from}`);
    return run(rollout, { phase: "starting" });
  });
}
