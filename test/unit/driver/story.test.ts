import { expect } from "chai";
import * as fc from "fast-check";
import type { RolloutEvent } from "../../../driver/report/events";
import { Story, type SavedStory } from "../../../driver/report/story";
import { Curve, joinTraffic, legible, MOST_POINTS, quantilesOf, type TrafficPoint } from "../../../driver/report/story-curve";
import { retold } from "../../../driver/report/story-retell";
import { FACTS, gate, latency, rolledBack, sample, storyOf, T0 } from "./stories";

const again = (story: Story): Story => Story.of(JSON.parse(JSON.stringify(story.saved())) as SavedStory);

describe("a rollout's story", () => {
  it("tells how the rollout ended, when, and who is served", () => {
    const view = storyOf(rolledBack()).snapshot();
    expect(view).to.deep.include({ outcome: "rolled-back", ended: T0 + 80, verdict: "v2 is rolled back: errors are worse." });
    expect(view.facts).to.include({ id: "v2-abc", version: "v2", from: "v1" });
    expect(view.now.weight).to.equal(0);
  });

  it("knows of each stage when it began, was served and ended, and its verdict", () => {
    expect(storyOf(rolledBack()).snapshot().stages).to.deep.equal([{ index: 0, weight: 5, began: T0 + 5, served: T0 + 10, ended: T0 + 71, verdict: "rollback" }]);
  });

  it("has the curves of both tracks, and compares them over the time in which the canary served", () => {
    const { series, comparison } = storyOf([...rolledBack(), { t: T0 + 75, event: "observe", samples: [sample("stable", 1000, 900), sample("canary", 3, 3)], message: "" }]).snapshot();
    expect(series.map(({ track, version }) => `${track} ${version}`)).to.deep.equal(["stable v1", "canary v2"]);
    const { stable, canary } = comparison[0]!;
    expect([stable.requests, canary.requests, canary.errors]).to.deep.equal([95 * 60, 5 * 60, 60]);
  });

  it("keeps what a gate said last, and its evidence over time", () => {
    const [errors] = storyOf(rolledBack()).snapshot().gates;
    expect(errors).to.include({ metric: "errors", gate: "fail", answer: "fail", sentence: "ln E 6.2", logELimit: 6 });
    expect(errors!.points.at(-1)).to.deep.equal({ t: T0 + 71, logE: 6.2 });
  });

  it("keeps the evidence that sent it home, whatever still comes in on the way", () => {
    const late: RolloutEvent = { t: T0 + 75, event: "observe", gates: [gate(5.1)], message: "" };
    const [errors] = storyOf([...rolledBack(), late]).snapshot().gates;
    expect(errors).to.include({ gate: "fail", answer: "fail" });
    expect(errors!.points.at(-1)).to.deep.equal({ t: T0 + 71, logE: 6.2 });
  });

  it("goes under the new version's name where a promotion has moved the stable track", () => {
    const { series } = storyOf([{ t: T0, event: "observe", samples: [sample("stable", 5)], message: "" }, { t: T0 + 1, event: "observe", samples: [sample("stable", 5, 0, { version: "v2" })], message: "" }]).snapshot();
    expect(series.map(({ track, version }) => `${track} ${version}`)).to.deep.equal(["stable v1", "stable v2"]);
  });

  it("is told to its end by the record, whatever the command was called that ended it", () => {
    const story = storyOf([...rolledBack().slice(0, -1), { t: T0 + 90, event: "end", message: "cleaned up" }]);
    expect(story.snapshot().outcome).to.equal(undefined);
    story.concluded(T0 + 90, "rolled-back");
    expect(story.snapshot()).to.include({ outcome: "rolled-back", verdict: "cleaned up" });
  });

  it("goes on after an end when somebody goes on with a rollout that was held", () => {
    const story = storyOf([...rolledBack().slice(0, 3), { t: T0 + 20, event: "end", outcome: "held", message: "held" }]);
    const resumed = again(story);
    resumed.hear({ t: T0 + 60, event: "start", id: "v2-abc", version: "v2", from: "v1", message: "going on" });
    expect(resumed.snapshot().ended).to.equal(undefined);
    expect(resumed.snapshot().timeline.map(({ message }) => message)).to.include.members(["held", "going on"]);
  });

  it("does not tell the same verdict twice in a row", () => {
    const twice = rolledBack().flatMap((event) => (event.event === "verdict" ? [event, event] : [event]));
    expect(storyOf(twice).snapshot().timeline.filter(({ event }) => event === "verdict")).to.have.length(1);
  });

  it("of two days at a scrape a second fits in memory and on a page", function () {
    this.timeout(60_000);
    const story = new Story(FACTS);
    for (let i = 0; i < 172_800; i++) story.hear({ t: T0 + i, event: "observe", stage: 0, weight: 5, served: 0.05, gates: [gate(i % 5)], samples: [sample("stable", 95), sample("canary", 5)], message: "" });
    const { series, gates, split } = story.snapshot();
    for (const points of [...series.map((one) => one.points), ...gates.map((one) => one.points), split.served]) expect(points.length).to.be.at.most(MOST_POINTS).and.above(10);
    expect(JSON.stringify(story.saved()).length).to.be.below(200_000);
    expect(series[0]!.points.reduce((n, p) => n + p.requests, 0)).to.equal(95 * 172_800);
  });
});

