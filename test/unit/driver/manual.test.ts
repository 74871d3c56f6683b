import { expect } from "chai";
import type { RecordedRollout } from "../../../components/record/format";
import { BusyError, EXIT, UsageError } from "../../../driver/errors";
import { deploy } from "../../../driver/rollout/deploy";
import { cleanUpNow, holdNow, homeFirst, promoteNow, resumeNow, rollbackNow, setTraffic, waitFor } from "../../../driver/verbs/manual";
import { openLedger } from "../../../driver/verbs/opening";
import { hurried, rejection, scene, type Scene, type SceneOptions } from "./fakes";

const AT_25 = "  canary:stable: v1\n  canary:canary: v2\n  canary:weight: 25\n  canary:generation: 3";
const HALF = "  canary:stable: v2\n  canary:canary: v2\n  canary:previous: v1\n  canary:weight: 100";
const HOME = ["stable v1 canary v2 withdrawn previous none weight 0", "stable v1 canary none previous none weight 0"];
const GUARD = { by: "guard/shop-1", at: "2026-01-01T00:00:00Z" };

/** A stack whose record has a rollout of v2 that nobody drives. */
async function left(keys: string, change: Partial<RecordedRollout> = {}, options: SceneOptions = {}): Promise<Scene> {
  const s = scene(keys, options);
  await s.context.ledger.begin({ id: "v2-1", version: "v2", from: "v1", phase: "held", stage: 1, stages: [5, 25, 50, 100], weight: 25, startedAt: "", since: "", ...change }, "begin");
  return s;
}

describe("a rollback by hand", () => {
  hurried();

  it("asks no metrics, so that it works when nothing else does", async () => {
    const s = scene(AT_25);
    expect(await rollbackNow(s.context)).to.deep.equal({ outcome: "rolled-back", exitCode: EXIT.rolledBack, message: "v2 is rolled back: asked for by hand" });
    expect(s.ups).to.deep.equal(HOME);
  });

  it("ends what the record knows, with the reason that was given", async () => {
    const s = await left(AT_25);
    await rollbackNow(s.context, "customers complain");
    expect(s.store.book.history.at(-1)).to.include({ id: "v2-1", outcome: "rolled-back", reason: "customers complain" });
    expect(s.store.book.rollbacks).to.deep.equal({ manual: 1 });
  });

  it("is refused when the stable Service has begun to move, by the record or by the file alone", async () => {
    for (const change of [{ phase: "held", step: "move" }, { phase: "promoting", step: "full" }, { phase: "observing" }] as const) {
      const s = await left(HALF, change);
      expect((await rejection(rollbackNow(s.context)))?.message).to.equal("The promotion of v2 has begun to move the stable Service: end it with `canary promote`, then go back with `canary undo`.");
      expect(s.ups.concat(s.patches)).to.deep.equal([]);
    }
    expect(await rejection(rollbackNow(scene(HALF).context))).to.be.instanceOf(UsageError);
  });

  it("is refused where nothing is under way", async () => {
    expect((await rejection(rollbackNow(scene("  canary:stable: v1").context)))?.message).to.equal("No rollout is under way: start one with `canary deploy VERSION`.");
  });

  it("is what a clean-up begins with", async () => {
    const s = await left(AT_25);
    expect(await cleanUpNow(s.context, false)).to.deep.equal({ exitCode: EXIT.done, message: "v2 is rolled back: cleaned up by hand." });
  });
});

