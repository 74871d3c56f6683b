import type { RolloutRequest } from "../../components/record/format";
import { homeFirst, rollbackNow, waitFor } from "./manual";
import { holderName, orAsk, type CommonOptions } from "./session";

/** What this process asks of the driver that holds the Lease. */
export const requestOf = (verb: RolloutRequest["verb"], reason?: string): RolloutRequest => ({ verb, by: holderName(verb), at: new Date().toISOString(), ...(reason ? { reason } : {}) });

/** Sends all traffic home at once, and ends the rollout, or has the driver that runs it do so; returns the exit code. */
export const rollback = (options: CommonOptions, reason?: string): Promise<number> =>
  orAsk(options, "rollback", (c) => rollbackNow(c, reason), (c) => waitFor(c, requestOf("rollback", reason)), undefined, (c) => homeFirst(c, reason));
