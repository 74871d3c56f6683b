import type { JournalEntry, RecordedGate, RecordedRollout } from "../../components/record/format";
import { GUARD_PREFIX } from "../record/lease";
import type { Silence } from "./silence";

/**
 * How the Lease stands for this guard. `theirs`: somebody else renews it. `silent`: somebody else has let it run out. `free`: it has no
 * holder. `absent`: there is none, and a guard cannot make one.
 */
export type Standing = "mine" | "theirs" | "silent" | "free" | "absent";

/** Why traffic goes home. */
export interface Why {
  readonly reason: string;
  /** Of a verdict; absent when nobody drives the rollout. */
  readonly gates?: readonly RecordedGate[];
}

/** Everything that the guard knows when it decides. */
export interface Sight {
  readonly standing: Standing;
  readonly silence: Silence;
  /** Seconds after which a Lease without a holder counts as run out. */
  readonly leaseSeconds: number;
  /** It is ours, and time to renew it. */
  readonly renewDue: boolean;
  readonly rollout?: RecordedRollout;
  readonly journal: readonly JournalEntry[];
  /** Traffic by the live objects: for how many seconds it has been home without a break; `false` where it is not. Absent until asked for. */
  readonly home?: number | false;
  /** What the watch of a held rollout has found. */
  readonly failed?: Why;
}

export type Act =
  | { readonly do: "nothing" }
  /** Watch the held rollout's gates. */
  | { readonly do: "watch" }
  /** Ask the live objects where the traffic is, then decide again. */
  | { readonly do: "look" }
  | { readonly do: "take" | "renew" | "release" }
  | { readonly do: "sendHome" | "record"; readonly why: Why }
  /** Say in the journal why the traffic stays where it is. */
  | { readonly do: "leave"; readonly message: string };

/** Seconds for which traffic must be home without a break before that is recorded: an update of a driver that died may still run. */
export const QUIET_SECONDS = 2;

const nothing: Act = { do: "nothing" };

/** The stable Service has begun to move to the canary's pods: the canary is the stable version, and all traffic is on it. */
const halfPromoted = ({ step }: RecordedRollout): boolean => step === "move" || step === "close";

/**
 * Nobody drives this rollout. A Lease without a holder is no proof: one driver may just have left it to the next. A held rollout needs
 * none: it has no driver.
 */
function isOrphan({ standing, silence, leaseSeconds }: Sight, { phase }: RecordedRollout): boolean {
  if (standing === "silent") return true;
  return standing !== "theirs" && (phase === "held" || silence.seconds >= leaseSeconds);
}

function whyHome({ silence, failed, leaseSeconds }: Sight, { phase, sentHome, reason }: RecordedRollout): Why | undefined {
  if (sentHome) return { reason: reason ?? `${sentHome.by} sent the traffic home` };
  if (phase === "held") return failed;
  if (phase === "reverting" && reason) return { reason };
  const driver = silence.heldBy && !silence.heldBy.startsWith(GUARD_PREFIX) ? silence.heldBy : "its driver";
  return { reason: `${driver} has not been heard of for ${Math.round(leaseSeconds)} s` };
}

function leave({ journal }: Sight, { id, version, step }: RecordedRollout): Act {
  if (journal.some((e) => e.rollout === id && e.step === step && e.kind === "note" && e.by.startsWith(GUARD_PREFIX))) return nothing;
  const stays = "all traffic is on one healthy version and stays there. End it with `canary resume`.";
  return { do: "leave", message: `The promotion of ${version} stopped half way (step ${step}) and nobody drives it: ${stays}` };
}

/**
 * What a guard does about what it sees. It acts on rollouts that nobody drives, and only while the Lease is its own (or cannot be
 * anybody's); it lowers and never raises.
 */
export function decide(sight: Sight): Act {
  const { standing, rollout, home } = sight;
  if (!rollout) return { do: standing === "mine" ? "release" : "nothing" };
  if (standing !== "mine" && !isOrphan(sight, rollout)) return nothing;
  if (standing === "silent" || standing === "free") return { do: "take" };
  if (sight.renewDue) return { do: "renew" };
  if (halfPromoted(rollout)) return leave(sight, rollout);
  const why = whyHome(sight, rollout);
  if (!why) return { do: "watch" };
  if (home === undefined) return { do: "look" };
  if (home === false) return { do: "sendHome", why };
  if (rollout.sentHome || home < QUIET_SECONDS) return nothing;
  return { do: "record", why };
}
