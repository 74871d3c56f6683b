import { expect } from "chai";
import { PHASES, type JournalEntry, type RecordedRollout } from "../../../../components/record/format";
import { decide, QUIET_SECONDS, type Act, type Sight, type Standing } from "../../../../driver/guard/decide";
import { rollout } from "./sights";

const sight = (changes: Partial<Sight> = {}): Sight => ({
  standing: "mine", silence: { of: "x", seconds: 0, heldBy: "ci@runner" }, leaseSeconds: 30, renewDue: false, journal: [], rollout: rollout(), ...changes,
});
const underway = PHASES.filter((phase) => phase !== "held" && phase !== "reverting");
const did = (changes: Partial<Sight>): Act["do"] => decide(sight(changes)).do;
const of = (changes: Partial<RecordedRollout>): Pick<Sight, "rollout"> => ({ rollout: rollout(changes) });
const silent = (seconds: number): Pick<Sight, "silence"> => ({ silence: { of: "x", seconds, heldBy: "ci@runner" } });

describe("what a guard does", () => {
  const table: readonly [string, Partial<Sight>, Act["do"]][] = [
    ["nothing without a rollout", { standing: "free", rollout: undefined }, "nothing"],
    ["frees the Lease it holds when the rollout has ended", { standing: "mine", rollout: undefined }, "release"],
    ["nothing while a driver renews the Lease", { standing: "theirs", ...silent(29) }, "nothing"],
    ["nothing about a held rollout that a driver still watches", { standing: "theirs", ...of({ phase: "held" }) }, "nothing"],
    ["takes over a rollout whose driver let the Lease run out", { standing: "silent", ...silent(31) }, "take"],
    ["takes over a held rollout at once when the Lease is free", { standing: "free", ...of({ phase: "held" }) }, "take"],
    ["leaves a free Lease of a rollout under way to the next driver for as long as a Lease lasts", { standing: "free", ...silent(29) }, "nothing"],
    ["takes a free Lease of a rollout under way that nobody took in that time", { standing: "free", ...silent(30) }, "take"],
    ["waits as long where there is no Lease at all", { standing: "absent", ...silent(29) }, "nothing"],
    ["acts without a Lease where there is none to take", { standing: "absent", ...silent(30) }, "look"],
    ["renews its Lease before anything else", { renewDue: true }, "renew"],
    ["asks where traffic is before it sends it anywhere", {}, "look"],
    ["sends traffic home that is not", { home: false }, "sendHome"],
    ["waits until it has stayed home", { home: QUIET_SECONDS - 0.1 }, "nothing"],
    ["then records it", { home: QUIET_SECONDS }, "record"],
    ["watches a held rollout", of({ phase: "held" }), "watch"],
    ["sends a held canary home whose gates fail", { ...of({ phase: "held" }), failed: { reason: "errors" }, home: false }, "sendHome"],
    ["records that, too", { ...of({ phase: "held" }), failed: { reason: "errors" }, home: 5 }, "record"],
    ["ends what a driver began that died while it reverted", { ...of({ phase: "reverting", reason: "errors" }), home: false }, "sendHome"],
    ["goes on looking after traffic that it has sent home", of({ sentHome: { by: "guard/a", at: "" } }), "look"],
    ["sends it home again when an old update raised it", { ...of({ sentHome: { by: "guard/a", at: "" } }), home: false }, "sendHome"],
    ["and does not record that twice", { ...of({ sentHome: { by: "guard/a", at: "" } }), home: 99 }, "nothing"],
  ];
  for (const [what, seen, act] of table) it(what, () => expect(did(seen)).to.equal(act));

  for (const phase of underway)
    it(`sends a rollout home that stands in "${phase}" without a driver`, () => {
      expect(did({ ...of({ phase, ...(phase === "promoting" ? { step: "full" } : {}) }), home: false })).to.equal("sendHome");
    });

  for (const phase of ["promoting", "held"] as const)
    for (const step of ["move", "close"] as const) {
      it(`never sends a promotion home that is "${phase}" at step ${step}, whatever it sees, and says so once`, () => {
        for (const home of [undefined, false, 0, 99] as const)
          expect(decide(sight({ ...of({ phase, step }), failed: { reason: "errors" }, ...(home === undefined ? {} : { home }) })).do).to.equal("leave");
        const note: JournalEntry = { seq: 1, at: "", rollout: "v2-1", by: "guard/a", kind: "note", step, message: "" };
        expect(did({ ...of({ phase, step }), journal: [note] })).to.equal("nothing");
        expect(did({ ...of({ phase, step }), journal: [{ ...note, rollout: "v1-0" }, { ...note, by: "ci@runner" }] })).to.equal("leave");
      });
    }

  it("touches nothing while the Lease is a driver's, in any phase and whatever is home", () => {
    for (const phase of PHASES)
      for (const home of [undefined, false, 99] as const)
        expect(did({ standing: "theirs", ...of({ phase }), failed: { reason: "errors" }, ...(home === undefined ? {} : { home }) })).to.equal("nothing");
  });

  it("never sends anything home before the Lease is its own, or cannot be anybody's", () => {
    for (const standing of ["theirs", "silent", "free"] as const satisfies readonly Standing[])
      for (const phase of PHASES) expect(did({ standing, ...silent(99), ...of({ phase }), failed: { reason: "errors" }, home: false })).to.be.oneOf(["nothing", "take"]);
  });

  it("says who was not heard of, and not that a guard was", () => {
    const why = (seen: Partial<Sight>) => { const act = decide(sight({ home: false, ...seen })); return "why" in act ? act.why.reason : undefined; };
    expect(why({})).to.equal("ci@runner has not been heard of for 30 s");
    expect(why({ silence: { of: "x", seconds: 0, heldBy: "guard/a" } })).to.equal("its driver has not been heard of for 30 s");
    expect(why(of({ phase: "reverting", reason: "errors: 9 %" }))).to.equal("errors: 9 %");
  });
});