const text = fc.oneof(fc.string(), fc.constant("x".repeat(5000)));
const number = fc.double();
const eventArbitrary: fc.Arbitrary<RolloutEvent> = fc.record({
  t: fc.oneof(fc.double({ min: T0, max: T0 + 200_000, noNaN: true }), number),
  event: fc.constantFrom("start", "update", "stage", "split", "observe", "verdict", "revert", "promote", "note", "end"),
  message: text,
  stage: fc.option(fc.integer(), { nil: undefined }),
  weight: fc.option(fc.integer({ min: 0, max: 100 }), { nil: undefined }),
  served: fc.option(number, { nil: undefined }),
  verdict: fc.option(fc.constantFrom("promote", "rollback", "hold", "measured"), { nil: undefined }),
  gates: fc.option(fc.array(fc.record({ metric: text, logE: number, value: number }).map(({ metric, logE, value }) => gate(logE, { metric, value })), { maxLength: 4 }), { nil: undefined }),
  samples: fc.option(fc.array(fc.tuple(fc.constantFrom("stable" as const, "canary" as const), fc.nat(1000), text).map(([track, n, service]) => sample(track, n, 0, { service })), { maxLength: 4 }), { nil: undefined }),
}) as fc.Arbitrary<RolloutEvent>;

describe("a story, whatever it is told and in whatever order,", () => {
  it("stays bounded, is plain JSON, and is the same when another process goes on with it", () => {
    fc.assert(fc.property(fc.array(eventArbitrary, { maxLength: 120 }), fc.array(eventArbitrary, { maxLength: 20 }), (before, after) => {
      const [here, there] = [storyOf(before), again(storyOf(before))];
      for (const event of after) [here, there].forEach((story) => story.hear(event));
      const view = here.snapshot();
      expect(JSON.parse(JSON.stringify(view))).to.deep.equal(JSON.parse(JSON.stringify(there.snapshot())));
      expect(view.timeline.length).to.be.at.most(300);
      expect(view.stages.length).to.be.at.most(200);
      expect(view.timeline.every(({ message }) => message.length <= 2001)).to.equal(true);
    }), { numRuns: 60 });
  });

  it("keeps at most so many entries of a timeline, its beginning and its end", () => {
    const view = storyOf(Array.from({ length: 1000 }, (_, i): RolloutEvent => ({ t: T0 + i, event: "note", message: `n${i}` }))).snapshot();
    expect([view.timeline.length, view.leftOut]).to.deep.equal([300, 700]);
    expect([view.timeline[0]!.message, view.timeline.at(-1)!.message]).to.deep.equal(["n0", "n999"]);
  });
});

