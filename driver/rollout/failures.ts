import type { RolloutConfig } from "../../components/config";
import { BusyError, FleetError, InterruptedError, LeaseLostError, RequestedError, StopError } from "../errors";
import { UnwrittenError } from "../record/ledger";
import type { Step, StepEvent } from "./machine";

/** A text with a full stop, if it has none of its kind. */
export const sentence = (text: string): string => (/[.!?]\)?$/.test(text) ? text : `${text}.`);

/** From then on the canary is the stable version: going back would take it away. */
const isHalfPromoted = (step: Step): boolean => step.phase === "promoting" && step.step !== "full";

/** What a stop asks for; everything else that breaks into a rollout sends it home, but what says nothing of the canary: a locked stack, a record that cannot be written. */
function wish(error: Error, onInterrupt: RolloutConfig["onInterrupt"]): StepEvent {
  const reason = sentence(error.message);
  if (error instanceof InterruptedError) return onInterrupt === "hold" ? { type: "hold", reason, interrupted: true } : { type: "failed", why: "interrupt", reason };
  if (error instanceof RequestedError) return error.verb === "hold" ? { type: "hold", reason } : { type: "failed", why: "manual", reason };
  if (error instanceof FleetError) return error.verb === "hold" ? { type: "hold", reason } : { type: "failed", why: "fleet", reason };
  if (error instanceof LeaseLostError || error instanceof BusyError || error instanceof UnwrittenError) return { type: "hold", reason };
  return { type: "failed", why: "update", reason };
}

/**
 * What an error means to a rollout in a step: it ends with the traffic on one version, or in a hold that says so.
 *
 * @param error what the step threw; a StopError counts before what it made fail
 */
export function failureEvent(step: Step, error: Error, signal: AbortSignal, onInterrupt: RolloutConfig["onInterrupt"]): StepEvent {
  const cause = signal.aborted && signal.reason instanceof StopError ? signal.reason : error;
  if (step.phase === "reverting") return { type: "hold", reason: `It could not be reverted and may still be served: run \`canary rollback\`. (${error.message})` };
  const event = wish(cause, onInterrupt);
  if (!isHalfPromoted(step)) return event;
  return { type: "hold", reason: `The promotion stopped half way and all traffic is on the new version: end it with \`canary promote\`. (${sentence(cause.message)})` };
}
