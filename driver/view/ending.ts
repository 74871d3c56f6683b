import type { HistoryEntry } from "../../components/record/format";
import { EXIT, type ExitCode } from "../errors";
import { isDriven, type Snapshot } from "./snapshot";

const EXIT_OF: Readonly<Record<HistoryEntry["outcome"], ExitCode>> = {
  promoted: EXIT.done,
  measured: EXIT.done,
  "rolled-back": EXIT.rolledBack,
  held: EXIT.held,
  interrupted: EXIT.interruptedReverted,
  failed: EXIT.failed,
};

/** How a rollout ended, in a sentence for who watched it. */
export const endingOf = (entry: HistoryEntry | undefined): string =>
  entry ? `${entry.version} ${entry.outcome === "rolled-back" ? "was rolled back" : `ended: ${entry.outcome}`}. ${entry.reason}` : "The rollout is gone from the record, and its history does not say how it ended.";

/** Exit code of how a rollout ended, by its entry in the history; 1 where there is none, because nobody knows. */
export const exitOf = (entry: HistoryEntry | undefined): ExitCode => (entry ? EXIT_OF[entry.outcome] : EXIT.failed);

/** `ended`: it is gone from the record. `held`: it is held and no driver is at it any more. `none`: there never was one. */
export interface Followed {
  readonly how: "ended" | "held" | "none";
  readonly id?: string;
}

/**
 * Follows the rollout that is under way at the first look.
 *
 * @returns tells of each look how it ended, undefined while it goes on
 */
export function follower(): (snapshot: Snapshot) => Followed | undefined {
  let id: string | undefined;
  return (snapshot) => {
    const { rollout, unknown } = snapshot;
    // A cluster that does not answer says nothing about the rollout.
    if (!rollout && snapshot.recorded === undefined && unknown.length > 0) return undefined;
    if (!rollout || (id !== undefined && rollout.id !== id)) return id === undefined ? { how: "none" } : { how: "ended", id };
    id = rollout.id;
    return rollout.phase === "held" && snapshot.lease !== undefined && !isDriven(snapshot) ? { how: "held", id } : undefined;
  };
}
