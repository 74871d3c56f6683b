import { expect } from "chai";
import type { HistoryEntry, JournalEntry, RecordedRollout } from "../../../../components/record/format";
import type { Book } from "../../../../driver/record/store";
import { Tale } from "../../../../driver/serve/tale";

const at = (second: number): string => new Date(second * 1000).toISOString();

const rollout: RecordedRollout = { id: "v2-a", version: "v2", from: "v1", phase: "starting", stages: [5, 100], weight: 0, startedAt: at(1000), since: at(1000) };

const entry = (seq: number, kind: JournalEntry["kind"], more: Partial<JournalEntry> = {}): JournalEntry => ({ seq, at: at(1000 + seq), rollout: "v2-a", by: "ci", kind, message: `entry ${seq}`, ...more });

const book = (now: Partial<RecordedRollout> | undefined, journal: readonly JournalEntry[] = [], history: readonly HistoryEntry[] = []): Book =>
  ({ record: { format: 1, stack: "prod", generation: 1, keys: { weight: 0 }, ...(now ? { rollout: { ...rollout, ...now } } : {}) }, journal, history, rollbacks: {} });

const ended = (outcome: HistoryEntry["outcome"], id = "v2-a"): HistoryEntry => ({ id, version: "v2", from: "v1", kind: "rollout", outcome, reason: "every gate passed", startedAt: at(1000), endedAt: at(1100), by: "ci", generation: 3 });

const gates = [{ service: "shop", metric: "errors", gate: "fail", answer: "undecided" as const, sentence: "", logE: 1.5, logELimit: 6 }];

describe("a rollout told by its record", () => {
  it("is nothing before the first", () => {
    const empty: Book = { journal: [], history: [], rollbacks: {} };
    expect(new Tale().hear(empty)).to.deep.equal({ fresh: false, events: [] });
    const installed: Book = { ...empty, history: [{ ...ended("promoted", "v1-x"), kind: "install" }] };
    expect(new Tale().hear(installed).events).to.deep.equal([]);
  });

  it("is the driver's events again: start, stages, verdicts with their evidence, promotion, end", () => {
    const journal = [
      entry(1, "intent", { phase: "starting" }), entry(2, "intent", { phase: "raising", stage: 0, weight: 5 }), entry(3, "intent", { phase: "observing", stage: 0, weight: 5 }),
      entry(4, "verdict", { stage: 0, weight: 5, verdict: "promote", gates }), entry(5, "note", { message: "someone looked" }), entry(6, "intent", { phase: "promoting", step: "full", weight: 100 }),
      entry(7, "intent", { phase: "promoting", step: "close", weight: 0 }), entry(8, "end"),
    ];
    const { chapter, fresh, events } = new Tale().hear(book(undefined, journal, [ended("promoted")]));
    expect([chapter?.version, fresh]).to.deep.equal(["v2", true]);
    expect(events.map(({ t, event, stage, weight, verdict, outcome, message }) => [t, event, stage, weight, verdict ?? outcome, message])).to.deep.equal([
      [1000, "start", undefined, undefined, undefined, "rolling out v2 beside v1"],
      [1002, "stage", 0, 5, undefined, "stage 1: weight 5"],
      [1004, "verdict", 0, 5, "promote", "entry 4"],
      [1005, "note", undefined, undefined, undefined, "someone looked"],
      [1006, "promote", undefined, 100, undefined, "entry 6"],
      [1007, "note", undefined, 0, undefined, "entry 7"],
      [1100, "end", undefined, undefined, "promoted", "every gate passed"],
    ]);
    expect(events[2]!.gates).to.deep.equal([{ metric: "errors", gate: "fail", answer: "undecided", sentence: "", logE: 1.5, logELimit: 6, critical: true, decides: "both" }]);
  });

  it("tells nothing twice, however often the same is read", () => {
    const tale = new Tale();
    const seen = { at: at(1005), served: 0.05, gates };
    const now = book({ phase: "observing", stage: 0, weight: 5, seen }, [entry(1, "intent", { phase: "raising", stage: 0, weight: 5 })]);
    expect(tale.hear(now).events.map(({ event }) => event)).to.deep.equal(["start", "stage", "observe"]);
    expect(tale.hear(now).events).to.deep.equal([]);
    const later = book({ phase: "observing", stage: 0, weight: 5, seen: { ...seen, at: at(1008), served: 0.06 } }, now.journal);
    expect(tale.hear(later).events).to.have.length(1);
    expect(tale.hear(later).fresh).to.equal(false);
    const over = book(undefined, now.journal, [ended("rolled-back")]);
    expect(tale.hear(over).events.map(({ outcome }) => outcome)).to.deep.equal(["rolled-back"]);
    expect(tale.hear(over).events).to.deep.equal([]);
  });

  it("goes home with its reason, and is not over while it is held", () => {
    const { events } = new Tale().hear(book({ phase: "held", weight: 5 }, [entry(1, "intent", { phase: "reverting", weight: 0, message: "v2: reverting: errors" }), entry(2, "intent", { phase: "held", weight: 5, message: "v2: held: lunch" })]));
    expect(events.map(({ event, weight, message }) => [event, weight, message])).to.deep.equal([["start", undefined, "rolling out v2 beside v1"], ["revert", 0, "v2: reverting: errors"], ["note", 5, "v2: held: lunch"]]);
  });

  it("follows to the next one, and says how the one before ended when nobody looked in between", () => {
    const tale = new Tale();
    tale.hear(book({ weight: 5 }));
    const next = book({ id: "v3-b", version: "v3", startedAt: at(1200) }, [entry(1, "note", { rollout: "v3-b", at: at(1201) })], [ended("rolled-back")]);
    const { chapter, fresh, left, events } = tale.hear(next);
    expect([chapter?.version, fresh, left?.outcome]).to.deep.equal(["v3", true, "rolled-back"]);
    expect(events.map(({ event, t }) => [event, t])).to.deep.equal([["start", 1200], ["note", 1201]]);
    expect(tale.hear(next).left).to.equal(undefined);
  });

  it("leaves out a rollout of which neither journal nor history tells any more", () => {
    expect(new Tale().hear(book(undefined, [entry(1, "note", { rollout: "gone" })])).chapter).to.equal(undefined);
  });
});
