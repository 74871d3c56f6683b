import type { RolloutRequest } from "../../components/record/format";
import { EXIT } from "../errors";
import type { Ending, RolloutContext } from "../rollout/context";
import { resumePoint, withFile } from "../rollout/recovery";
import { homeFirst, resumeNow, rollbackNow, waitFor } from "./manual";
import { holderName, openSession, orAsk, reporterOf, ROLLING, withStack, type CommonOptions } from "./session";

/** What this process asks of the driver that holds the Lease. */
export const requestOf = (verb: RolloutRequest["verb"], reason?: string): RolloutRequest => ({ verb, by: holderName(verb), at: new Date().toISOString(), ...(reason ? { reason } : {}) });

/**
 * Sends all traffic home at once, and ends the rollout, or has the driver that runs it do so; returns the exit code.
 *
 * @param insisted removes the canary's pods also where the counters say that the router still sends them requests
 */
export const rollback = (options: CommonOptions, reason?: string, insisted = false): Promise<number> =>
  orAsk(options, "rollback", (c) => rollbackNow(c, reason, insisted), (c) => waitFor(c, requestOf("rollback", reason)), undefined, { first: (c) => homeFirst(c, reason) });

/** A promotion that has begun to move the stable Service can only go on. */
function endLeft(context: RolloutContext, reason: string): Promise<Ending> {
  const { rollout } = context.ledger;
  const promoting = rollout !== undefined && resumePoint(withFile(rollout, context.file.read())).phase === "promoting";
  return promoting ? resumeNow(context) : rollbackNow(context, reason);
}

/**
 * Ends the rollout of a driver that was stopped before it could: the last step of a CI job that was cancelled. Waits for the Lease of one
 * that has died just now, and leaves the rollout of one that lives alone.
 *
 * @returns the exit code: 2 when it is rolled back, 3 when it is held, which somebody decided, and 0 when none is under way or its promotion is ended
 * @throws LeaseHeldError when its driver lives
 */
export async function rollbackAbandoned(options: CommonOptions, reason = "its driver was stopped"): Promise<number> {
  const { context } = await openSession(options, { verb: "rollback", lease: false });
  const rollout = (await context.ledger.look())?.rollout;
  const end = (message: string): void => reporterOf(options)({ event: "end", message });
  if (rollout === undefined) {
    end("No rollout is under way: nothing is left behind.");
    return EXIT.done;
  }
  if (rollout.phase === "held") {
    end(`${rollout.version} is held at weight ${rollout.weight}, and stays so: ${rollout.reason ?? "no reason is recorded"}`);
    return EXIT.held;
  }
  return withStack(options, "rollback", (c) => endLeft(c, reason), ROLLING);
}
