import type { StackConfig } from "../../components/config";
import { BusyError, EXIT, InterruptedError, UpdateFailedError } from "../errors";
import { podReader } from "../cluster/pods";
import { apply, ended, held, promoted, rolledBack, throwIfInterrupted, type Ending, type RolloutContext } from "./context";
import { promote } from "./promote";
import { revert } from "./revert";
import { finalCheck, runStage, type StageResult } from "./stage";
import { expectation } from "./expectation";
import { probeCanary } from "./probe";
import { pollAll, watchTraffic, type TrafficWatch } from "./watch";

/** The first version of a stack: nobody is served yet, so there is nothing to compare it with. */
async function install(context: RolloutContext, config: StackConfig, version: string): Promise<Ending> {
  context.report({ event: "start", message: `installing ${version} as the stable version, all at once: this stack has none yet` });
  try {
    await apply(context, { stable: version, weight: 0 }, `install ${version}`);
  } catch (cause) {
    if (!(cause instanceof UpdateFailedError)) throw cause;
    const why = await podReader(config.namespace).explain(version);
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
    if (!(cause instanceof UpdateFailedError)) throw cause;
    const why = await podReader(config.namespace).explain(version);
    return why ? `its pods are not ready: ${why}` : cause.message;
  }
}

async function stages(context: RolloutContext, watch: TrafficWatch, config: StackConfig, version: string): Promise<Ending> {
  const unlessPromote = async ({ verdict, reason }: StageResult): Promise<Ending | undefined> => {
    throwIfInterrupted(context.signal);
    if (verdict === "promote") return undefined;
    if (verdict === "hold") return held(`${version} is held at weight ${context.file.read().weight}: ${reason} Go on with \`canary promote\` or \`canary rollback\`.`);
    await revert(context, reason, watch);
    return rolledBack(`${version} is rolled back: ${reason}`);
  };
  for (const index of config.rollout.stages.keys()) {
    const ending = await unlessPromote(await runStage(context, watch, config, index));
    if (ending) return ending;
  }
  if (!config.rollout.autoPromote) return held(`${version} passed every stage and is held, as canary:rollout.autoPromote is false: \`canary promote\` or \`canary rollback\`.`);
  if (context.confirm && !(await context.confirm(`Promote ${version}?`))) return held(`${version} passed every stage and is held at your word: \`canary promote\` or \`canary rollback\`.`);
  return (await unlessPromote(await finalCheck(context, watch, config))) ?? promoted(await promote(context, context.file.read(), watch));
}

/** After a signal or a failure in the middle of a rollout: home, or stay, as the config says. */
async function interrupted(context: RolloutContext, watch: TrafficWatch, config: StackConfig, version: string, signalName: string): Promise<Ending> {
  if (config.rollout.onInterrupt === "hold") return ended("interrupted", EXIT.interruptedHeld, `Interrupted by ${signalName}: ${version} is held at weight ${context.file.read().weight}.`);
  await revert(context, `interrupted by ${signalName}`, watch);
  return ended("interrupted", EXIT.interruptedReverted, `Interrupted by ${signalName}: all traffic is back on stable.`);
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

  const watch = await watchTraffic(config, { stable, canary: version }, context.signal);
  context.report({ event: "start", message: `rolling out ${version} beside ${stable}: weights ${config.rollout.stages.map((s) => s.weight).join(", ")}` });
  try {
    await pollAll(watch, "settling", context.signal);
    const trouble = (await start(context, config, version)) ?? (await probeCanary(watch, config, context.signal));
    if (trouble) {
      await revert(context, trouble);
      return rolledBack(`${version} never got traffic and is removed: ${trouble}.`);
    }
    throwIfInterrupted(context.signal);
    // The canary's start took some seconds, in which the baseline was served: enough to foresee how long the stages will take.
    const baseline = await pollAll(watch, "settling", context.signal);
    const foreseen = expectation(config, baseline);
    if (foreseen) context.report({ event: "note", message: foreseen });
    return await stages(context, watch, config, version);
  } catch (cause) {
    if (context.signal.aborted) return interrupted(context, watch, config, version, (context.signal.reason as InterruptedError).signalName);
    if (!(cause instanceof UpdateFailedError)) throw cause;
    await revert(context, cause.message, watch);
    return rolledBack(`${version} is rolled back: ${cause.message}`);
  } finally {
    watch.close();
  }
}
