import { expect } from "chai";
import { EXIT, InterruptedError, LeaseLostError, RequestedError } from "../../../driver/errors";
import type { Book } from "../../../driver/record/store";
import { hurried, untilCancelled } from "./fakes";
import { AT, atStage, HOME, rolling, STABLE, START } from "./run-fakes";

describe("a rollout that somebody stops", () => {
  hurried();
  const at50 = (reason: Error) => atStage(1, (r) => r.interrupt(reason));

  it("goes home at a signal, exit 130", async () => {
    const s = await rolling(STABLE(), at50(new InterruptedError("SIGTERM")));
    expect(await s.run()).to.deep.equal({ outcome: "interrupted", exitCode: EXIT.interruptedReverted, message: "Interrupted by SIGTERM. All traffic is back on stable." });
    expect(s.ups.slice(-2)).to.deep.equal(HOME);
    expect(s.store.book.rollbacks).to.deep.equal({ interrupt: 1 });
    expect(s.store.book.history.at(-1)).to.include({ outcome: "interrupted" });
  });

  it("stays by config, exit 131", async () => {
    const s = await rolling(STABLE("onInterrupt: hold"), at50(new InterruptedError("SIGTERM")));
    const ending = await s.run();
    expect(ending).to.include({ outcome: "interrupted", exitCode: EXIT.interruptedHeld });
    expect(ending.message).to.match(/^v2 is held at weight 5: Interrupted by SIGTERM\./);
    expect(s.ups).to.deep.equal([START, AT(5)]);
  });

  it("is held at the weight before when a raise was under way, and the state agrees again", async () => {
    const s = await rolling(STABLE("onInterrupt: hold"), {
      up: async (n, signal) => {
        if (n !== 2) return;
        s.interrupt(new InterruptedError("SIGTERM"));
        await untilCancelled(signal);
      },
    });
    expect((await s.run()).message).to.match(/^v2 is held at weight 5: /);
    expect(s.ups).to.deep.equal([START, AT(5), AT(5)]);
    expect(s.store.book.record!.rollout).to.include({ phase: "held", weight: 5 });
    expect(s.store.book.record!.keys.weight).to.equal(5);
  });

  it("leaves no pods behind when its start is interrupted", async () => {
    const s = await rolling(STABLE(), {
      up: async (n, signal) => {
        if (n !== 0) return;
        s.interrupt(new InterruptedError("SIGINT"));
        await untilCancelled(signal);
      },
    });
    expect((await s.run()).exitCode).to.equal(EXIT.interruptedReverted);
    expect(s.ups).to.deep.equal([HOME[1]]);
  });

  it("does what others ask of it", async () => {
    const back = await rolling(STABLE(), at50(new RequestedError("rollback", "ann", "looks slow")));
    expect(await back.run()).to.include({ exitCode: EXIT.rolledBack, message: "v2 is rolled back: Rollback asked for by ann (looks slow)." });
    expect(back.store.book.rollbacks).to.deep.equal({ manual: 1 });
    const stay = await rolling(STABLE(), at50(new RequestedError("hold", "ann")));
    expect((await stay.run()).message).to.match(/^v2 is held at weight 5: Hold asked for by ann\./);
  });

  it("ends a promotion that has begun to move, whatever is asked", async () => {
    const s = await rolling(STABLE(), { up: (n) => void (n === 4 && s.interrupt(new RequestedError("rollback", "ann"))) });
    expect((await s.run()).outcome).to.equal("promoted");
    expect(s.patches).to.deep.equal([]);
  });

  it("changes nothing more when the Lease is lost: no update, no patch, no record", async () => {
    let before: Book | undefined;
    const s = await rolling(STABLE(), atStage(1, (r) => {
      const lost = new LeaseLostError("ci works on this stack.");
      r.context.ledger.lose(lost);
      r.interrupt(lost);
      before = r.store.book;
    }));
    const ending = await s.run();
    expect(ending.exitCode).to.equal(EXIT.held);
    expect(ending.message).to.include("The Lease of this rollout is lost: ci works on this stack.");
    expect(s.store.book).to.equal(before);
    expect(s.ups).to.deep.equal([START, AT(5)]);
    expect(s.patches).to.deep.equal([]);
  });

  it("begins no step without the Lease, not even the way home", async () => {
    const s = await rolling(STABLE());
    s.interrupt(new LeaseLostError("ci works on this stack."));
    for (const step of [{ phase: "starting" }, { phase: "reverting", why: "verdict", reason: "errors", neverServed: false }, { phase: "promoting", step: "move" }] as const)
      expect((await s.run(step)).exitCode).to.equal(EXIT.held);
    expect(s.ups.concat(s.patches)).to.deep.equal([]);
  });
});
