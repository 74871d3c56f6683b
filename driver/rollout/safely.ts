import type { RolloutConfig } from "../../components/config";
import { BusyError, EXIT, InterruptedError } from "../errors";
import { ended, held, HOW_TO_GO_ON, rolledBack, type Ending, type RolloutContext } from "./context";
import { HalfPromotedError, isHalfPromoted } from "./promote";
import { revert } from "./revert";
import type { TrafficWatch } from "./watch";

export interface Unfinished {
  readonly watch?: TrafficWatch;
  readonly version: string;
  readonly onInterrupt: RolloutConfig["onInterrupt"];
}

const sentence = (text: string): string => (/[.!?)]$/.test(text) ? text : `${text}.`);

async function home(context: RolloutContext, { watch, version }: Unfinished, reason: string): Promise<{ done: boolean; note: string }> {
  try {
    const { note } = await revert(context, reason, { watch });
    return { done: true, note };
  } catch (cause) {
    return { done: false, note: ` It could not be reverted (${(cause as Error).message}): ${version} may still be served; run \`canary rollback\`.` };
  }
}

/**
 * Ends a rollout that something broke into (a signal, a failed update, a stack file that somebody edited, a bug of ours) with the
 * traffic on one version or in a hold that says so, and never under an exit code that denies it.
 */
export async function endSafely(context: RolloutContext, rollout: Unfinished, cause: Error): Promise<Ending> {
  const { signal, file } = context;
  const { version, onInterrupt } = rollout;
  if (cause instanceof HalfPromotedError) return held(cause.message);
  const interruption = signal.aborted ? (signal.reason as InterruptedError) : undefined;
  const reason = interruption ? interruption.message : sentence(cause.message);
  let config;
  try {
    config = file.read();
  } catch (unreadable) {
    return held(`${version} is held where it is, because the stack file cannot be read any more: ${(unreadable as Error).message} ${HOW_TO_GO_ON}`);
  }
  if (isHalfPromoted(config)) return held(new HalfPromotedError(version, cause).message);
  if (!config.canary) {
    if (!interruption) throw cause;
    return ended("interrupted", EXIT.interruptedReverted, `${reason} Nothing had been started.`);
  }
  const here = `${version} is held at weight ${config.weight}`;
  if (interruption && onInterrupt === "hold") return ended("interrupted", EXIT.interruptedHeld, `${reason} ${here}. ${HOW_TO_GO_ON}`);
  if (cause instanceof BusyError) return held(`${here}: ${reason} ${HOW_TO_GO_ON}`);
  const { done, note } = await home(context, rollout, reason);
  if (!done) return ended(interruption ? "interrupted" : "failed", interruption ? EXIT.interruptedHeld : EXIT.held, `${reason}${note}`);
  return interruption ? ended("interrupted", EXIT.interruptedReverted, `${reason} All traffic is back on stable.${note}`) : rolledBack(`${version} is rolled back: ${reason}${note}`);
}
