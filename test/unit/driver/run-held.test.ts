import * as fs from "node:fs";
import { expect } from "chai";
import { BusyError, EXIT, InterruptedError, UpdateFailedError } from "../../../driver/errors";
import type { Book } from "../../../driver/record/store";
import { wasGoingHome } from "../../../driver/rollout/foreign";
import { run } from "../../../driver/rollout/run";
import { hurried } from "./fakes";
import { AT, atStage, HOME, rolling, STABLE, START, type Rolling } from "./run-fakes";

const refusedFrom = (phase: string) => (book: Book): void => {
  if (book.record?.rollout?.phase === phase) throw new Error("HTTP-Code: 503\nBody: …");
};

describe("a rollout that is held", () => {
  hurried();

  it("stays where the gates could not decide, and nobody's weight is touched", async () => {
    const s = await rolling(STABLE());
    s.says("hold", "Not decided within 1h.");
    expect(await s.run()).to.deep.equal({ outcome: "held", exitCode: EXIT.held, message: "v2 is held at weight 5: Not decided within 1h. Nobody watches it now, unless a guard does. Go on with `canary resume`, `canary promote` or `canary rollback`." });
    expect(s.ups).to.deep.equal([START, AT(5)]);
    expect(s.store.book.record!.rollout).to.deep.include({ phase: "held", stage: 0, weight: 5, reason: "Not decided within 1h." });
    expect(s.store.book.history).to.deep.equal([]);
  });

  it("is lowered to 0 before the driver leaves, where the config says so, and is recorded so", async () => {
    const s = await rolling(STABLE("onHold: lower"));
    s.says("hold", "Not decided within 1h.");
    expect((await s.run()).message).to.match(/^v2 is held at weight 0: Not decided within 1h\. Go on with/);
    expect(s.ups.at(-1)).to.equal(AT(0));
    expect(s.store.book.record!.rollout).to.deep.include({ phase: "held", stage: 0, weight: 0 });
  });

  it("waits for a person after the last stage, by config or where nobody answers", async () => {
    const byConfig = await rolling(STABLE("autoPromote: false"));
    expect((await byConfig.run()).message).to.match(/^v2 is held at weight 50: It passed every stage, and canary:rollout.autoPromote is false\./);
    const silent = await rolling(STABLE(), { confirm: async () => false });
    expect((await silent.run()).message).to.match(/^v2 is held at weight 50: It passed every stage, and nobody said yes/);
    expect(silent.ups.at(-1)).to.equal(AT(50));
  });

  it("keeps the canary's pods where the router is told to go home and goes on as before, and says what to do", async () => {
    const s = await rolling(STABLE(), { served: () => 5 });
    const ending = await s.run();
    expect(ending).to.include({ outcome: "held", exitCode: EXIT.held });
    expect(ending.message).to.equal("v2 is held: The router was told to send all traffic home and does not: shop: the router sent 50 of 1000 requests (5.0 %) to the canary at weight 0. The canary's pods are kept, because it would send requests to nobody: see whether it still hears the API server, restart it, then end this with `canary rollback`. It goes home because of this: The weight is not what is served: shop: the router sent 50 of 1000 requests (5.0 %) to the canary at weight 50 after 0.5 s; no pod behind Service shop-canary is ready.");
    expect(s.live).to.include({ weight: "0", canary: "shop-v1" });
    expect(s.ups.at(-1)).to.equal(HOME[0]);
    expect(s.store.book.record!.rollout).to.include({ phase: "held", weight: 0 });
  });

  it("keeps them also with the next rollback, whatever the file says by then, unless a person insists", async () => {
    const s = await rolling(STABLE(), { served: () => 5 });
    await s.run();
    const home = { phase: "reverting", why: "manual", reason: "by hand", neverServed: false } as const;
    expect((await s.run(home)).message).to.match(/^v2 is held: The router was told to send all traffic home and does not/);
    expect(s.ups.at(-1)).to.equal(HOME[0]);
    expect(await run({ ...s.rollout, insisted: true }, home)).to.include({ outcome: "rolled-back" });
    expect(s.ups.at(-1)).to.equal(HOME[1]);
  });

  it("is gone on with on its way home, where it was resumed instead", async () => {
    const s = await rolling(STABLE(), { served: () => 5 });
    await s.run();
    expect(await wasGoingHome(s.context, s.file.read())).to.match(/^The weight is not what is served: shop: the router sent 50 of 1000/);
  });

  it("is none where a few requests name the canary by its header after it has gone home", async () => {
    const s = await rolling(STABLE(), { ...atStage(1, (r) => r.says("rollback", "errors: 20 % failed.")), served: (live) => (live.canary === live.stable ? 1 : Number(live.weight)) });
    expect(await s.run()).to.include({ outcome: "rolled-back", message: "v2 is rolled back: errors: 20 % failed." });
    expect(s.ups.slice(-2)).to.deep.equal(HOME);
    expect(s.messages.some((m) => m.startsWith("The stack says all traffic is home, but the counters do not confirm it: shop: the router sent 10 of 1000"))).to.equal(true);
  });

  it("is not promoted by a yes that came too late: every gate is asked again after it", async () => {
    const s = await rolling(STABLE(), { confirm: async () => (s.says("rollback", "errors: 20 % failed."), true) });
    expect(await s.run()).to.include({ exitCode: EXIT.rolledBack, message: "v2 is rolled back: errors: 20 % failed." });
  });

  it("goes home while somebody still thinks about the question", async () => {
    let asked = 0;
    const s = await rolling(STABLE(), { confirm: (_, signal) => new Promise((resolve) => {
      asked++;
      s.says("rollback", "errors: 20 % failed.");
      signal.addEventListener("abort", () => resolve(true));
    }) });
    expect((await s.run()).exitCode).to.equal(EXIT.rolledBack);
    expect(asked).to.equal(1);
  });

  it("is not raised over an operator's patch of the live weight, which is named", async () => {
    const s = await rolling(STABLE(), atStage(1, (r) => Object.assign(r.live, { weight: "0" })));
    expect((await s.run()).message).to.match(/^v2 is held at weight 5: The weight is not raised to 50, because the live weight of Ingress shop-canary is 0 where this rollout left 5\. /);
    expect(s.ups.at(-1)).to.equal(AT(5));
    expect(s.store.book.record!.rollout).to.include({ phase: "held", weight: 5 });
  });

  it("is not raised over another revision behind the canary Service, nor over an edited stack file", async () => {
    const moved = await rolling(STABLE(), atStage(1, (r) => Object.assign(r.live, { canary: "shop-v1" })));
    expect((await moved.run()).message).to.include("the live Service shop-canary selects shop-v1 where this rollout left shop-v2");
    const edited = await rolling(STABLE(), atStage(1, (r) => fs.writeFileSync(r.file.path, fs.readFileSync(r.file.path, "utf8").replace("weight: 5\n", "weight: 6\n"))));
    const { message } = await edited.run();
    expect(message).to.match(/the live weight of Ingress shop-canary is 5 where this rollout left 6|was edited during the rollout/);
  });

  it("is held, not ended as a bug, when the stack file cannot be understood any more", async () => {
    const s = await rolling(STABLE(), atStage(1, (r) => fs.writeFileSync(r.file.path, "config: [")));
    const ending = await s.run();
    expect(ending).to.include({ outcome: "held", exitCode: EXIT.held });
    expect(ending.message).to.match(/^v2 is held at weight 50?: The weight is not raised to 50, because nobody knows whether somebody else changed it \(Pulumi\.dev\.yaml: the stack file is no valid YAML/);
    expect(s.live.weight).to.equal("5");
  });

  it("is held when the stack stays locked, and file and record say what is deployed", async () => {
    const s = await rolling(STABLE(), { up: (n) => { if (n === 2) throw new BusyError("The stack is locked."); } });
    expect((await s.run()).message).to.match(/^v2 is held at weight 5: The stack is locked\./);
    expect(s.file.read().weight).to.equal(5);
    expect(s.store.book.record).to.deep.include({ keys: { stable: "v1", canary: "v2", weight: 5 }, generation: s.file.read().generation });
    expect(s.store.book.record!.rollout!.weight).to.equal(5);
  });

  it("is held half way when its promotion cannot be ended, and nothing leads home", async () => {
    for (const [n, step] of [[4, "move"], [5, "close"]] as const) {
      const s = await rolling(STABLE(), { up: (i) => { if (i === n) throw new UpdateFailedError("pulumi up failed: conflict"); } });
      const ending = await s.run();
      expect(ending.exitCode).to.equal(EXIT.held);
      expect(ending.message).to.equal("v2 is promoted half way: The promotion stopped half way and all traffic is on the new version: end it with `canary promote`. (pulumi up failed: conflict.)");
      expect(s.store.book.record!.rollout).to.include({ phase: "held", step });
      expect(s.patches).to.deep.equal([]);
      // A second try ends it.
      const again = await s.run({ phase: "promoting", step });
      expect(again.outcome).to.equal("promoted");
      expect(s.ups.at(-1)).to.equal("stable v2 canary none previous v1 weight 0");
    }
  });

  it("says that it may still be served when nothing could send it home", async () => {
    const s = await rolling(STABLE(), {
      patch: () => { throw new Error("connection refused"); },
      up: (n) => { if (n > 1) throw new UpdateFailedError("pulumi up failed: conflict"); },
    });
    const ending = await s.run();
    expect(ending.exitCode).to.equal(EXIT.held);
    expect(ending.message).to.include("It could not be reverted and may still be served: run `canary rollback`.");
  });
});

describe("a rollout whose record cannot be written", () => {
  hurried();

  it("is held before a raise, and nothing is raised", async () => {
    const s = await rolling(STABLE(), { record: refusedFrom("raising") });
    const ending = await s.run();
    expect(ending.exitCode).to.equal(EXIT.held);
    expect(ending.message).to.include("The rollout record cannot be written (HTTP-Code: 503).");
    expect(s.ups).to.deep.equal([START]);
    expect(s.patches).to.deep.equal([]);
  });

  it("is watched where it is served already: held before the next raise when it is well, home when it is not", async () => {
    const awayFrom = (phase: string) => {
      let away = false;
      return (book: Book): void => {
        away ||= book.record?.rollout?.phase === phase;
        if (away) throw new Error("HTTP-Code: 503");
      };
    };
    const well = await rolling(STABLE(), { record: awayFrom("observing") });
    expect((await well.run()).message).to.match(/^v2 is held at weight 5: The rollout record cannot be written \(HTTP-Code: 503\)\./);
    expect(well.ups).to.deep.equal([START, AT(5)]);
    let ill!: Rolling;
    const record = awayFrom("observing");
    ill = await rolling(STABLE(), { record: (book) => {
      if (book.record?.rollout?.phase === "observing") ill.says("rollback", "errors: 20 % failed.");
      record(book);
    } });
    expect((await ill.run()).message).to.match(/^v2 is rolled back: errors: 20 % failed\..*The rollout record could not be written \(HTTP-Code: 503\)\./);
    expect(ill.ups.slice(-2)).to.deep.equal(HOME);
  });

  it("is held when only the new weight could not be told beforehand", async () => {
    const s = await rolling(STABLE(), { record: (book) => { if (book.record?.keys.weight === 50) throw new Error("HTTP-Code: 503"); } });
    expect((await s.run()).message).to.match(/^v2 is held at weight 5: The rollout record cannot be written \(HTTP-Code: 503\)\./);
    expect(s.file.read().weight).to.equal(5);
    expect(s.ups).to.deep.equal([START, AT(5)]);
  });

  it("goes home all the same, without waiting for it, and says so at the end", async () => {
    let away = false;
    const s = await rolling(STABLE(), {
      ...atStage(1, (r) => {
        away = true;
        r.says("rollback", "errors: 20 % failed.");
        r.interrupt(new InterruptedError("SIGINT"));
      }),
      record: () => { if (away) throw new Error("HTTP-Code: 503"); },
    });
    expect((await s.run()).message).to.equal("Interrupted by SIGINT. All traffic is back on stable. The rollout record could not be written (HTTP-Code: 503).");
    expect(s.ups.slice(-2)).to.deep.equal(HOME);
  });

  it("is promoted to the end once the stable Service moves", async () => {
    const s = await rolling(STABLE(), { record: (book) => { if (["move", "close"].includes(book.record?.rollout?.step ?? "") || book.history.length > 0) throw new Error("HTTP-Code: 503"); } });
    expect((await s.run()).message).to.match(/^v2 is stable; v1 is kept .*The rollout record could not be written \(HTTP-Code: 503\)\.$/);
    expect(s.ups.at(-1)).to.equal("stable v2 canary none previous v1 weight 0");
  });
});
