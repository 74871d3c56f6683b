import { expect } from "chai";
import { EXIT, UpdateFailedError } from "../../../driver/errors";
import { hurried, untilCancelled } from "./fakes";
import { AT, atStage, HOME, rolling, STABLE, START, type Rolling } from "./run-fakes";

const phases = ({ store }: Rolling): string[] => store.book.journal.filter((e) => e.kind === "intent").slice(1).map((e) => [e.phase, e.step, e.phase === "held" ? undefined : e.stage].filter((x) => x !== undefined).join(" "));

describe("a rollout from its start to its end", () => {
  const waits = hurried();

  it("goes through every stage, is promoted, and keeps the old revision for the undo window", async () => {
    const s = await rolling(STABLE("undoWindow: 10m"));
    const ending = await s.run();
    expect(ending).to.deep.equal({ outcome: "promoted", exitCode: EXIT.done, message: "v2 is stable; v1 is kept for 600 s, in which `canary undo` goes back to it at once." });
    expect(s.ups).to.deep.equal([START, AT(5), AT(50), AT(100), "stable v2 canary v2 previous v1 weight 100", "stable v2 canary none previous v1 weight 0"]);
    expect(phases(s)).to.deep.equal(["starting", "raising 0", "observing 0", "raising 1", "observing 1", "asking 1", "promoting full 1", "promoting move 1", "promoting close 1"]);
    expect(s.store.book.history.at(-1)).to.deep.include({ id: "v2-1", version: "v2", from: "v1", kind: "rollout", outcome: "promoted", by: "tester", generation: s.file.read().generation });
    expect(s.store.book.record).to.deep.include({ keys: { stable: "v2", previous: "v1", weight: 0 }, generation: s.file.read().generation }).and.not.to.have.property("rollout");
    expect(s.store.book.record!.undo?.version).to.equal("v1");
    expect(s.store.book.rollbacks).to.deep.equal({});
    expect(s.patches).to.deep.equal([]);
  });

  it("gives the router time between the move of the stable Service and the return of the weight", async () => {
    const s = await rolling(STABLE());
    await s.run();
    expect(waits).to.include(5000);
  });

  it("removes the old revision at once where there is no undo window", async () => {
    const s = await rolling(STABLE("undoWindow: 0s"));
    expect((await s.run()).message).to.equal("v2 is stable; v1 is removed.");
    expect(s.ups.at(-1)).to.equal("stable v2 canary none previous none weight 0");
    expect(s.store.book.record).not.to.have.property("undo");
  });

  it("writes every intent before it acts on it", async () => {
    const s = await rolling(STABLE(), {
      up: (n) => {
        const { rollout, keys, generation } = s.store.book.record!;
        const { weight } = s.file.read();
        // What ends a promotion waits for its intent, but not for the keys.
        if (n < 4) expect([keys.weight, generation]).to.deep.equal([weight, s.file.read().generation]);
        expect([0, 5, 50, 100, 100, 0][n]).to.equal(weight);
        expect(["starting", "raising", "raising", "promoting", "promoting", "promoting"][n]).to.equal(rollout!.phase);
        expect([undefined, undefined, undefined, "full", "move", "close"][n]).to.equal(rollout!.step);
      },
    });
    expect((await s.run()).exitCode).to.equal(EXIT.done);
  });

  it("goes home when the gates say so, the users first, and says why", async () => {
    const s = await rolling(STABLE(), atStage(1, (r) => r.says("rollback", "errors: 20 % failed.")));
    expect(await s.run()).to.deep.equal({ outcome: "rolled-back", exitCode: EXIT.rolledBack, message: "v2 is rolled back: errors: 20 % failed." });
    expect(s.patches).to.have.length.at.least(2);
    expect(s.ups.slice(-2)).to.deep.equal(HOME);
    expect(s.store.book.rollbacks).to.deep.equal({ verdict: 1 });
    expect(s.store.book.history.at(-1)).to.include({ outcome: "rolled-back", reason: "errors: 20 % failed." });
    expect(s.store.book.journal.filter((e) => e.kind === "verdict").at(-1)).to.deep.include({ verdict: "rollback", message: "errors: 20 % failed." });
    expect(s.store.book.journal.find((e) => e.kind === "verdict")!.gates).to.deep.equal([{ metric: "errors", gate: "ratio", answer: "pass", sentence: "0 of 500 failed", value: 0 }]);
  });

  it("goes home when the canary fails while its weight is being raised, and does not wait for that update", async () => {
    let cancelled = false;
    const s = await rolling(STABLE(), {
      up: async (n, signal) => {
        if (n !== 2) return;
        s.says("rollback", "errors: all failed.");
        await untilCancelled(signal).finally(() => (cancelled = true));
      },
    });
    expect((await s.run()).message).to.equal("v2 is rolled back: errors: all failed.");
    expect(cancelled).to.equal(true);
    expect(s.ups).to.deep.equal([START, AT(5), ...HOME]);
  });

  it("never got traffic when its pods do not become ready: they are removed in one update", async () => {
    const s = await rolling(STABLE(), { up: (n) => { if (n === 0) throw new UpdateFailedError("pulumi up (start v2) failed: timed out"); } });
    expect(await s.run()).to.deep.equal({ outcome: "rolled-back", exitCode: EXIT.rolledBack, message: "v2 never got traffic and is removed: pulumi up (start v2) failed: timed out." });
    expect(s.ups).to.deep.equal([HOME[1]]);
    expect(s.patches).to.deep.equal([]);
    expect(s.store.book.rollbacks).to.deep.equal({ start: 1 });
  });

  it("goes home after an update that failed half-way", async () => {
    const s = await rolling(STABLE(), { up: (n) => { if (n === 2) throw new UpdateFailedError("pulumi up (weight 50) failed: conflict"); } });
    expect(await s.run()).to.include({ exitCode: EXIT.rolledBack, message: "v2 is rolled back: pulumi up (weight 50) failed: conflict." });
    expect(s.store.book.rollbacks).to.deep.equal({ update: 1 });
  });

  it("goes home when the split is not served, and holds when there is no data to tell", async () => {
    const off = await rolling(STABLE(), { served: () => 0 });
    expect((await off.run()).message).to.match(/^v2 is rolled back: The weight is not what is served: shop: /);
    const blind = await rolling(STABLE(), { served: (l) => (Number(l.weight) > 0 ? undefined : 0) });
    expect(await blind.run()).to.include({ exitCode: EXIT.held }).and.to.have.property("message").that.matches(/^v2 is held at weight 5: The split could not be verified, there is no data: /);
    const impatient = await rolling(STABLE("onBlind: rollback"), { served: (l) => (Number(l.weight) > 0 ? undefined : 0) });
    expect((await impatient.run()).exitCode).to.equal(EXIT.rolledBack);
    expect(impatient.store.book.rollbacks).to.deep.equal({ blind: 1 });
  });

  it("measures an experiment, goes home after it, and counts no rollback", async () => {
    const s = await rolling(STABLE(), { experiment: true });
    s.says("undecided");
    Object.assign(s.rollout.config.rollout.stages[1]!, { dwellSeconds: 0 });
    expect(await s.run()).to.deep.equal({ exitCode: EXIT.done, message: "v2 is measured and removed: the experiment is over." });
    expect(s.ups.slice(-2)).to.deep.equal(HOME);
    expect(s.store.book.rollbacks).to.deep.equal({});
    expect(s.store.book.history.at(-1)).to.include({ kind: "experiment", outcome: "measured" });
  });
});

