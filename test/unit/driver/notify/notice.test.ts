import { expect } from "chai";
import type { GateAnswer } from "../../../../analysis";
import type { HistoryEntry } from "../../../../components/record/format";
import { dashboardOf, headline, Notices, settledBy, type Notice } from "../../../../driver/notify/notice";
import type { RolloutEvent, TrafficSample } from "../../../../driver/report/events";
import type { Occasion } from "../../../../driver/report/listeners";
import { planOf } from "../../../../driver/report/story-facts";
import { stackOf } from "./receivers";

const gates = [{ metric: "errors", gate: "fail", critical: true, decides: "rollback", answer: "fail", sentence: "3 % failed.", value: 0.03, limit: Infinity }] as GateAnswer[];
const entry = (id: string, outcome: HistoryEntry["outcome"], kind: HistoryEntry["kind"] = "rollout"): HistoryEntry => ({ id, outcome, kind, version: id, reason: "", startedAt: "", endedAt: "", by: "", generation: 0 });
const sample = (track: "stable" | "canary", requests: number, errors: number): TrafficSample => ({ service: "shop", track, version: track === "stable" ? "v1" : "v2", requests, errors, seconds: 5 });

const occasion = (verb = "deploy v2", ledger: object = {}): Occasion => ({ project: "canary", stack: "dev", verb, config: stackOf({ notifications: { dashboard: "https://g.example/d?s={{stack}}&v={{version}}" } }), ledger: { history: [], journal: [], ...ledger } }) as unknown as Occasion;

/** What a list of events is told as. */
function told(events: readonly Partial<RolloutEvent>[], about = occasion()): Notice[] {
  const notices = new Notices(about);
  return events.flatMap((event, i) => notices.next({ t: i, message: event.message ?? "", ...event } as RolloutEvent) ?? []);
}
const kinds = (events: readonly Partial<RolloutEvent>[], about?: Occasion): string[] => told(events, about).map(({ kind }) => kind);
const START = { event: "start", id: "v2-1", version: "v2", from: "v1" } as const;

