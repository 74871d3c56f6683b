import { expect } from "chai";
import { BusyError, FleetError, InterruptedError, LeaseLostError, RequestedError, UpdateCancelledError, UpdateFailedError, UsageError } from "../../../driver/errors";
import { UnwrittenError } from "../../../driver/record/ledger";
import { failureEvent, sentence } from "../../../driver/rollout/failures";
import type { Step } from "../../../driver/rollout/machine";

const quiet = new AbortController().signal;
const stopped = (reason: Error): AbortSignal => AbortSignal.abort(reason);
const observing = { phase: "observing", stage: 0 } as Step;
const event = (error: Error, { step = observing, signal = quiet, onInterrupt = "revert" as "revert" | "hold" } = {}) => failureEvent(step, error, signal, onInterrupt);

describe("what breaks into a rollout", () => {
  it("sends it home: a failed update, a stack file that somebody made wrong, a bug of ours", () => {
    for (const error of [new UpdateFailedError("pulumi up failed: conflict"), new UsageError("canary:weight is 250."), new TypeError("x is undefined")])
      expect(event(error)).to.deep.equal({ type: "failed", why: "update", reason: sentence(error.message) });
  });

  it("holds it when it says nothing of the canary: a locked stack, a Lease that is lost, a record that cannot be written", () => {
    for (const error of [new BusyError("The stack is locked."), new LeaseLostError("ci works on this stack."), new UnwrittenError("The rollout record cannot be written (403).")])
      expect(event(error)).to.deep.equal({ type: "hold", reason: error.message });
  });

  it("reverts or holds it at a signal, as the config says", () => {
    const signal = stopped(new InterruptedError("SIGTERM"));
    expect(event(new Error("aborted"), { signal })).to.deep.equal({ type: "failed", why: "interrupt", reason: "Interrupted by SIGTERM." });
    expect(event(new Error("aborted"), { signal, onInterrupt: "hold" })).to.deep.equal({ type: "hold", reason: "Interrupted by SIGTERM.", interrupted: true });
  });

  it("does what others ask of it, whatever the config says of signals", () => {
    for (const verb of ["hold", "rollback"] as const) {
      const asked = event(new Error("aborted"), { signal: stopped(new RequestedError(verb, "ann", "looks slow")), onInterrupt: "hold" });
      const reason = `${verb === "hold" ? "Hold" : "Rollback"} asked for by ann (looks slow).`;
      expect(asked).to.deep.equal(verb === "hold" ? { type: "hold", reason } : { type: "failed", why: "manual", reason });
      const other = event(new Error("aborted"), { signal: stopped(new FleetError(verb, "eu")) });
      expect(other).to.include(verb === "hold" ? { type: "hold" } : { type: "failed", why: "fleet" });
    }
  });

  it("counts the stop before what the stop made fail", () => {
    expect(event(new UpdateCancelledError("pulumi up was cancelled."), { signal: stopped(new InterruptedError("SIGINT")) })).to.include({ why: "interrupt" });
    // An abort of something else is no stop.
    expect(event(new UpdateFailedError("conflict"), { signal: stopped(new Error("a timeout")) })).to.include({ why: "update", reason: "conflict." });
  });

  it("never sends a promotion home that has begun to move the stable Service, and says how it is ended", () => {
    for (const step of ["move", "close"] as const)
      for (const signal of [quiet, stopped(new InterruptedError("SIGINT")), stopped(new RequestedError("rollback", "ann"))])
        expect(event(new UpdateFailedError("conflict"), { step: { phase: "promoting", step }, signal })).to.deep.equal({
          type: "hold", reason: `The promotion stopped half way and all traffic is on the new version: end it with \`canary promote\`. (${signal.aborted ? (signal.reason as Error).message : "conflict."})`,
        });
    expect(event(new UpdateFailedError("conflict"), { step: { phase: "promoting", step: "full" } })).to.include({ type: "failed" });
  });

  it("holds a revert that failed and says what may still be served, also after a signal", () => {
    const step: Step = { phase: "reverting", why: "verdict", reason: "errors", neverServed: false };
    for (const signal of [quiet, stopped(new InterruptedError("SIGINT"))])
      expect(event(new UpdateFailedError("conflict"), { step, signal })).to.deep.equal({ type: "hold", reason: "It could not be reverted and may still be served: run `canary rollback`. (conflict)" });
  });
});

describe("a sentence", () => {
  it("gets a full stop where it has none", () => {
    expect(["a", "a.", "a!", "a?", "a (b.)", "a (b)"].map(sentence)).to.deep.equal(["a.", "a.", "a!", "a?", "a (b.)", "a (b)."]);
  });
});
