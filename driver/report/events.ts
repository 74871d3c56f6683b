import type { GateAnswer } from "../../analysis";
import type { RollbackReason } from "../../components/record/format";

/** How a rollout ended. */
export type Outcome = "promoted" | "rolled-back" | "held" | "interrupted" | "failed";

/** One thing that happened in a rollout; `--json` prints each as one line. */
export interface RolloutEvent {
  /** Seconds since the epoch. */
  readonly t: number;
  readonly event: "start" | "update" | "stage" | "split" | "observe" | "verdict" | "revert" | "promote" | "note" | "end";
  /** Name of the stack, where there are several. */
  readonly stack?: string;
  /** Index of the stage, from 0. */
  readonly stage?: number;
  /** Percent that is set. */
  readonly weight?: number;
  /** Fraction of requests that the router was seen to send to the canary. */
  readonly served?: number;
  readonly gates?: readonly GateAnswer[];
  readonly verdict?: string;
  readonly outcome?: Outcome;
  /** Why traffic goes home, on `revert`. */
  readonly why?: RollbackReason;
  readonly message: string;
}

/** Where events go. `observe` events come at every scrape; a terminal shows only the latest. */
export interface Reporter {
  (event: Omit<RolloutEvent, "t">): void;
}
