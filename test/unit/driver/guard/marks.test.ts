import { expect } from "chai";
import { figuresOf, guardMetrics } from "../../../../driver/guard/metrics";
import { markedSentHome, noted, OutdatedError } from "../../../../driver/guard/marks";
import type { HistoryEntry } from "../../../../components/record/format";
import { book, rollout } from "./sights";

const AT = "2026-01-01T00:02:00.000Z";
const gates = [{ metric: "errors", gate: "ratio", answer: "fail" as const, sentence: "9 % fail." }];

describe("the guard's marks in the record", () => {
  it("say that it sent the traffic home, why, and count one rollback", () => {
    const before = book(rollout(), { rollbacks: { verdict: 2 }, journal: [{ seq: 7, at: "", rollout: "v2-1", by: "ci", kind: "intent", message: "" }] });
    const after = markedSentHome(before, "v2-1", { reason: "ci has not been heard of for 30 s" }, "guard/a", AT);
    expect(after.record?.rollout).to.deep.include({ phase: "observing", weight: 50, sentHome: { by: "guard/a", at: AT }, reason: "ci has not been heard of for 30 s" });
    expect(after.rollbacks).to.deep.equal({ verdict: 2, guard: 1 });
    expect(after.journal.at(-1)).to.deep.equal({
      seq: 8, at: AT, rollout: "v2-1", by: "guard/a", kind: "note", phase: "observing", stage: 1, weight: 0,
      message: "All traffic is sent home: ci has not been heard of for 30 s",
    });
    expect(after.record?.keys).to.deep.equal(before.record?.keys);
  });

  it("are a verdict with its evidence where gates failed", () => {
    expect(markedSentHome(book(rollout({ phase: "held" })), "v2-1", { reason: "errors", gates }, "guard/a", AT).journal.at(-1)).to.deep.include({ kind: "verdict", verdict: "rollback", gates });
  });

  it("are made once, and only in the rollout that was decided about", () => {
    const why = { reason: "x" };
    const marked = markedSentHome(book(rollout()), "v2-1", why, "guard/a", AT);
    expect(() => markedSentHome(marked, "v2-1", why, "guard/b", AT)).to.throw(OutdatedError, "guard/a has marked");
    expect(() => markedSentHome(book(rollout({ id: "v3-9" })), "v2-1", why, "guard/a", AT)).to.throw(OutdatedError, "has ended");
    expect(() => noted(book(), "v2-1", "x", "guard/a", AT)).to.throw(OutdatedError);
  });

  it("of a promotion that stays where it is change nothing but the journal", () => {
    const before = book(rollout({ phase: "promoting", step: "move", weight: 100 }));
    const after = noted(before, "v2-1", "It stays.", "guard/a", AT);
    expect({ ...after, journal: [] }).to.deep.equal(before);
    expect(after.journal).to.deep.equal([{ seq: 1, at: AT, rollout: "v2-1", by: "guard/a", kind: "note", phase: "promoting", step: "move", stage: 1, weight: 100, message: "It stays." }]);
  });
});

describe("the guard's metrics", () => {
  const entry = (outcome: HistoryEntry["outcome"], changes: Partial<HistoryEntry> = {}): HistoryEntry =>
    ({ id: "v2-1", version: "v2", kind: "rollout", outcome, reason: "", startedAt: "", endedAt: "", by: "ci", generation: 1, ...changes });

  it("tell the weight, the served share and the version of the rollout under way", () => {
    const seen = { at: AT, served: 0.49, gates: [] };
    expect(figuresOf(book(rollout({ seen })))).to.deep.include({ version: "v2", weight: 50, served: 0.49, success: true });
  });

  it("tell weight 0 and a failed validation once the traffic was sent home", () => {
    const figures = figuresOf(book(rollout({ sentHome: { by: "guard/a", at: AT }, seen: { at: AT, served: 0.5, gates: [] } })));
    expect(figures).to.deep.include({ weight: 0, success: false }).and.not.to.have.property("served");
  });

  it("tell how the last rollout ended when none is under way; installs and undos are none", () => {
    const success = (...history: HistoryEntry[]): boolean => figuresOf(book(undefined, { history })).success;
    expect(success()).to.equal(true);
    expect(success(entry("rolled-back"), entry("promoted"))).to.equal(true);
    expect(success(entry("promoted"), entry("rolled-back"), entry("promoted", { kind: "undo" }))).to.equal(false);
    expect(success(entry("held"))).to.equal(true);
  });

  it("count rollbacks by the record, and have a series of 0 for every reason that has not come yet", async () => {
    const metrics = guardMetrics("demo", "shop", ["shop", "api"]);
    metrics.show(book(undefined, { rollbacks: { guard: 2 } }));
    metrics.show(book(undefined, { rollbacks: { guard: 3 } }));
    const text = await metrics.registry.metrics();
    expect(text).to.include('canary_rollback_total{stack="demo",namespace="shop",service="api",reason="guard"} 3');
    expect(text).to.include('canary_rollback_total{stack="demo",namespace="shop",service="shop",reason="verdict"} 0');
    expect(text).to.include('canary_validation_success{stack="demo",namespace="shop",service="shop",version=""} 1');
  });

  it("show one version at a time, and say when the record cannot be read", async () => {
    const metrics = guardMetrics("demo", "shop", ["shop"]);
    metrics.show(book(rollout()));
    metrics.show(book(rollout({ version: "v3", weight: 5 })));
    metrics.show(undefined);
    const text = await metrics.registry.metrics();
    expect(text).to.match(/^canary_weight\{.*version="v3"\} 5$/m).and.not.include('version="v2"');
    expect(text).to.include('canary_guard_blind{stack="demo",namespace="shop"} 1');
  });
});
