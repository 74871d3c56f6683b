import type { HistoryEntry } from "../../components/record/format";
import { EXIT, LeaseLostError } from "../errors";
import { apply, done, ended, held, promoted, rolledBack, type Ending, type RolloutContext } from "./context";
import { failureEvent, sentence } from "./failures";
import { judgeAll, ONLY_FAILS, recorded, servedShare } from "./judging";
import { next, type Step, type StepEvent } from "./machine";
import { rolloutId, type Rollout } from "./rollout";
import { ask } from "./steps/ask";
import { observe } from "./steps/observe";
import { promote } from "./steps/promote";
import { raise } from "./steps/raise";
import { patch, revert } from "./steps/revert";
import { preview, start } from "./steps/start";

type Acting = Exclude<Step, { phase: "held" | "ended" }>;

/** How a held canary goes on. */
export const HOW_TO_GO_ON = "Go on with `canary resume`, `canary promote` or `canary rollback`.";

function stage(rollout: Rollout, index: number): Promise<StepEvent> {
  const { context, config, watch } = rollout;
  const { weight } = config.rollout.stages[index]!;
  context.report({ event: "stage", stage: index, weight, message: `stage ${index + 1} of ${config.rollout.stages.length}: weight ${weight}` });
  watch.services.forEach((s) => s.judge.beginStage(index));
  return raise(rollout, weight);
}

/** What each step does. Every one may be done twice: a driver that died may have been in the middle of it. */
const PERFORM: { readonly [P in Acting["phase"]]: (rollout: Rollout, step: Extract<Acting, { phase: P }>, patched: boolean) => Promise<StepEvent> } = {
  starting: start,
  preview,
  raising: (rollout, step) => stage(rollout, step.stage),
  observing: (rollout, step) => observe(rollout, step.stage, step.since),
  asking: ask,
  promoting: (rollout, step) => promote(rollout, step.step),
  reverting: ({ context, config, watch, insisted = false }, step, patched) => revert({ context, config, patched, insisted, reason: step.reason, neverServed: step.neverServed, ...(watch.services.length > 0 ? { watch } : {}) }),
};

async function perform(rollout: Rollout, step: Acting, patched: boolean): Promise<StepEvent> {
  try {
    return await (PERFORM[step.phase] as (rollout: Rollout, step: Acting, patched: boolean) => Promise<StepEvent>)(rollout, step, patched);
  } catch (cause) {
    return failureEvent(step, cause as Error, rollout.context.signal, rollout.config.rollout.onInterrupt);
  }
}

/** What a step is about to do to the weight; the journal says it before it is done. */
function weightOf({ config, context }: Rollout, step: Step): number {
  if (step.phase === "raising" || step.phase === "observing") return config.rollout.stages[step.stage]!.weight;
  if (step.phase === "promoting") return step.step === "close" ? 0 : 100;
  if (step.phase === "held" || step.phase === "asking") return weightNow(context);
  return 0;
}

/** The weight that this driver wrote last; where it has written none and nobody can read the file, the one that was intended last. */
function weightNow({ file, ledger }: RolloutContext): number {
  try {
    return file.known.weight;
  } catch {
    return ledger.rollout?.weight ?? 0;
  }
}

const intent = (step: Step, version: string): string => {
  const detail = step.phase === "promoting" ? ` (${step.step})` : "stage" in step && step.stage !== undefined ? `, stage ${step.stage + 1}` : "";
  return `${version}: ${step.phase}${detail}${"reason" in step ? `: ${step.reason}` : ""}`;
};

/**
 * Writes the intent. What takes traffic home never waits for it; a raise is held when it cannot be written. What moves nothing goes on: a
 * canary that is served is better watched than left, and the next raise is held; so does the end of a promotion, which can only go on.
 * Without the Lease nothing is begun.
 */
async function enter(rollout: Rollout, step: Exclude<Step, { phase: "ended" }>): Promise<StepEvent | undefined> {
  const { ledger, signal } = rollout.context;
  const change = {
    phase: step.phase,
    ...("stage" in step && step.stage !== undefined ? { stage: step.stage } : {}),
    ...("step" in step && step.step ? { step: step.step } : {}),
    ...("reason" in step ? { reason: step.reason } : {}),
  };
  if (signal.reason instanceof LeaseLostError) return step.phase === "held" ? undefined : { type: "hold", reason: signal.reason.message };
  const written = ledger.enter({ ...change, weight: weightOf(rollout, step) }, intent(step, rollout.version));
  if (step.phase === "reverting" || step.phase === "held") {
    void ledger.anyway(written);
    return undefined;
  }
  if (step.phase === "observing" || step.phase === "asking" || (step.phase === "promoting" && step.step !== "full")) {
    // Whoever finds a promotion half way must know: from here on nothing leads home.
    await ledger.anyway(written);
    return undefined;
  }
  try {
    await written;
    return undefined;
  } catch (cause) {
    return { type: "hold", reason: (cause as Error).message };
  }
}

/**
 * Takes a rollout from a step to its end, or to a hold.
 *
 * @param alreadyPatched the live objects were sent home before; only with a revert. Default false
 */
export async function run(rollout: Rollout, from: Step, alreadyPatched = false): Promise<Ending> {
  let step = from;
  let patched = alreadyPatched;
  for (;;) {
    if (step.phase === "ended") return end(rollout, step);
    const refused = await enter(rollout, step);
    if (step.phase === "held") return leave(rollout, step);
    const event = refused ?? (await perform(rollout, step, patched));
    const to = next(step, event, rollout.plan);
    // The users first: everything that is written about it comes after.
    patched = to.phase === "reverting" && !to.neverServed && (await patch({ ...rollout, reason: to.reason }));
    await tell(rollout, step, event);
    step = to;
  }
}

