import type { StackConfig } from "../../components/config";
import type { RecordedRollout } from "../../components/record/format";
import type { Step } from "./machine";

/** The rollout as the stack file knows it too: what has moved there has begun to move, even where the record could not be written. */
export const withFile = (rollout: RecordedRollout, { stable, canary }: Pick<StackConfig, "stable" | "canary">): RecordedRollout =>
  canary?.version === rollout.version && stable?.version === canary.version && rollout.step !== "close" ? { ...rollout, step: "move" } : rollout;

/** A driver that died, on whatever machine, may have taken its update with it: Pulumi's state then does not know what that did. */
export const mayBeBehind = (dead: string | undefined, rollout: RecordedRollout | undefined): boolean =>
  dead !== undefined || (rollout !== undefined && (rollout.phase !== "held" || rollout.behind === true));

/**
 * Where a rollout goes on whose driver died, by its last intent. Every step may be done twice, so that it does not matter how far the
 * dead driver got in it; evidence died with it, so that a stage is observed anew.
 *
 * A rollout whose traffic was sent home meanwhile (by the guard, or by a hasty command) is reverted: somebody decided that already.
 * A promotion that has begun to move the stable Service can only go on.
 */
export function resumePoint(rollout: RecordedRollout): Step {
  const { phase, stage, step, reason = "its driver died while it went home", sentHome } = rollout;
  if (step === "move" || step === "close") return { phase: "promoting", step };
  if (sentHome) return { phase: "reverting", why: "guard", reason: `${sentHome.by} sent the traffic home: ${rollout.reason ?? "no reason is recorded"}`, neverServed: false };
  switch (phase) {
    case "starting":
    case "preview":
      return { phase: "starting" };
    case "raising":
    case "observing":
    case "asking":
    case "held":
      return stage === undefined ? { phase: "starting" } : { phase: "raising", stage };
    case "promoting":
      return { phase: "raising", stage: rollout.stages.length - 1 };
    case "reverting":
      return { phase: "reverting", why: "verdict", reason, neverServed: false };
  }
}
