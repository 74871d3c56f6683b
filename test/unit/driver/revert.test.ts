import { expect } from "chai";
import { BusyError, InterruptedError, LeaseLostError, UpdateFailedError } from "../../../driver/errors";
import { revert } from "../../../driver/rollout/steps/revert";
import { hurried, rejection, scene, untilCancelled, type Scene } from "./fakes";

const AT_25 = "  canary:stable: v1\n  canary:canary: v2\n  canary:weight: 25\n  canary:generation: 3";
const HOME = ["Ingress shop-canary", "Service shop-canary"];
const RECORDED = ["stable v1 canary v2 withdrawn previous none weight 0", "stable v1 canary none previous none weight 0"];
const deaf = (): never => {
  throw new Error("connection refused");
};
const conflict = (): never => {
  throw new UpdateFailedError("pulumi up (weight 0) failed: conflict");
};
const home = ({ context }: Scene, rest: { neverServed?: boolean; config?: object } = {}) => {
  const config = context.file.read();
  return revert({ context, config: { ...config, rollout: { ...config.rollout, ...rest.config } }, reason: "too many errors", ...(rest.neverServed ? { neverServed: true } : {}) });
};

describe("a revert", () => {
  const waits = hurried();

  it("patches the live objects, records the canary as withdrawn, and removes its pods last", async () => {
    const s = scene(AT_25);
    expect(await home(s)).to.deep.equal({ type: "done" });
    expect([...s.patches].sort()).to.deep.equal(HOME);
    expect(s.ups).to.deep.equal(RECORDED);
  });

  it("is patched before any update is run", async () => {
    const s = scene(AT_25, { up: (_, __, live) => void expect(live).to.deep.equal({ weight: "0", canary: "shop-v1", stable: "shop-v1" }) });
    expect(await home(s)).to.deep.equal({ type: "done" });
  });

  it("takes both steps also at weight 0, because a revert that was interrupted may have written it", async () => {
    const s = scene(AT_25.replace("25", "0"));
    await home(s);
    expect(s.patches).to.have.length(2);
    expect(s.ups).to.deep.equal(RECORDED);
  });

  it("keeps the overrides of a version that it withdraws", async () => {
    const s = scene("  canary:stable: v1\n  canary:canary: {version: v2, env: {A: b}}\n  canary:weight: 25", {
      up: (n) => void (n === 0 && expect(s.file.version("canary")).to.deep.equal({ version: "v2", env: { A: "b" }, withdrawn: true })),
    });
    expect(await home(s)).to.deep.equal({ type: "done" });
  });

  it("removes a canary that never got traffic in one update and patches nothing", async () => {
    const s = scene(AT_25.replace("25", "0"));
    await home(s, { neverServed: true });
    expect(s.patches).to.deep.equal([]);
    expect(s.ups).to.deep.equal([RECORDED[1]]);
  });

  it("does nothing where the canary was never started", async () => {
    const s = scene("  canary:stable: v1");
    expect(await home(s, { neverServed: true })).to.deep.equal({ type: "done" });
    expect(s.ups.concat(s.patches)).to.deep.equal([]);
  });

  it("removes the pods of a start that was cancelled, although the stack file knows nothing of it", async () => {
    const s = scene("  canary:stable: v1", { up: (n, signal) => (n === 0 ? untilCancelled(signal) : undefined) });
    const start = rejection(s.context.updates.run({ message: "start v2", lockWaitSeconds: 0, note: () => undefined }));
    await s.context.updates.cancel();
    await start;
    expect(await home(s, { neverServed: true })).to.deep.equal({ type: "done" });
    expect(s.ups).to.deep.equal([RECORDED[1]]);
  });

  it("runs an update where the file has no canary any more, because the driver that removed it may have died before the stack did", async () => {
    const s = scene("  canary:stable: v1\n  canary:generation: 5");
    expect(await home(s)).to.deep.equal({ type: "done" });
    expect(s.ups).to.deep.equal([RECORDED[1]]);
  });

  it("removes the canary's pods only when the configured delay after the traffic is over", async () => {
    const s = scene(AT_25);
    await home(s, { config: { scaleDownDelaySeconds: 90 } });
    expect(waits).to.include(90_000);
    expect(s.ups).to.deep.equal(RECORDED);
  });

  it("leaves the canary's pods to others when the Lease is lost in that delay", async () => {
    const s = scene(AT_25, { up: (n) => void (n === 0 && s.interrupt(new LeaseLostError("ci works on this stack."))) });
    const event = await home(s);
    expect(event).to.deep.equal({ type: "hold", home: true, reason: "Traffic is home, and the canary's pods are left to others. (The Lease of this rollout is lost: ci works on this stack.)" });
    expect(s.ups).to.deep.equal([RECORDED[0]]);
  });

  it("goes on to the update when the live objects cannot be patched", async () => {
    const s = scene(AT_25, { patch: deaf });
    expect(await home(s)).to.deep.equal({ type: "done" });
    expect(s.messages.find((m) => m.includes("could not be patched"))).to.equal("The live objects could not be patched: shop: connection refused. pulumi up sends the traffic home instead.");
    expect(s.ups).to.deep.equal(RECORDED);
  });

  it("says that traffic is home when only the record fails, and leaves that record in the file", async () => {
    const s = scene(`${AT_25}\n  canary:rollout: {lockWait: 0s}`, { up: () => { throw new BusyError("The stack is locked."); } });
    expect(await home(s)).to.deep.equal({ type: "hold", home: true, reason: "Traffic is home, but the stack does not know it yet: end it with `canary rollback`. (The stack is locked.)" });
    expect(s.file.read()).to.deep.include({ weight: 0, canary: { version: "v2", withdrawn: true } });
  });

  it("removes a canary that cannot be updated any more, because its pods crash", async () => {
    const s = scene(AT_25, { up: (n) => (n === 0 ? conflict() : undefined) });
    expect(await home(s)).to.deep.equal({ type: "done" });
    expect(s.ups).to.deep.equal([RECORDED[1]]);
  });

  it("says that traffic is home also when the update alone sent it there and the removal fails", async () => {
    const s = scene(AT_25, { patch: deaf, up: (n) => (n > 0 ? conflict() : undefined) });
    expect(await home(s)).to.include({ type: "hold" }).and.to.have.property("reason").that.matches(/^Traffic is home/);
  });

  it("fails when neither the patch nor the update succeeds", async () => {
    const s = scene(AT_25, { up: conflict, patch: deaf });
    expect(await rejection(home(s))).to.be.instanceOf(UpdateFailedError);
  });

  it("works when the stack file cannot be understood any more, and says what is left to do", async () => {
    const s = scene(AT_25);
    const reverting = s.context.file.read();
    require("node:fs").writeFileSync(s.file.path, "config: [");
    const event = await revert({ context: s.context, config: reverting, reason: "errors" });
    expect(s.patches).to.have.length(2);
    expect(event).to.have.property("reason").that.matches(/^Traffic is home, but the stack does not know it yet/);
  });

  it("runs to its end after the signal that interrupted the driver", async () => {
    const s = scene(AT_25);
    s.interrupt(new InterruptedError("SIGINT"));
    expect(await home(s)).to.deep.equal({ type: "done" });
    expect(s.ups).to.deep.equal(RECORDED);
  });

  it("waits for no record that cannot be written, and the ledger tells of it at the end", async () => {
    const s = scene(AT_25, { record: () => { throw new Error("HTTP-Code: 503\nBody: …"); } });
    expect(await home(s)).to.deep.equal({ type: "done" });
    expect(s.ups).to.deep.equal(RECORDED);
    await s.context.ledger.settled();
    expect(s.context.ledger.trouble).to.equal("HTTP-Code: 503");
  });

  it("waits for no record whose writes never end", async () => {
    const s = scene(AT_25);
    s.store.book = { ...s.store.book };
    Object.assign(s.store, { update: () => new Promise(() => undefined) });
    expect(await home(s)).to.deep.equal({ type: "done" });
    expect(s.ups).to.deep.equal(RECORDED);
  });
});