describe("a promotion that is gone on with", () => {
  hurried();

  it("is ended where its driver had come further than its record says", async () => {
    const s = await rolling(STABLE().replace("canary:stable: v1", "canary:stable: v2\n  canary:previous: v1"));
    expect((await s.run({ phase: "promoting", step: "move" })).outcome).to.equal("promoted");
    expect(s.ups).to.deep.equal(["stable v2 canary none previous v1 weight 0"]);
  });

  it("asks the gates at weight 100 too, unless a person insists", async () => {
    const at100 = STABLE().replace("canary:stable: v1", "canary:stable: v1\n  canary:canary: v2\n  canary:weight: 100");
    const doubtful = await rolling(at100);
    doubtful.says("hold", "Not decided.");
    expect((await doubtful.run({ phase: "promoting", step: "full" })).message).to.match(/^v2 is held at weight 100: Not decided\./);
    const insisted = await rolling(at100, { insisted: true });
    insisted.says("hold", "Not decided.");
    expect((await insisted.run({ phase: "promoting", step: "full" })).outcome).to.equal("promoted");
  });

  it("is raised to 100 whatever the gates say, and also where nobody can see what is served, where a person insists", async () => {
    const at50 = STABLE().replace("canary:stable: v1", "canary:stable: v1\n  canary:canary: v2\n  canary:weight: 50");
    for (const [served, ending] of [[undefined, /^v2 is rolled back: too many errors/], [() => undefined, /^v2 is (held|rolled back)/]] as const) {
      const options = served ? { served } : {};
      const [asked, insisted] = [await rolling(at50, options), await rolling(at50, { ...options, insisted: true })];
      for (const s of [asked, insisted]) s.says("rollback", "too many errors");
      expect((await asked.run({ phase: "promoting", step: "full" })).message).to.match(ending);
      expect((await insisted.run({ phase: "promoting", step: "full" })).outcome).to.equal("promoted");
    }
  });

  it("is held where somebody has sent the traffic home meanwhile, also when a person insists", async () => {
    const s = await rolling(STABLE().replace("canary:stable: v1", "canary:stable: v1\n  canary:canary: v2\n  canary:weight: 100"), { insisted: true });
    Object.assign(s.live, { weight: "0" });
    expect((await s.run({ phase: "promoting", step: "full" })).message).to.match(/^v2 is held at weight 100: It is not promoted, because the live weight of Ingress shop-canary is 0 where this rollout left 100\./);
    expect(s.ups).to.deep.equal([]);
  });
});