describe("a rollout that the guard has sent home", () => {
  hurried();

  it("is recorded by the next command that goes on with it, without metrics, and counted by the guard alone", async () => {
    for (const act of [(s: Scene) => resumeNow(s.context), (s: Scene) => deploy(s.context, "v2"), (s: Scene) => rollbackNow(s.context)]) {
      const s = await left(AT_25, { phase: "observing", sentHome: GUARD, reason: "its driver died" });
      expect((await act(s)).exitCode).to.equal(EXIT.rolledBack);
      expect(s.ups).to.deep.equal(HOME);
      expect(s.store.book.rollbacks).to.deep.equal({});
      expect(s.store.book.record).not.to.have.property("rollout");
    }
  });

  it("is not promoted, not even by a person who insists", async () => {
    const s = await left(AT_25.replace("25", "100"), { sentHome: GUARD, reason: "errors: 20 % failed" });
    expect((await rejection(promoteNow(s.context, true)))?.message).to.equal("guard/shop-1 sent the traffic of v2 home (errors: 20 % failed): end its rollout with `canary rollback`.");
    expect(s.ups).to.deep.equal([]);
  });

  it("is not raised because its preview is over", async () => {
    const s = await left("  canary:stable: v1\n  canary:canary: v2\n  canary:rollout: {preview: hold}", { sentHome: GUARD });
    expect((await resumeNow(s.context)).exitCode).to.equal(EXIT.rolledBack);
  });
});

describe("a rollout whose driver died right after its verdict", () => {
  hurried();

  it("goes home with the next command, although the record still says that it was raising", async () => {
    const s = await left(AT_25, { phase: "raising" });
    await s.context.ledger.verdict({ verdict: "rollback", stage: 1, weight: 25, gates: [], message: "errors: too many." });
    const ending = await deploy(s.context, "v2");
    expect(ending).to.include({ exitCode: EXIT.rolledBack, message: "v2 is rolled back: errors: too many." });
    expect(s.ups).to.deep.equal(HOME);
  });
});

describe("the state after a driver that died", () => {
  hurried();
  const goOn: readonly ((s: Scene) => Promise<unknown>)[] = [(s) => rollbackNow(s.context), (s) => deploy(s.context, "v2"), (s) => resumeNow(s.context)];
  const open = async (s: Scene): Promise<Scene> => (await openLedger(s.context.ledger, s.context.updates, () => undefined, false), s);

  it("is read anew before the next update, whatever goes on: it may not know what the driver's last update did", async () => {
    for (const act of goOn) {
      const s = await open(await left(AT_25, { phase: "reverting", reason: "errors" }));
      await act(s);
      expect(s.repairs).to.deep.equal(["traffic"]);
      expect(s.ups.slice(0, 2)).to.deep.equal(HOME);
    }
  });

  it("is believed where a rollout was held: nothing had died", async () => {
    const s = await open(await left(AT_25));
    await rollbackNow(s.context);
    expect([s.repairs, s.ups]).to.deep.equal([[], HOME]);
  });

  it("is doubted still where somebody has only held what it left", async () => {
    const s = await open(await left(AT_25, { phase: "observing" }));
    await holdNow(s.context);
    expect(s.store.book.record!.rollout).to.include({ phase: "held", behind: true });
    await rollbackNow((await open(s)).context);
    expect([s.repairs, s.ups]).to.deep.equal([["traffic"], HOME]);
  });

  it("is doubted after any driver that died with the Lease, a rollout or none", async () => {
    const s = await open(scene("  canary:stable: v1\n  canary:previous: v0", { lease: { acquire: async () => "root@vm (canary cleanup, pid 7)" } }));
    await cleanUpNow(s.context, true);
    expect(s.repairs).to.deep.equal(["traffic"]);
  });
});