describe("what is told of a rollout", () => {
  it("is its start, its stages, what it waits for and how it ended", () => {
    expect(kinds([START, { event: "update" }, { event: "stage", stage: 0, weight: 5 }, { event: "observe" }, { event: "note" }, { event: "ask" }, { event: "promote" }, { event: "end", outcome: "promoted" }])).to.deep.equal(["start", "stage", "approval", "promotion"]);
  });

  it("is a rollback when it is decided, once, with the weight and the evidence at which it failed", () => {
    const [, , rollback, ...rest] = told([
      START, { event: "stage", stage: 0, weight: 5 }, { event: "observe", served: 0.049, gates, samples: [sample("stable", 95, 0), sample("canary", 5, 1)] },
      { event: "observe", samples: [sample("stable", 95, 1), sample("canary", 5, 2)] },
      { event: "revert", weight: 0, why: "verdict", message: "going home: 3 % failed." }, { event: "verdict", weight: 5, gates, verdict: "rollback" }, { event: "revert", weight: 0 },
      { event: "end", outcome: "rolled-back", message: "v2 is rolled back" },
    ]);
    expect(rest).to.deep.equal([]);
    expect(rollback).to.deep.include({ kind: "rollback", rollout: "v2-1", version: "v2", from: "v1", stage: 0, stages: 4, weight: 5, served: 0.049, why: "verdict", message: "going home: 3 % failed.", dashboard: "https://g.example/d?s=dev&v=v2" });
    expect(rollback!.traffic).to.deep.equal([{ service: "shop", stable: { requests: 190, errors: 1, seconds: 10 }, canary: { requests: 10, errors: 3, seconds: 10 } }]);
    expect(rollback!.gates).to.deep.equal([{ metric: "errors", gate: "fail", answer: "fail", sentence: "3 % failed.", value: 0.03 }]);
  });

  it("is a rollback by hand when it has ended, and a hold where it could not be reverted", () => {
    const by = occasion("rollback", { rollout: { id: "v2-1", version: "v2", from: "v1" } });
    expect(told([{ event: "revert", weight: 0 }, { event: "end", outcome: "rolled-back", message: "v2 is rolled back: asked for by hand" }], by).map(({ kind, rollout, version }) => `${kind} ${rollout} ${version}`)).to.deep.equal(["rollback v2-1 v2"]);
    expect(kinds([START, { event: "revert", why: "verdict" }, { event: "end", outcome: "held" }])).to.deep.equal(["start", "rollback", "hold"]);
  });

  it("is of each rollout, where a verb sends home what a dead driver left and then begins another", () => {
    expect(kinds([{ event: "revert", why: "manual" }, START, { event: "revert", why: "verdict" }, { event: "end", outcome: "rolled-back" }])).to.deep.equal(["rollback", "start", "rollback"]);
  });

  it("is a hold or a rollback where it was interrupted, by what became of the traffic", () => {
    expect(kinds([START, { event: "revert", why: "interrupt" }, { event: "end", outcome: "interrupted" }])).to.deep.equal(["start", "rollback"]);
    expect(kinds([START, { event: "end", outcome: "interrupted" }])).to.deep.equal(["start", "hold"]);
  });

  it("is nothing where nothing was done", () => {
    expect(kinds([{ event: "end", outcome: "promoted", message: "v2 is the stable version already; nothing was changed." }])).to.deep.equal([]);
    expect(kinds([{ event: "note" }, { event: "end", outcome: "failed", message: "canary:stable is missing" }])).to.deep.equal([]);
    expect(kinds([{ event: "end", message: "There is nothing to remove." }], occasion("cleanup"))).to.deep.equal([]);
  });

  it("is a failure where something had begun, and the end of what is neither promoted nor rolled back", () => {
    expect(kinds([START, { event: "end", outcome: "failed" }])).to.deep.equal(["start", "failure"]);
    expect(kinds([{ event: "start" }, { event: "revert" }, { event: "update" }, { event: "end" }], occasion("undo"))).to.deep.equal(["start", "done"]);
  });

  it("compares the stage before as long as the canary has not served in the new one", () => {
    const stages = told([
      START, { event: "stage", stage: 0, weight: 5 }, { event: "observe", samples: [sample("stable", 95, 0), sample("canary", 5, 0)] },
      { event: "stage", stage: 1, weight: 25 }, { event: "observe", samples: [sample("stable", 75, 0), sample("canary", 25, 2)] }, { event: "ask" },
    ]);
    expect(stages.map(({ kind, traffic }) => `${kind} ${traffic[0]?.canary.requests}`)).to.deep.equal(["start undefined", "stage undefined", "stage 5", "approval 25"]);
  });

  it("settles with a promotion the trouble of every rollout since the one before", () => {
    const history = [entry("a", "rolled-back"), entry("b", "promoted"), entry("u", "promoted", "undo"), entry("c", "rolled-back"), entry("d", "interrupted"), entry("e", "promoted")];
    expect(settledBy(history, "e")).to.deep.equal(["u", "c", "d", "e"]);
    expect(settledBy(history.slice(0, 1), undefined)).to.deep.equal(["a"]);
    expect(settledBy(Array.from({ length: 50 }, (_, i) => entry(`r${i}`, "rolled-back")), "x")).to.have.length(10);
    const [, promotion] = told([START, { event: "end", outcome: "promoted" }], occasion("deploy v2", { history: [...history.slice(0, -1), entry("v2-1", "promoted")] }));
    expect(promotion!.settles).to.deep.equal(["u", "c", "d", "v2-1"]);
  });

  it("has a title in a few words", () => {
    const titles = told([START, { event: "stage", stage: 1, weight: 25 }, { event: "ask" }, { event: "end", outcome: "held" }]).map(headline);
    expect(titles).to.deep.equal(["v2 begins beside v1", "v2 is at stage 2 of 4: weight 25", "v2 waits for approval", "v2 is held at weight 25"]);
    expect(told([{ event: "start" }, { event: "end" }], occasion("undo")).map(headline)).to.deep.equal(["undo begins", "undo is done"]);
  });

  it("links to the dashboard with the versions filled in, whatever is in them", () => {
    expect(dashboardOf("https://g.example/{{stack}}?v={{version}}", { stack: "a/b", version: "v1+x&y" })).to.equal("https://g.example/a%2Fb?v=v1%2Bx%26y");
    expect(dashboardOf(undefined, {})).to.equal(undefined);
  });
});

describe("the config that a report shows", () => {
  it("has who must say yes, without the address of an approver", () => {
    const config = stackOf({ rollout: { approvals: { board: { kind: "webhook", url: "https://board.example/hook?token=hush", secretFrom: "BOARD" } } } });
    const shown = JSON.stringify(planOf(config));
    expect(shown).to.include('"secretFrom":"BOARD"').and.not.to.include("hush");
  });
});