describe("a revert while an update of ours raises the weight", () => {
  hurried();
  const raising = ({ context }: Scene): Promise<Error | undefined> => rejection(context.updates.run({ message: "weight 50", lockWaitSeconds: 0, note: () => undefined }));

  it("patches first, cancels the update then, and records when it has gone", async () => {
    const order: string[] = [];
    const s = scene(AT_25, {
      patch: () => void order.push("patch"),
      up: async (n, signal) => {
        if (n > 0) return void order.push("record");
        await untilCancelled(signal).finally(() => order.push("gone"));
      },
    });
    const update = raising(s);
    await new Promise((resolve) => setImmediate(resolve));
    expect(await home(s)).to.deep.equal({ type: "done" });
    expect(order).to.deep.equal(["patch", "patch", "gone", "record", "record"]);
    expect((await update)?.message).to.include("cancelled");
  });

  it("patches again what the update still wrote after the first patch, and does not wait for its end with that", async () => {
    let end = (): void => undefined;
    const patched: string[] = [];
    const s = scene(AT_25, {
      patch: () => {
        patched.push("patch");
        // The update ends only when the users are home for the second time.
        if (patched.length === 4) end();
      },
      up: async (n, signal, live) => {
        if (n > 0) return;
        const cancelled = rejection(untilCancelled(signal));
        await cancelled;
        Object.assign(live, { weight: "50", canary: "shop-v2" });
        await new Promise<void>((resolve) => (end = resolve));
        throw (await cancelled)!;
      },
    });
    const update = raising(s);
    await new Promise((resolve) => setImmediate(resolve));
    expect(await home(s)).to.deep.equal({ type: "done" });
    expect(patched.length).to.be.at.least(4);
    expect(s.live).to.deep.equal({ weight: "0", canary: "shop-v1", stable: "shop-v1" });
    await update;
  });

  it("patches again what the update wrote with its last breath", async () => {
    const s = scene(AT_25, {
      up: async (n, signal, live) => {
        if (n > 0) return void expect(live.weight).to.equal("0");
        await untilCancelled(signal).finally(() => Object.assign(live, { weight: "50", canary: "shop-v2" }));
      },
    });
    const update = raising(s);
    await new Promise((resolve) => setImmediate(resolve));
    expect(await home(s)).to.deep.equal({ type: "done" });
    expect(s.patches).to.have.length(4);
    await update;
  });

  it("goes on where the live objects cannot be read", async () => {
    const s = scene(AT_25);
    const core = (await s.context.cluster()).core as unknown as { readNamespacedService: unknown };
    const read = core.readNamespacedService;
    let reads = 0;
    core.readNamespacedService = async (request: object) => (reads++ === 0 ? (read as (r: object) => Promise<object>)(request) : deaf());
    expect(await home(s)).to.deep.equal({ type: "done" });
    expect(s.ups).to.deep.equal(RECORDED);
  });
});