/** Verdicts go into the journal with their evidence; what no gate said is told as a verdict too, so that every stage ends with one. */
async function tell({ context, watch, config }: Rollout, step: Acting, event: StepEvent): Promise<void> {
  const judged = step.phase === "observing" || step.phase === "raising" || step.phase === "asking";
  if (event.type === "done" && step.phase !== "observing") return;
  if (event.type === "failed") context.report({ event: "revert", weight: 0, why: event.why, message: `going home: ${event.reason}` });
  if (!judged) return;
  // Some gates fail only where a dwell is over: they are told as they were then.
  const gates = (event.type === "failed" ? event.gates : undefined) ?? judgeAll(watch, ONLY_FAILS).gates;
  const stage = step.stage === undefined ? {} : { stage: step.stage };
  const weight = step.stage === undefined ? 0 : config.rollout.stages[step.stage]!.weight;
  const verdict = event.type === "failed" ? "rollback" : event.type === "hold" ? "hold" : "promote";
  const message = "reason" in event ? event.reason : event.type === "approved" ? "approved" : "every gate passes";
  if (event.type !== "done" && event.type !== "approved") context.report({ event: "verdict", ...stage, weight, served: servedShare(watch), gates, verdict, message: `${verdict}: ${message}` });
  const written = context.ledger.verdict({ ...stage, weight, verdict, gates: recorded(gates), message });
  // A failing canary does not wait for its own obituary.
  void context.ledger.anyway(written);
}

async function leave(rollout: Rollout, step: Extract<Step, { phase: "held" }>): Promise<Ending> {
  const { context, version, config } = rollout;
  const { ledger, signal, updates } = context;
  await updates.cancel();
  const lost = signal.reason instanceof LeaseLostError;
  if (!lost && !step.step) await settleHold(rollout);
  const weight = weightNow(context);
  // The driver may have been on its way to another weight.
  if (!lost && ledger.rollout?.weight !== weight) void ledger.anyway(ledger.enter({ phase: "held", weight, reason: step.reason }, intent(step, version)));
  await ledger.settled();
  if (step.step) return held(`${version} is promoted half way: ${step.reason}`);
  if (step.home) return held(`${version} is held: ${step.reason}`);
  const watched = config.rollout.onHold === "lower" ? "" : " Nobody watches it now, unless a guard does.";
  const message = `${version} is held at weight ${weight}: ${step.reason}${watched} ${HOW_TO_GO_ON}`;
  return step.interrupted ? ended("interrupted", EXIT.interruptedHeld, message) : held(message);
}

/** An update that was cancelled leaves the state behind the cluster; and the config may want no traffic on a canary that nobody watches. */
async function settleHold({ context, config }: Rollout): Promise<void> {
  const lower = config.rollout.onHold === "lower";
  if (!context.updates.wasCancelled && !lower) return;
  try {
    await apply(context, lower ? { weight: 0 } : {}, lower ? "held at weight 0" : "held", { lowers: true, creates: true });
  } catch (cause) {
    context.report({ event: "note", message: `The hold could not be recorded: ${(cause as Error).message}` });
  }
}

type Ended = Extract<Step, { phase: "ended" }>;

function keepsPrevious(file: RolloutContext["file"]): boolean {
  try {
    return file.version("previous") !== undefined;
  } catch {
    return false;
  }
}

/** Enters a rollout that has ended into the history, as far as the record can be written. */
async function end(rollout: Rollout, step: Ended): Promise<Ending> {
  const { context, version, from, config } = rollout;
  const { ledger, file } = context;
  const { outcome, why } = step;
  await ledger.settled();
  const now = new Date();
  const entry: HistoryEntry = {
    id: ledger.rollout?.id ?? rolloutId(version, now),
    version, from, outcome,
    kind: rollout.plan.experiment ? "experiment" : "rollout",
    reason: outcome === "promoted" ? "every gate passed" : step.reason,
    startedAt: ledger.rollout?.startedAt ?? now.toISOString(),
    endedAt: now.toISOString(),
    by: ledger.holder,
    generation: ledger.record?.generation ?? 0,
  };
  const kept = outcome === "promoted" && keepsPrevious(file);
  const undo = kept ? { undo: { version: from, until: new Date(now.getTime() + config.rollout.undoWindowSeconds * 1000).toISOString() } } : {};
  await ledger.anyway(ledger.close({ entry, ...(why && why !== "measured" ? { rollback: why } : {}), ...undo }));
  const unwritten = ledger.trouble ? ` The rollout record could not be written (${ledger.trouble}).` : "";
  return endingOf(rollout, step, kept, unwritten);
}

function endingOf({ version, from, config }: Rollout, { outcome, reason, neverServed }: Ended, kept: boolean, note: string): Ending {
  switch (outcome) {
    case "promoted":
      return promoted(`${version} is stable; ${from} is ${kept ? `kept for ${config.rollout.undoWindowSeconds} s, in which \`canary undo\` goes back to it at once` : "removed"}.${note}`);
    case "measured":
      return done(`${version} is measured and removed: ${reason}.${note}`);
    case "interrupted":
      return ended("interrupted", EXIT.interruptedReverted, `${reason} All traffic is back on stable.${note}`);
    case "rolled-back":
      return rolledBack(neverServed ? `${version} never got traffic and is removed: ${sentence(reason)}${note}` : `${version} is rolled back: ${reason}${note}`);
  }
}
