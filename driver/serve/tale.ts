import type { GateAnswer } from "../../analysis";
import type { HistoryEntry, JournalEntry, Phase, RecordedGate, RecordedRollout } from "../../components/record/format";
import type { Book } from "../record/store";
import type { Outcome, RolloutEvent } from "../report/events";

type Told = Omit<RolloutEvent, "t" | "message"> & { readonly message?: string };

/** What the intents of the journal are to a reader; the others are no news. */
const INTENTS: { readonly [P in Phase]?: (entry: JournalEntry) => Told } = {
  raising: ({ stage = 0, weight = 0 }) => ({ event: "stage", stage, weight, message: `stage ${stage + 1}: weight ${weight}` }),
  preview: () => ({ event: "note", weight: 0 }),
  asking: () => ({ event: "note" }),
  promoting: ({ step, weight }) => (step === "full" ? { event: "promote", weight: 100 } : { event: "note", ...(weight === undefined ? {} : { weight }) }),
  reverting: () => ({ event: "revert", weight: 0 }),
  // It goes on being watched, and may go on.
  held: ({ weight }) => ({ event: "note", ...(weight === undefined ? {} : { weight }) }),
};

const seconds = (at: string): number => Date.parse(at) / 1000;

/** The record keeps neither of the two; both only say how a gate counts. */
const gatesOf = (gates: readonly RecordedGate[]): GateAnswer[] => gates.map(({ service: _, ...gate }) => ({ critical: true, decides: "both", ...gate }));

/** A measured experiment has done what it should and is gone. */
const outcomeOf = ({ outcome }: HistoryEntry): Outcome => (outcome === "measured" ? "promoted" : outcome);

/** What is known of the latest rollout without its events. */
export interface Chapter {
  readonly id: string;
  readonly version: string;
  readonly from?: string;
  readonly startedAt: string;
  readonly experiment?: RecordedRollout["experiment"];
}

export interface Heard {
  /** Of the latest rollout, under way or ended; absent before the first. */
  readonly chapter?: Chapter;
  /** Another one than at the look before. */
  readonly fresh: boolean;
  /** How the one before ended, where nobody looked between its end and the beginning of this one. */
  readonly left?: RolloutEvent;
  /** What happened in it since the look before, in the order of time. */
  readonly events: readonly RolloutEvent[];
}

/** The rollout under way, or the one that the journal, which is kept until the next begins, is of. */
function chapterOf({ record, journal, history }: Book): Chapter | undefined {
  if (record?.rollout) return record.rollout;
  const id = journal.at(-1)?.rollout;
  return history.filter((entry) => entry.id === id).at(-1);
}

/** Tells a stack's rollouts by the record, which is looked at again and again, in the events that their driver tells. Pure. */
export class Tale {
  private id: string | undefined;
  private seq = 0;
  private seenAt: string | undefined;
  private over = false;

  /** What is new in the record. */
  hear(book: Book): Heard {
    const chapter = chapterOf(book);
    if (!chapter) return { fresh: false, events: [] };
    const fresh = chapter.id !== this.id;
    const [left] = fresh ? this.end(book.history) : [];
    if (fresh) [this.id, this.seq, this.seenAt, this.over] = [chapter.id, 0, undefined, false];
    const began: RolloutEvent[] = fresh ? [start(chapter)] : [];
    const events = [...began, ...this.journal(book.journal), ...this.seen(book.record?.rollout), ...(book.record?.rollout ? [] : this.end(book.history))];
    return { chapter, fresh, ...(left ? { left } : {}), events: events.sort((a, b) => a.t - b.t) };
  }

  private journal(journal: readonly JournalEntry[]): RolloutEvent[] {
    const news = journal.filter(({ rollout, seq }) => rollout === this.id && seq > this.seq);
    this.seq = news.at(-1)?.seq ?? this.seq;
    return news.flatMap((entry): RolloutEvent[] => {
      const told = toldOf(entry);
      return told ? [{ t: seconds(entry.at), message: entry.message, ...told }] : [];
    });
  }

  private seen(rollout: RecordedRollout | undefined): RolloutEvent[] {
    const { seen, stage, weight } = rollout ?? {};
    if (!seen || seen.at === this.seenAt) return [];
    this.seenAt = seen.at;
    return [{
      t: seconds(seen.at), event: "observe", message: `weight ${weight}`,
      ...(stage === undefined ? {} : { stage }), ...(weight === undefined ? {} : { weight }),
      ...(seen.served === undefined ? {} : { served: seen.served }), gates: gatesOf(seen.gates),
    }];
  }

  private end(history: readonly HistoryEntry[]): RolloutEvent[] {
    const entry = history.filter(({ id }) => id === this.id).at(-1);
    if (this.over || !entry) return [];
    this.over = true;
    return [{ t: seconds(entry.endedAt), event: "end", outcome: outcomeOf(entry), message: entry.reason }];
  }
}

const start = ({ id, version, from, startedAt }: Chapter): RolloutEvent =>
  ({ t: seconds(startedAt), event: "start", id, version, ...(from === undefined ? {} : { from }), message: `rolling out ${version}${from === undefined ? "" : ` beside ${from}`}` });

function toldOf({ kind, phase, verdict, gates, stage, weight, ...entry }: JournalEntry): Told | undefined {
  const at = { ...(stage === undefined ? {} : { stage }), ...(weight === undefined ? {} : { weight }) };
  if (kind === "verdict") return { event: "verdict", ...at, ...(verdict === undefined ? {} : { verdict }), ...(gates ? { gates: gatesOf(gates) } : {}) };
  if (kind === "note") return { event: "note" };
  return kind === "intent" && phase !== undefined ? INTENTS[phase]?.({ kind, phase, ...at, ...entry }) : undefined;
}
