import type { GateAnswer } from "../../analysis";
import type { HistoryEntry, JournalEntry, RollbackReason } from "../../components/record/format";
import type { Figures, Outcome, RolloutEvent } from "./events";

/** What is known of a rollout from its beginning. Texts come from outside: whoever shows them must escape them. */
export interface StoryFacts {
  readonly project: string;
  readonly stack: string;
  readonly namespace: string;
  /** The verb that began it, with its version. */
  readonly verb: string;
  readonly services: readonly string[];
  /** The rollout's id, the version under rollout and the stable version it started from; absent before a rollout has begun. */
  readonly id?: string;
  readonly version?: string;
  readonly from?: string;
  /** Seconds since the epoch. */
  readonly started: number;
  readonly stages: readonly { readonly weight: number; readonly dwellSeconds: number }[];
  /** The sections `rollout` and `analysis` of the stack's config, by which it was rolled out; no addresses of servers. */
  readonly config: Readonly<Record<string, unknown>>;
}

export interface TimelineEntry {
  readonly t: number;
  readonly event: RolloutEvent["event"];
  readonly message: string;
  readonly stage?: number;
  readonly weight?: number;
  readonly served?: number;
  readonly verdict?: string;
  readonly outcome?: Outcome;
  readonly why?: RollbackReason;
}

/** A stage that was entered; one that was entered twice (after a resume) is there twice. */
export interface StageView {
  /** From 0. */
  readonly index: number;
  readonly weight: number;
  readonly began: number;
  /** When the split was seen to be served as set. */
  readonly served?: number;
  readonly ended?: number;
  /** `promote` (on to the next), `hold`, `rollback`, `measured`. */
  readonly verdict?: string;
}

export interface SeriesPoint extends Figures {
  /** End of the window, seconds since the epoch. */
  readonly t: number;
}

export interface SeriesView {
  readonly service: string;
  readonly track: "stable" | "canary";
  readonly version: string;
  readonly points: readonly SeriesPoint[];
}

/** Both tracks of a service over the windows in which its canary served; absent before any. */
export interface ComparisonView {
  readonly service: string;
  readonly stable: Figures;
  readonly canary: Figures;
}

export interface GatePoint {
  readonly t: number;
  /** Natural logarithms of the evidence: to fail (or, of a gate that only passes, to pass), and of an absolute gate to pass. */
  readonly logE?: number;
  readonly logEPass?: number;
  readonly value?: number;
}

/** A gate over time, with what it said last. */
export interface GateCurveView extends Pick<GateAnswer, "metric" | "gate" | "critical" | "decides" | "answer" | "sentence" | "value" | "limit" | "logE" | "logELimit" | "logEPass" | "logEPassLimit" | "n"> {
  readonly points: readonly GatePoint[];
}

/** Everything that a page or a report shows of a rollout. Plain JSON of bounded size; times are seconds since the epoch. */
export interface StoryView {
  readonly format: 1;
  readonly facts: StoryFacts;
  /** Of the latest event. */
  readonly at: number;
  readonly ended?: number;
  /** Absent while it goes on. */
  readonly outcome?: HistoryEntry["outcome"];
  /** What came of it, or what goes on, in words. */
  readonly verdict: string;
  /** Percent that is set, index of the stage, and the fraction of requests that the router was seen to send to the canary. */
  readonly now: { readonly weight?: number; readonly stage?: number; readonly served?: number; readonly message: string };
  readonly stages: readonly StageView[];
  /** In their order; what comes at every scrape is in the curves. */
  readonly timeline: readonly TimelineEntry[];
  /** Entries in the middle of the timeline that had no room. */
  readonly leftOut: number;
  readonly series: readonly SeriesView[];
  readonly comparison: readonly ComparisonView[];
  readonly split: {
    /** Percent from then on. */
    readonly set: readonly (readonly [t: number, percent: number])[];
    /** Percent of the stage's requests up to then. */
    readonly served: readonly (readonly [t: number, percent: number])[];
  };
  readonly gates: readonly GateCurveView[];
  readonly journal: readonly JournalEntry[];
  /** What is not known of it, each one sentence. */
  readonly missing: readonly string[];
}
