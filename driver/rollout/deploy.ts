import type { StackConfig } from "../../components/config";
import { podReader } from "../cluster/pods";
import { BusyError, EXIT, UpdateFailedError } from "../errors";
import { apply, ended, held, HOW_TO_GO_ON, promoted, rolledBack, type Ending, type RolloutContext } from "./context";
import { expectation } from "./expectation";
import { probeCanary } from "./probe";
import { promote } from "./promote";
import { revert } from "./revert";
import { endSafely } from "./safely";
import { askWhileWatching, finalCheck, runStage, type StageResult } from "./stage";
import { pollAll, watchTraffic, type TrafficWatch } from "./watch";

/** The first version of a stack: nobody is served yet, so there is nothing to compare it with. */
async function install(context: RolloutContext, config: StackConfig, version: string): Promise<Ending> {
  context.report({ event: "start", message: `installing ${version} as the stable version, all at once: this stack has none yet` });
  const { undo } = context.file.edit({ stable: version, weight: 0 });
  try {
    await context.engine.up(`install ${version}`);
  } catch (cause) {
    // Otherwise the next try would find a stable version in the file and take it for installed.
    undo();
    if (!(cause instanceof UpdateFailedError)) throw cause;
    const why = await podReader(context.cluster, config.namespace).explain(version);
    return ended("failed", EXIT.failed, why ? `${version} is not installed: ${why}.` : cause.message);
  }
  return promoted(`${version} is installed and stable.`);
}

/** Starts the canary's pods with no traffic and says why when they do not become ready; undefined when they are. */
async function start(context: RolloutContext, config: StackConfig, version: string): Promise<string | undefined> {
  try {
    await apply(context, { canary: version, weight: 0 }, `start ${version}`);
    return undefined;
  } catch (cause) {
    if (!(cause instanceof UpdateFailedError) || context.signal.aborted) throw cause;
    const why = await podReader(context.cluster, config.namespace).explain(version);
    return why ? `its pods are not ready: ${why}` : cause.message;
  }
}

/** The ending of a rollout that may not go on; undefined when it may. */
async function unlessPromote(context: RolloutContext, watch: TrafficWatch, version: string, { verdict, reason }: StageResult): Promise<Ending | undefined> {
  // A failing canary goes home even when somebody interrupts at the same moment.
  if (verdict === "rollback") return rolledBack(`${version} is rolled back: ${reason}${(await revert(context, reason, { watch })).note}`);
  context.signal.throwIfAborted();
  if (verdict === "hold") return held(`${version} is held at weight ${context.file.read().weight}: ${reason} ${HOW_TO_GO_ON}`);
  return undefined;
}

async function stages(context: RolloutContext, watch: TrafficWatch, config: StackConfig, version: string): Promise<Ending> {
  const stop = (result: StageResult): Promise<Ending | undefined> => unlessPromote(context, watch, version, result);
  for (const index of config.rollout.stages.keys()) {
    const ending = await stop(await runStage(context, watch, config, index));
    if (ending) return ending;
  }
  if (!config.rollout.autoPromote) return held(`${version} passed every stage and is held, because canary:rollout.autoPromote is false. ${HOW_TO_GO_ON}`);
  const answer = await askWhileWatching(context, watch, config, `Promote ${version}?`);
  if (typeof answer === "object") return (await stop(answer)) as Ending;
  if (!answer) return held(`${version} passed every stage and is held, because nobody said yes to its promotion (--yes says it beforehand). ${HOW_TO_GO_ON}`);
  const refused = await stop(await finalCheck(context, watch, config));
  if (refused) return refused;
  const result = await promote(context, context.file.read(), watch);
  return typeof result === "string" ? promoted(result) : ((await stop(result)) as Ending);
}

async function rollOut(context: RolloutContext, watch: TrafficWatch, config: StackConfig, version: string): Promise<Ending> {
  await pollAll(watch, "settling", context.signal);
  const trouble = (await start(context, config, version)) ?? (await probeCanary(watch, config, context.signal));
  if (trouble) {
    const { note } = await revert(context, trouble, { neverServed: true });
    return rolledBack(`${version} never got traffic and is removed: ${trouble}.${note}`);
  }
  context.signal.throwIfAborted();
  // The canary's start took some seconds, in which the baseline was served: enough to foresee how long the stages will take.
  const foreseen = expectation(config, await pollAll(watch, "settling", context.signal));
  if (foreseen) context.report({ event: "note", message: foreseen });
  return stages(context, watch, config, version);
}

/**
 * Rolls a version out through the stages of the stack's config.
 *
 * @throws BusyError when a rollout is under way already
 */
export async function deploy(context: RolloutContext, version: string): Promise<Ending> {
  const config = context.file.read();
  if (!config.stable) return install(context, config, version);
  if (config.canary) throw new BusyError(`A rollout of ${config.canary.version} is under way at weight ${config.weight}: end it with \`canary promote\` or \`canary rollback\` first.`);
  const stable = config.stable.version;
  if (stable === version) return promoted(`${version} is the stable version already; nothing was changed.`);

  const watch = await watchTraffic(config, { stable, canary: version }, context.cluster, context.signal);
  context.report({ event: "start", message: `rolling out ${version} beside ${stable}: weights ${config.rollout.stages.map((s) => s.weight).join(", ")}` });
  try {
    return await rollOut(context, watch, config, version);
  } catch (cause) {
    return await endSafely(context, { watch, version, onInterrupt: config.rollout.onInterrupt }, cause as Error);
  } finally {
    watch.close();
  }
}