describe("a curve", () => {
  const point = (t: number, requests = 1): TrafficPoint => ({ t, seconds: 1, requests, errors: 0 });

  it("has at most so many points, and loses no request, in whatever order they come", () => {
    fc.assert(fc.property(fc.array(fc.tuple(fc.double({ min: -1e12, max: 1e12, noNaN: true }), fc.nat(100)), { maxLength: 2000 }), (points) => {
      const curve = new Curve(joinTraffic);
      for (const [t, requests] of points) curve.add(point(t, requests));
      const all = curve.all();
      expect(all.length).to.be.at.most(MOST_POINTS);
      expect(all.reduce((n, p) => n + p.requests, 0)).to.equal(points.reduce((n, [, r]) => n + r, 0));
      expect(all.every((p, i) => i === 0 || all[i - 1]!.t <= p.t)).to.equal(true);
    }), { numRuns: 50 });
  });

  it("joins the latencies of its points, not their quantiles", () => {
    const joined = joinTraffic({ ...point(1, 90), latency: latency(90, 0) }, { ...point(2, 10), latency: latency(0, 10) });
    expect(quantilesOf(joined.latency).p95).to.be.within(0.1, 1);
    expect(quantilesOf(latency(1, 0)).p50).to.be.below(0.1);
  });

  it("shows the last bucket edge for a latency beyond it, and nothing where nothing was measured", () => {
    expect(quantilesOf({ le: [0.1, 1, Infinity], count: [0, 0, 10] })).to.deep.equal({ p50: 1, p95: 1, p99: 1 });
    expect(quantilesOf(undefined)).to.deep.equal({});
  });

  it("is shown in points of enough requests, and never in fewer parts than a chart needs", () => {
    const few = legible(Array.from({ length: 240 }, (_, i) => point(T0 + i, 2)));
    expect(few.length).to.be.within(20, 60);
    const many = legible(Array.from({ length: 240 }, (_, i) => point(T0 + i, 500)));
    expect(many).to.have.length(240);
  });
});

describe("a rollout that is told from its journal", () => {
  const line = { rollout: "v2-abc", by: "ci", seq: 1 };
  const iso = (s: number): string => new Date((T0 + s) * 1000).toISOString();
  const entry = { id: "v2-abc", version: "v2", from: "v1", kind: "rollout", outcome: "rolled-back", reason: "errors are worse", startedAt: iso(0), endedAt: iso(90), by: "ci", generation: 3 } as const;

  it("has its stages, its verdict with the gates, its way home and its end", () => {
    const events = retold([
      { ...line, at: iso(1), kind: "intent", phase: "raising", stage: 0, weight: 5, message: "v2: raising, stage 1" },
      { ...line, at: iso(9), kind: "intent", phase: "observing", stage: 0, weight: 5, message: "v2: observing, stage 1" },
      { ...line, at: iso(60), kind: "verdict", phase: "observing", stage: 0, weight: 5, verdict: "rollback", gates: [{ metric: "errors", gate: "fail", answer: "fail", sentence: "worse", logE: 7, logELimit: 6 }], message: "errors are worse" },
      { ...line, at: iso(61), kind: "intent", phase: "reverting", stage: 0, weight: 0, message: "v2: reverting: errors are worse" },
      { ...line, at: "no time", kind: "note", message: "cut" },
    ], entry, 2);
    const view = storyOf(events).snapshot();
    expect(view.stages).to.deep.equal([{ index: 0, weight: 5, began: T0 + 1, served: T0 + 9, ended: T0 + 60, verdict: "rollback" }]);
    expect(view).to.include({ outcome: "rolled-back", verdict: "v2 was rolled back: errors are worse" });
    expect(view.gates[0]).to.include({ answer: "fail", decides: "rollback" });
  });

  it("without a journal still has its beginning and its end", () => {
    expect(retold([], entry, 2).map(({ event }) => event)).to.deep.equal(["start", "end"]);
  });
});