describe("what a driver that died left", () => {
  hurried();
  const asked = (s: Scene, verb: "rollback" | "hold"): void => void (s.store.book = { ...s.store.book, record: { ...s.store.book.record!, request: { verb, by: "ann", at: "t" } } });

  it("is refused while it is held, and named", async () => {
    const s = await left(AT_25);
    expect((await rejection(deploy(s.context, "v3")))?.message).to.equal("A rollout of v2 is held at weight 25: go on with `canary resume`, `canary promote` or `canary rollback` first.");
  });

  it("goes home or is held as somebody asked of the driver before it died", async () => {
    const back = await left(AT_25, { phase: "observing" });
    asked(back, "rollback");
    await back.context.ledger.open();
    expect(await deploy(back.context, "v2")).to.include({ exitCode: EXIT.rolledBack, message: "v2 is rolled back: rollback asked for by ann" });
    const stay = await left(AT_25, { phase: "observing" });
    asked(stay, "hold");
    await stay.context.ledger.open();
    expect(await rejection(deploy(stay.context, "v2"))).to.be.instanceOf(BusyError);
    expect(stay.store.book.record!.rollout).to.include({ phase: "held", reason: "hold asked for by ann" });
    expect(stay.store.book.record).not.to.have.property("request");
  });

  it("is held by hand without forgetting that it is half promoted", async () => {
    const s = await left(HALF, { phase: "promoting", step: "move" });
    expect((await holdNow(s.context)).message).to.equal("v2 is held at weight 100.");
    expect(s.store.book.record!.rollout).to.include({ phase: "held", step: "move" });
    expect(await rejection(rollbackNow(s.context))).to.be.instanceOf(UsageError);
  });

  it("gets no other weight by hand when it is half promoted", async () => {
    const s = await left(HALF, { phase: "promoting", step: "close" });
    expect(await rejection(setTraffic(s.context, 50))).to.be.instanceOf(UsageError);
    expect(s.ups).to.deep.equal([]);
  });
});

describe("what is asked of the driver that holds the Lease", () => {
  const waits = hurried();
  const alive = { state: async () => ({ holder: "ci", expired: false }) };
  const request = { verb: "rollback", by: "ann", at: "t" } as const;
  /** Its driver ends it with the next look. */
  const endsAs = (s: Scene, outcome: "promoted" | "rolled-back", kind = outcome): void => {
    const { ledger } = s.context;
    const write = ledger.request.bind(ledger);
    ledger.request = async (r) => {
      await write(r);
      await ledger.close({ entry: { id: "v2-1", version: "v2", from: "v1", kind: "rollout", outcome, reason: `${kind}.`, startedAt: "", endedAt: "", by: "ci", generation: 1 } });
    };
  };

  it("sends the traffic home before the driver is asked to record it", async () => {
    const s = await left(AT_25, { phase: "observing" }, { lease: alive });
    endsAs(s, "rolled-back");
    await homeFirst(s.context, "slow");
    expect(await waitFor(s.context, request)).to.deep.equal({ outcome: "rolled-back", exitCode: EXIT.rolledBack, message: "v2 is rolled back by its driver: rolled-back." });
    expect(s.live).to.deep.include({ weight: "0", canary: "shop-v1" });
    expect(s.ups).to.deep.equal([]);
  });

  it("is not said to be rolled back when its driver has promoted it", async () => {
    const s = await left(AT_25, { phase: "observing" }, { lease: alive });
    endsAs(s, "promoted");
    expect(await waitFor(s.context, request)).to.deep.equal({ outcome: "promoted", exitCode: EXIT.done, message: "v2 is promoted by its driver." });
  });

  it("is refused where that driver rolls nothing out", async () => {
    const s = scene("  canary:stable: v1", { lease: alive });
    const refusal = await rejection(waitFor(s.context, request));
    expect(refusal).to.be.instanceOf(BusyError);
    expect(refusal?.message).to.equal("No rollout is under way, but ci works on this stack: wait for its end.");
    expect(s.store.book.record?.request).to.equal(undefined);
  });

  it("is given up when that driver is dead, with the command that does it then", async () => {
    const s = await left(AT_25, { phase: "observing" }, { lease: { state: async () => ({ holder: "ci", expired: true }) } });
    expect((await rejection(waitFor(s.context, request)))?.message).to.equal("Its driver does not answer any more: run `canary rollback` again.");
    expect(waits.length).to.be.lessThan(5);
  });
});
