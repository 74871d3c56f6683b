import { expect } from "chai";
import { BusyError, EXIT, UsageError } from "../../../driver/errors";
import { cleanUp, undo } from "../../../driver/rollout/undo";
import { rejection, scene, type Scene, type SceneOptions } from "./fakes";

const PROMOTED = "  canary:stable: v2\n  canary:previous: {version: v1, env: {A: b}}\n  canary:generation: 9\n  canary:rollout: {lockWait: 0s}";
const BACK = "stable v1 canary none previous v2 weight 0";
const later = (seconds: number): string => new Date(Date.now() + seconds * 1000).toISOString();

/** A stack whose latest promotion may be undone until then. */
async function promoted(keys = PROMOTED, window: { version: string; until: string } | undefined = { version: "v1", until: later(600) }, options: SceneOptions = {}): Promise<Scene> {
  const s = scene(keys, options);
  await s.context.ledger.amend((record) => ({ ...record, ...(window ? { undo: window } : {}) }));
  return s;
}

describe("an undo", () => {
  it("moves the stable Service to the previous revision's pods at once, then records it with its overrides", async () => {
    const s = await promoted(PROMOTED, undefined, { up: (_, __, live) => void expect(live.stable).to.equal("shop-v1") });
    expect(await undo(s.context)).to.deep.equal({ exitCode: EXIT.done, message: "v1 is stable again; v2 is kept, and gets no traffic." });
    expect(s.patches).to.deep.equal(["Service shop-stable"]);
    expect(s.ups).to.deep.equal([BACK]);
    expect(s.file.keys()).to.deep.equal({ stable: { version: "v1", env: { A: "b" } }, previous: "v2", weight: 0 });
  });

  it("is in the history, and may itself be undone in the same window", async () => {
    const s = await promoted();
    const until = s.context.ledger.record!.undo!.until;
    await undo(s.context);
    expect(s.store.book.history.at(-1)).to.deep.include({ kind: "undo", outcome: "promoted", version: "v1", from: "v2", generation: 10 });
    expect(s.store.book.record!.undo).to.deep.equal({ version: "v2", until });
    expect((await undo(s.context)).message).to.match(/^v2 is stable again; v1 is kept/);
    expect(s.ups.at(-1)).to.equal("stable v2 canary none previous v1 weight 0");
  });

  it("goes on to the same version when it was stopped half way, instead of back to the one that is left", async () => {
    const s = await promoted(PROMOTED, { version: "v1", until: later(600) }, { up: (n) => { if (n === 0) throw new BusyError("The stack is locked."); } });
    expect(await rejection(undo(s.context))).to.be.instanceOf(BusyError);
    expect(s.file.keys()).to.deep.include({ previous: "v2" });
    expect((await undo(s.context)).message).to.equal("v1 is stable again; v2 is kept, and gets no traffic.");
    expect(s.ups).to.deep.equal([BACK]);
    expect(s.live.stable).to.equal("shop-v1");
  });

  it("goes on to the same version also when its driver died between the update and its record", async () => {
    const s = await promoted();
    s.file.edit({ stable: { version: "v1", env: { A: "b" } }, previous: "v2" }).write();
    await s.context.updates.run({ message: "undo of the driver that died", lockWaitSeconds: 0, note: () => undefined });
    expect((await undo(s.context)).message).to.match(/^v1 is stable again/);
    expect(s.ups).to.deep.equal([BACK, BACK]);
    expect(s.live.stable).to.equal("shop-v1");
  });

  it("is left to the update where the live Services cannot be patched", async () => {
    const s = await promoted(PROMOTED, undefined, { patch: () => { throw new Error("connection refused"); } });
    expect((await undo(s.context)).exitCode).to.equal(EXIT.done);
    expect(s.messages).to.include("The live objects could not be patched: shop: connection refused. pulumi up moves the traffic instead.");
    expect(s.live.stable).to.equal("shop-v1");
  });

  it("is refused when its window is over, and says how to go back then", async () => {
    const s = await promoted(PROMOTED, { version: "v1", until: "2020-01-01T00:00:00.000Z" });
    const refusal = await rejection(undo(s.context));
    expect(refusal).to.be.instanceOf(UsageError);
    expect(refusal?.message).to.equal("The undo window of v1 ended at 2020-01-01T00:00:00.000Z: roll it out again with `canary deploy v1`.");
    expect(s.ups.concat(s.patches)).to.deep.equal([]);
  });

  it("is refused when the previous revision has no ready pod any more", async () => {
    const s = await promoted();
    const client = await s.context.cluster();
    Object.assign(client.apps, { listNamespacedDeployment: async () => ({ items: [{ spec: { replicas: 2 } }] }) });
    expect((await rejection(undo(s.context)))?.message).to.equal("shop has no ready pod of v1 any more: roll it out again with `canary deploy v1`.");
  });

  it("is refused while a canary is there, and where nothing is kept", async () => {
    const rolling = await promoted("  canary:stable: v1\n  canary:canary: v2\n  canary:weight: 5");
    expect((await rejection(undo(rolling.context)))?.message).to.equal("A rollout of v2 is under way: end it with `canary rollback` first.");
    const bare = await promoted("  canary:stable: v1");
    expect((await rejection(undo(bare.context)))?.message).to.equal("There is no previous revision to go back to: roll the version out that you want with `canary deploy VERSION`.");
  });
});

describe("a clean-up", () => {
  const without = "stable v2 canary none previous none weight 0";

  it("removes the previous revision when its undo window is over", async () => {
    const s = await promoted(PROMOTED, { version: "v1", until: later(-1) });
    expect(await cleanUp(s.context, false)).to.deep.equal(["v1 is removed"]);
    expect(s.ups).to.deep.equal([without]);
    expect(s.store.book.record).not.to.have.property("undo");
  });

  it("keeps it inside the window unless it is insisted on", async () => {
    const s = await promoted();
    expect((await cleanUp(s.context, false))[0]).to.match(/^v1 is kept until \S+, so that `canary undo` can go back to it \(--now removes it at once\)$/);
    expect(s.ups).to.deep.equal([]);
    expect(await cleanUp(s.context, true)).to.deep.equal(["v1 is removed"]);
    expect(s.ups).to.deep.equal([without]);
  });

  it("does nothing where nothing is kept", async () => {
    const s = await promoted("  canary:stable: v1");
    expect(await cleanUp(s.context, true)).to.deep.equal([]);
    expect(s.ups).to.deep.equal([]);
  });
});
