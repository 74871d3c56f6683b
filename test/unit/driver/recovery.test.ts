import { expect } from "chai";
import { PHASES, type RecordedRollout } from "../../../components/record/format";
import type { Step } from "../../../driver/rollout/machine";
import { resumePoint, withFile } from "../../../driver/rollout/recovery";

const rollout = (change: Partial<RecordedRollout>): RecordedRollout =>
  ({ id: "v2-1", version: "v2", from: "v1", phase: "observing", stages: [5, 25, 50], weight: 25, startedAt: "", since: "", ...change });
const GUARD = { by: "guard/shop-1", at: "2026-01-01T00:00:00Z" };

describe("a rollout whose driver died", () => {
  const table: readonly (readonly [string, Partial<RecordedRollout>, Step])[] = [
    ["starts again when it was starting", { phase: "starting" }, { phase: "starting" }],
    ["starts again when it was shown by its header", { phase: "preview" }, { phase: "starting" }],
    ["raises to its stage again when it was raising", { phase: "raising", stage: 1 }, { phase: "raising", stage: 1 }],
    ["raises to its stage again when it was observing, because the evidence is lost", { phase: "observing", stage: 2 }, { phase: "raising", stage: 2 }],
    ["observes its last stage again when somebody was being asked", { phase: "asking", stage: 2 }, { phase: "raising", stage: 2 }],
    ["observes the stage again after which somebody was being asked about the next, who is asked again then", { phase: "asking", stage: 0 }, { phase: "raising", stage: 0 }],
    ["starts again when somebody was being asked before the first stage", { phase: "asking" }, { phase: "starting" }],
    ["observes its last stage again when its weight was on the way to 100", { phase: "promoting", step: "full", stage: 2 }, { phase: "raising", stage: 2 }],
    ["goes on promoting when the stable Service was being moved", { phase: "promoting", step: "move" }, { phase: "promoting", step: "move" }],
    ["goes on promoting when the rollout was being closed", { phase: "promoting", step: "close" }, { phase: "promoting", step: "close" }],
    ["goes on going home for the reason it had", { phase: "reverting", reason: "errors" }, { phase: "reverting", why: "verdict", reason: "errors", neverServed: false }],
    ["goes on going home without a reason too", { phase: "reverting" }, { phase: "reverting", why: "verdict", reason: "its driver died while it went home", neverServed: false }],
    ["goes on with its stage when it was held", { phase: "held", stage: 1 }, { phase: "raising", stage: 1 }],
    ["starts again when it was held before the first stage", { phase: "held" }, { phase: "starting" }],
    ["goes on promoting when it was held half way", { phase: "held", step: "close" }, { phase: "promoting", step: "close" }],
  ];
  for (const [sentence, recorded, step] of table) it(sentence, () => expect(resumePoint(rollout(recorded))).to.deep.equal(step));

  it("has somewhere to go on from every phase", () => expect([...new Set(table.map(([, { phase }]) => phase))].sort()).to.deep.equal([...PHASES].sort()));

  it("is reverted wherever it was when somebody has sent its traffic home meanwhile", () => {
    for (const phase of PHASES)
      expect(resumePoint(rollout({ phase, stage: 1, sentHome: GUARD })), phase).to.deep.equal({ phase: "reverting", why: "guard", reason: "guard/shop-1 sent the traffic home: no reason is recorded", neverServed: false });
  });

  it("is not reverted when it is half promoted, whoever has sent traffic home", () => {
    for (const step of ["move", "close"] as const)
      for (const phase of ["promoting", "held"] as const) expect(resumePoint(rollout({ phase, step, sentHome: GUARD }))).to.deep.equal({ phase: "promoting", step });
  });
});

describe("a rollout that the record and the stack file know", () => {
  const spec = (version: string) => ({ version, withdrawn: false });

  it("is half promoted when the file says so, because the record may not have been written", () => {
    const known = withFile(rollout({ phase: "promoting", step: "full" }), { stable: spec("v2"), canary: spec("v2") });
    expect(resumePoint(known)).to.deep.equal({ phase: "promoting", step: "move" });
    expect(withFile(rollout({ phase: "promoting", step: "close" }), { stable: spec("v2"), canary: spec("v2") }).step).to.equal("close");
  });

  it("is what the record says otherwise", () => {
    const recorded = rollout({ stage: 1 });
    expect(withFile(recorded, { stable: spec("v1"), canary: spec("v2") })).to.equal(recorded);
    expect(withFile(recorded, { stable: spec("v1") })).to.equal(recorded);
  });
});
