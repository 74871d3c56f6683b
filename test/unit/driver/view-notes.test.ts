import { expect } from "chai";
import { notesOf } from "../../../driver/view/notes";
import type { Snapshot } from "../../../driver/view/snapshot";
import { before, NOW, quiet, rolling, rollout } from "./snapshots";

const notes = (snapshot: Snapshot): string[] => notesOf(snapshot).map(({ level, text }) => `${level}: ${text}`);

describe("what a stack's view gives reason to say", () => {
  it("is nothing of a quiet stack, and nothing of a rollout in its driver's hands", () => {
    expect(notes(quiet)).to.deep.equal([]);
    expect(notes(rolling)).to.deep.equal([]);
  });

  it("is how a rollout goes on whose driver freed its Lease and left", () => {
    expect(notes({ ...rolling, lease: { expired: true } })).to.deep.equal([
      "bad: The rollout of v2 is unfinished (observing). Its driver is gone: go on with `canary resume`, or send all traffic home with `canary rollback`.",
    ]);
  });

  it("names the guard that has taken over", () => {
    expect(notes({ ...rolling, lease: { holder: "guard/prod-0", expired: false, renewedAt: before(1) } })).to.deep.equal([
      "bad: The rollout of v2 is unfinished (observing). Its driver is gone, and guard/prod-0 watches over it: go on with `canary resume`, or send all traffic home with `canary rollback`.",
    ]);
  });

  it("is why a rollout is held, and who watches it", () => {
    const held: Snapshot = { ...rolling, rollout: { ...rollout, phase: "held", reason: "No metrics for 12 s" }, lease: { expired: true } };
    expect(notes(held)).to.deep.equal(["warn: v2 is held at weight 25: No metrics for 12 s. Nobody watches it: go on with `canary promote`, `canary resume` or `canary rollback`."]);
    expect(notes({ ...held, lease: { holder: "guard/prod-0", expired: false } })[0]).to.include("guard/prod-0 watches it:");
  });

  it("is that the traffic was sent home behind the stack's back", () => {
    expect(notes({ ...rolling, rollout: { ...rollout, phase: "held", sentHome: { by: "guard/prod-0", at: before(30) } } })[0])
      .to.equal("bad: guard/prod-0 sent all traffic home 30 s ago; the stack does not know it yet: `canary rollback` records it.");
  });

  it("is what somebody has asked the driver for", () => {
    expect(notes({ ...rolling, request: { verb: "rollback", by: "ann@laptop", at: before(2), reason: "too slow" } })).to.deep.equal(["info: ann@laptop asked for a rollback 2 s ago (too slow)."]);
  });

  it("is that the stack file is older than the record and says something else", () => {
    const stale: Snapshot = { ...quiet, wanted: { ...quiet.wanted, stable: "v0", generation: 1 }, recorded: 3, stale: "v1 stable" };
    expect(notes(stale)).to.deep.equal(["bad: The stack file is older than the rollout record (generation 1, the record has 3: v1 stable): `canary sync` writes the record into the file."]);
  });

  it("is where the stack file differs from what is deployed, unless a driver is about to change that", () => {
    const wanted = { ...quiet.wanted, canary: "v2", weight: 10 };
    expect(notes({ ...quiet, wanted })).to.deep.equal([
      "warn: The stack file says canary v2, deployed is none: `pulumi preview` shows what `pulumi up` would change.",
      "warn: The stack file says weight 10, deployed is 0: `pulumi preview` shows what `pulumi up` would change.",
    ]);
    expect(notes({ ...rolling, wanted: { ...rolling.wanted, weight: 50 } })).to.deep.equal([]);
  });

  it("is who changed a live weight", () => {
    const live = [{ ...quiet.live[0]!, weight: 40, weightManager: "kubectl-patch" }];
    expect(notes({ ...quiet, live })).to.deep.equal(["warn: The live weight of Ingress shop-canary is 40 where the stack left 0 (changed by kubectl-patch): it is left alone until somebody runs an update."]);
  });

  it("is what an update left undone that died, and not what one does that runs", () => {
    const pending = ["creating Deployment a", "creating Deployment b", "updating Service c", "updating Service d"];
    expect(notes({ ...quiet, pending })).to.deep.equal(["bad: An update died half-way and left 4 operations pending (creating Deployment a, creating Deployment b, updating Service c, …): `pulumi refresh` finds out what came of it."]);
    expect(notes({ ...rolling, pending })).to.deep.equal([]);
  });

  it("is that an undo window is over", () => {
    expect(notes({ ...quiet, undo: { version: "v0", until: NOW } })).to.deep.equal(["info: The undo window of v0 ended 2026-03-01 12:00:00Z: `canary cleanup` removes it."]);
  });

  it("begins with what needs somebody", () => {
    const all = notesOf({ ...rolling, lease: { expired: true }, unknown: ["Something cannot be asked."], request: { verb: "hold", by: "ann", at: NOW } });
    expect(all.map(({ level }) => level)).to.deep.equal(["bad", "warn", "info"]);
  });
});
