import type { GateAnswer } from "../../analysis";
import type { HistoryEntry, JournalEntry, RecordedGate } from "../../components/record/format";
import type { Outcome, RolloutEvent } from "./events";

const seconds = (iso: string): number => Date.parse(iso) / 1000;
const OUTCOMES: readonly string[] = ["promoted", "rolled-back", "held", "interrupted", "failed"];

/** What the record does not keep of a gate is what its name says. */
const answerOf = (gate: RecordedGate): GateAnswer => ({ ...gate, critical: true, decides: gate.gate === "fail" ? "rollback" : gate.gate === "pass" ? "advance" : "both" });

/** What a phase that is entered was told as. */
function entered({ phase, stage, step, weight = 0, message }: JournalEntry, stages: number): Partial<RolloutEvent> & Pick<RolloutEvent, "event"> {
  if (phase === "raising") return { event: "stage", stage: stage ?? 0, weight, message: `stage ${(stage ?? 0) + 1} of ${stages}: weight ${weight}` };
  if (phase === "observing") return { event: "split", stage: stage ?? 0, weight, message: `served as set: weight ${weight}` };
  if (phase === "reverting") return { event: "revert", weight: 0 };
  if (phase === "promoting" && step === "full") return { event: "promote", weight: 100 };
  if (phase === "promoting") return { event: "note", weight: step === "close" ? 0 : 100 };
  return { event: "note", message };
}

/**
 * The events of a rollout, as far as its journal and its entry in the history tell them; in the order of time. Pure.
 *
 * @param stages how many were planned
 */
export function retold(journal: readonly JournalEntry[], entry: HistoryEntry | undefined, stages: number): RolloutEvent[] {
  const told = journal.flatMap((line): RolloutEvent[] => {
    const { at, kind, stage, weight, verdict, gates, message } = line;
    const base = { t: seconds(at), ...(stage === undefined ? {} : { stage }), message };
    if (kind === "intent") return [{ ...base, ...entered(line, stages) }];
    if (kind === "verdict") return [{ ...base, event: "verdict", weight, ...(verdict ? { verdict } : {}), gates: (gates ?? []).map(answerOf), message: `${verdict ?? "verdict"}: ${message}` }];
    if (kind === "note") return [{ ...base, event: "note" }];
    return [];
  });
  const began: RolloutEvent[] = entry ? [{ t: seconds(entry.startedAt), event: "start", id: entry.id, version: entry.version, ...(entry.from === undefined ? {} : { from: entry.from }), message: `${entry.version} beside ${entry.from ?? "nothing"}, by ${entry.by}` }] : [];
  const outcome = entry && OUTCOMES.includes(entry.outcome) ? { outcome: entry.outcome as Outcome } : {};
  const ended: RolloutEvent[] = entry ? [{ t: seconds(entry.endedAt), event: "end", ...outcome, message: `${entry.version} ${entry.outcome === "rolled-back" ? "was rolled back" : `was ${entry.outcome}`}: ${entry.reason}` }] : [];
  return [...began, ...told, ...ended].filter(({ t }) => Number.isFinite(t));
}
