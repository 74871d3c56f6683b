import { expect } from "chai";
import { BusyError, EXIT, InterruptedError, UpdateFailedError } from "../../../driver/errors";
import { revert } from "../../../driver/rollout/revert";
import { endSafely } from "../../../driver/rollout/safely";
import { HalfPromotedError } from "../../../driver/rollout/promote";
import { rollbackNow } from "../../../driver/verbs/manual";
import { scene } from "./fakes";

const AT_25 = "  canary:stable: v1\n  canary:canary: v2\n  canary:weight: 25\n  canary:generation: 3";
const HOME = ["Ingress shop-canary", "Service shop-canary"];
const failing = (n: number) => (): void => {
  throw new UpdateFailedError(`pulumi up failed (${n})`);
};

describe("a revert", () => {
  it("patches the live objects, records the canary as withdrawn, and removes its pods last", async () => {
    const s = scene(AT_25);
    expect(await revert(s.context, "too many errors")).to.deep.equal({ recorded: true, note: "" });
    expect([...s.patches].sort()).to.deep.equal(HOME);
    expect(s.ups).to.deep.equal(["stable v1 canary v2 withdrawn previous none weight 0", "stable v1 canary none previous none weight 0"]);
  });

  it("takes both steps also at weight 0, because a revert that was interrupted may have written it", async () => {
    const s = scene(AT_25.replace("25", "0"));
    await revert(s.context, "by hand");
    expect(s.patches).to.have.length(2);
    expect(s.ups[0]).to.include("v2 withdrawn");
  });

  it("removes a canary that never got traffic in one update and patches nothing", async () => {
    const s = scene(AT_25.replace("25", "0"));
    await revert(s.context, "not ready", { neverServed: true });
    expect(s.patches).to.deep.equal([]);
    expect(s.ups).to.deep.equal(["stable v1 canary none previous none weight 0"]);
  });

  it("goes on to the update when the live objects cannot be patched", async () => {
    const s = scene(AT_25, { patch: () => { throw new Error("connection refused"); } });
    expect((await revert(s.context, "errors")).recorded).to.equal(true);
    expect(s.messages).to.include("The live objects could not be patched (connection refused); pulumi up sends the traffic home instead.");
  });

  it("says that traffic is home when only the record fails, and leaves that record in the file", async () => {
    const s = scene(AT_25, { up: failing(1) });
    const { recorded, note } = await revert(s.context, "errors");
    expect(recorded).to.equal(false);
    expect(note).to.match(/Traffic is home, but the stack does not know it yet: run `pulumi up`/);
    expect(s.file.read().weight).to.equal(0);
  });

  it("fails when neither the patch nor the update succeeds", async () => {
    const s = scene(AT_25, { up: failing(1), patch: () => { throw new Error("connection refused"); } });
    let thrown: unknown;
    await revert(s.context, "errors").catch((e) => (thrown = e));
    expect(thrown).to.be.instanceOf(UpdateFailedError);
  });

  it("tries an update once more that ended with the signal that interrupted the driver", async () => {
    const s = scene(AT_25, { up: (n) => { if (n === 0 && s.messages.filter((m) => m.startsWith("pulumi up")).length === 1 && !tried++) throw new UpdateFailedError("canceled"); } });
    let tried = 0;
    s.interrupt(new InterruptedError("SIGINT"));
    expect((await revert(s.context, "interrupted")).recorded).to.equal(true);
    expect(s.ups).to.have.length(2);
  });
});

describe("a rollout that something breaks into", () => {
  const rollout = { version: "v2", onInterrupt: "revert" } as const;

  it("goes home after a failed update, exit 2", async () => {
    const s = scene(AT_25);
    const ending = await endSafely(s.context, rollout, new UpdateFailedError("pulumi up (weight 25) failed: conflict"));
    expect(ending).to.deep.equal({ outcome: "rolled-back", exitCode: EXIT.rolledBack, message: "v2 is rolled back: pulumi up (weight 25) failed: conflict." });
    expect(s.file.read().canary).to.equal(undefined);
  });

  it("goes home after a signal, exit 130, or stays by config, exit 131", async () => {
    const s = scene(AT_25);
    s.interrupt(new InterruptedError("SIGTERM"));
    expect(await endSafely(s.context, rollout, new Error("aborted"))).to.include({ exitCode: EXIT.interruptedReverted, message: "Interrupted by SIGTERM. All traffic is back on stable." });
    const stays = scene(AT_25);
    stays.interrupt(new InterruptedError("SIGTERM"));
    expect(await endSafely(stays.context, { ...rollout, onInterrupt: "hold" }, new Error("aborted"))).to.include({ exitCode: EXIT.interruptedHeld });
    expect(stays.ups).to.deep.equal([]);
  });

  it("says that nothing had been started when a signal comes before the canary", async () => {
    const s = scene("  canary:stable: v1");
    s.interrupt(new InterruptedError("SIGINT"));
    expect(await endSafely(s.context, rollout, new Error("aborted"))).to.include({ exitCode: EXIT.interruptedReverted, message: "Interrupted by SIGINT. Nothing had been started." });
  });

  it("never reverts a promotion that has begun to move the stable Service", async () => {
    const s = scene("  canary:stable: v2\n  canary:canary: v2\n  canary:previous: v1\n  canary:weight: 100");
    const ending = await endSafely(s.context, rollout, new UpdateFailedError("conflict"));
    expect(ending.exitCode).to.equal(EXIT.held);
    expect(ending.message).to.include("The promotion of v2 stopped half way and all traffic is on it: end it with `canary promote`.");
    expect(s.ups.concat(s.patches)).to.deep.equal([]);
    expect(await endSafely(s.context, rollout, new HalfPromotedError("v2", new Error("conflict")))).to.include({ exitCode: EXIT.held });
  });

  it("holds when the stack stays locked, and when the stack file cannot be read any more", async () => {
    const s = scene(AT_25);
    expect(await endSafely(s.context, rollout, new BusyError("The stack is locked."))).to.include({ outcome: "held", exitCode: EXIT.held });
    const broken = scene(AT_25.replace("canary:weight: 25", "canary:weight: 250"));
    const ending = await endSafely(broken.context, rollout, new Error("anything"));
    expect(ending.exitCode).to.equal(EXIT.held);
    expect(ending.message).to.include("canary:weight is 250");
  });

  it("says when it could not be reverted", async () => {
    const s = scene(AT_25, { up: failing(1), patch: () => { throw new Error("connection refused"); } });
    const ending = await endSafely(s.context, rollout, new UpdateFailedError("conflict"));
    expect(ending.exitCode).to.equal(EXIT.held);
    expect(ending.message).to.include("v2 may still be served; run `canary rollback`");
  });
});

describe("a rollback by hand", () => {
  it("asks no metrics, so that it works when nothing else does", async () => {
    const s = scene(AT_25);
    expect(await rollbackNow(s.context)).to.deep.equal({ outcome: "rolled-back", exitCode: EXIT.rolledBack, message: "v2 is rolled back by hand." });
  });
});
