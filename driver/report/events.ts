import type { GateAnswer, Histogram } from "../../analysis";
import type { RollbackReason } from "../../components/record/format";

/** How a rollout ended. */
export type Outcome = "promoted" | "rolled-back" | "held" | "interrupted" | "failed";

/** Requests of a track in some time, and how they fared. */
export interface Figures {
  readonly requests: number;
  readonly errors: number;
  /** Length of the time. */
  readonly seconds: number;
  /** Quantiles of the latency in seconds, where it is measured; beyond the last bucket edge, that edge. */
  readonly p50?: number;
  readonly p95?: number;
  readonly p99?: number;
}

/** What one track of a service served between two scrapes. */
export interface TrafficSample extends Figures {
  readonly service: string;
  readonly track: "stable" | "canary";
  readonly version: string;
  /** What the quantiles are of, so that windows can be joined; `--json` leaves it out. */
  readonly latency?: Histogram;
}

/** One thing that happened in a rollout; `--json` prints each as one line. */
export interface RolloutEvent {
  /** Seconds since the epoch. */
  readonly t: number;
  readonly event: "start" | "update" | "stage" | "split" | "observe" | "verdict" | "revert" | "promote" | "ask" | "note" | "end";
  /** Name of the stack, where there are several. */
  readonly stack?: string;
  /** Index of the stage, from 0. */
  readonly stage?: number;
  /** Percent that is set. */
  readonly weight?: number;
  /** Fraction of requests that the router was seen to send to the canary. */
  readonly served?: number;
  readonly gates?: readonly GateAnswer[];
  /** On `observe`: two of each service, where a window has ended since the last one. */
  readonly samples?: readonly TrafficSample[];
  /** On `start` of a rollout, anew or gone on with: its id, the version under rollout, and the stable version it started from. */
  readonly id?: string;
  readonly version?: string;
  readonly from?: string;
  /** A person is being asked: nothing is to be written over the question. */
  readonly asking?: boolean;
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
