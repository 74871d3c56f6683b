import { expect } from "chai";
import * as fc from "fast-check";
import { PHASES, PROMOTION_STEPS, type Phase } from "../../../components/record/format";
import { IllegalTransitionError, next, TRANSITIONS, type Plan, type Step, type StepEvent } from "../../../driver/rollout/machine";

const PLAN: Plan = { stages: 2, preview: false, experiment: false, asksBefore: [] };
const EVENTS: { readonly [T in StepEvent["type"]]: Extract<StepEvent, { type: T }> } = {
  done: { type: "done" },
  approved: { type: "approved" },
  resumed: { type: "resumed" },
  failed: { type: "failed", why: "verdict", reason: "errors" },
  hold: { type: "hold", reason: "too few requests" },
};
const TYPES = Object.keys(EVENTS) as StepEvent["type"][];
const home = { phase: "reverting", why: "verdict", reason: "errors" } as const;
const heldAt = (rest: object): object => ({ phase: "held", reason: "too few requests", ...rest });

/** Every step there is, one for each shape. */
const STEPS: readonly Step[] = [
  { phase: "starting" }, { phase: "preview" }, { phase: "raising", stage: 0 }, { phase: "raising", stage: 1 }, { phase: "observing", stage: 0 }, { phase: "observing", stage: 1 },
  { phase: "asking" }, { phase: "asking", stage: 0 }, { phase: "asking", stage: 1 }, ...PROMOTION_STEPS.map((step) => ({ phase: "promoting", step }) as const), { ...home, neverServed: false }, { ...home, neverServed: true },
  { phase: "held", reason: "r" }, { phase: "held", reason: "r", stage: 1 }, { phase: "held", reason: "r", step: "move" }, { phase: "held", reason: "r", step: "close" },
];

/** From, event, to; what is not here is refused. */
const TABLE: readonly (readonly [Step, StepEvent["type"], object])[] = [
  [{ phase: "starting" }, "done", { phase: "raising", stage: 0 }],
  [{ phase: "starting" }, "failed", { ...home, neverServed: true }],
  [{ phase: "starting" }, "hold", heldAt({})],
  [{ phase: "preview" }, "done", { phase: "raising", stage: 0 }],
  [{ phase: "preview" }, "failed", { ...home, neverServed: true }],
  [{ phase: "preview" }, "hold", heldAt({})],
  ...([0, 1] as const).flatMap((stage) => [
    [{ phase: "raising", stage }, "done", { phase: "observing", stage }],
    [{ phase: "raising", stage }, "failed", { ...home, neverServed: false }],
    [{ phase: "raising", stage }, "hold", heldAt({ stage })],
    [{ phase: "observing", stage }, "failed", { ...home, neverServed: false }],
    [{ phase: "observing", stage }, "hold", heldAt({ stage })],
  ] as const),
  [{ phase: "observing", stage: 0 }, "done", { phase: "raising", stage: 1 }],
  [{ phase: "observing", stage: 1 }, "done", { phase: "asking", stage: 1 }],
  [{ phase: "asking", stage: 1 }, "approved", { phase: "promoting", step: "full" }],
  [{ phase: "asking", stage: 0 }, "approved", { phase: "raising", stage: 1 }],
  [{ phase: "asking" }, "approved", { phase: "raising", stage: 0 }],
  [{ phase: "asking" }, "failed", { ...home, neverServed: true }],
  [{ phase: "asking" }, "hold", heldAt({})],
  ...([0, 1] as const).flatMap((stage) => [
    [{ phase: "asking", stage }, "failed", { ...home, neverServed: false }],
    [{ phase: "asking", stage }, "hold", heldAt({ stage })],
  ] as const),
  [{ phase: "promoting", step: "full" }, "done", { phase: "promoting", step: "move" }],
  [{ phase: "promoting", step: "full" }, "failed", { ...home, neverServed: false }],
  [{ phase: "promoting", step: "full" }, "hold", heldAt({})],
  [{ phase: "promoting", step: "move" }, "done", { phase: "promoting", step: "close" }],
  [{ phase: "promoting", step: "move" }, "hold", heldAt({ step: "move" })],
  [{ phase: "promoting", step: "close" }, "done", { phase: "ended", outcome: "promoted", reason: "promoted" }],
  [{ phase: "promoting", step: "close" }, "hold", heldAt({ step: "close" })],
  ...([false, true] as const).flatMap((neverServed) => [
    [{ ...home, neverServed }, "done", { phase: "ended", outcome: "rolled-back", reason: "errors", why: "verdict", neverServed }],
    [{ ...home, neverServed }, "hold", heldAt({})],
  ] as const),
  [{ phase: "held", reason: "r" }, "resumed", { phase: "starting" }],
  [{ phase: "held", reason: "r" }, "approved", { phase: "promoting", step: "full" }],
  [{ phase: "held", reason: "r" }, "failed", { ...home, neverServed: false }],
  [{ phase: "held", reason: "r", stage: 1 }, "resumed", { phase: "raising", stage: 1 }],
  [{ phase: "held", reason: "r", stage: 1 }, "approved", { phase: "promoting", step: "full" }],
  [{ phase: "held", reason: "r", stage: 1 }, "failed", { ...home, neverServed: false }],
  ...(["move", "close"] as const).flatMap((step) => [
    [{ phase: "held", reason: "r", step }, "resumed", { phase: "promoting", step }],
    [{ phase: "held", reason: "r", step }, "approved", { phase: "promoting", step }],
  ] as const),
];
const key = (step: Step, event: string): string => `${JSON.stringify(step)} ${event}`;
const wanted = new Map(TABLE.map(([from, event, to]) => [key(from, event), to]));

describe("the rollout's state machine", () => {
  it("answers every phase and event as the table says, and refuses all others", () => {
    for (const from of STEPS)
      for (const type of TYPES) {
        const to = wanted.get(key(from, type));
        if (to) expect(next(from, EVENTS[type], PLAN), key(from, type)).to.deep.equal(to);
        else expect(() => next(from, EVENTS[type], PLAN), key(from, type)).to.throw(IllegalTransitionError, `no answer to "${type}"`);
      }
    expect(wanted.size).to.equal(TABLE.length);
    expect(Object.keys(TRANSITIONS).sort()).to.deep.equal([...PHASES].sort());
    expect([...new Set(STEPS.map((s) => s.phase))].sort()).to.deep.equal([...PHASES].sort());
  });

  it("has no answer once it has ended", () => {
    const ended: Step = { phase: "ended", outcome: "promoted", reason: "promoted" };
    for (const type of TYPES) expect(() => next(ended, EVENTS[type], PLAN)).to.throw(IllegalTransitionError);
  });

  it("shows the canary by its header first where the config asks for it", () => {
    expect(next({ phase: "starting" }, EVENTS.done, { ...PLAN, preview: true })).to.deep.equal({ phase: "preview" });
  });

  it("asks before a stage that wants a yes, and again when it is resumed after a hold there", () => {
    const plan = { ...PLAN, asksBefore: [0, 1] };
    expect(next({ phase: "starting" }, EVENTS.done, plan)).to.deep.equal({ phase: "asking" });
    expect(next({ phase: "preview" }, EVENTS.done, plan)).to.deep.equal({ phase: "asking" });
    const asking = next({ phase: "observing", stage: 0 }, EVENTS.done, plan);
    expect(asking).to.deep.equal({ phase: "asking", stage: 0 });
    const resumed = next(next(asking, EVENTS.hold, plan), EVENTS.resumed, plan);
    expect(resumed).to.deep.equal({ phase: "raising", stage: 0 });
    expect(next(next(resumed, EVENTS.done, plan), EVENTS.done, plan)).to.deep.equal(asking);
  });

  it("goes home after the last stage of an experiment, as measured and not as rolled back", () => {
    const over = next({ phase: "observing", stage: 1 }, EVENTS.done, { ...PLAN, experiment: true });
    expect(over).to.deep.include({ phase: "reverting", why: "measured" });
    expect(next(over, EVENTS.done, PLAN)).to.deep.include({ phase: "ended", outcome: "measured" });
  });

  it("tells a signal's revert from a rollback, and a signal's hold from another hold", () => {
    const home = next({ phase: "observing", stage: 0 }, { type: "failed", why: "interrupt", reason: "Interrupted by SIGINT." }, PLAN);
    expect(next(home, EVENTS.done, PLAN)).to.deep.include({ outcome: "interrupted", why: "interrupt" });
    expect(next({ phase: "observing", stage: 0 }, { type: "hold", reason: "r", interrupted: true }, PLAN)).to.deep.equal({ phase: "held", reason: "r", stage: 0, interrupted: true });
  });

  it("never leads home from a promotion that has begun to move the stable Service, held or not", () => {
    const after = (from: Step, type: StepEvent["type"]): string => {
      try {
        const to = next(from, EVENTS[type], PLAN);
        return to.phase === "ended" ? to.outcome : to.phase;
      } catch (error) {
        if (error instanceof IllegalTransitionError) return "refused";
        throw error;
      }
    };
    for (const step of ["move", "close"] as const)
      for (const from of [{ phase: "promoting", step }, { phase: "held", reason: "r", step }] as const)
        for (const type of TYPES) expect(after(from, type), key(from, type)).to.be.oneOf(["promoting", "held", "promoted", "refused"]);
  });
});

const plans: fc.Arbitrary<Plan> = fc.record({ stages: fc.integer({ min: 1, max: 5 }), preview: fc.boolean(), experiment: fc.boolean(), asksBefore: fc.uniqueArray(fc.integer({ min: 0, max: 4 })) });
const events = fc.array(fc.record({ type: fc.constantFrom(...TYPES), why: fc.constantFrom("verdict", "split", "interrupt", "manual", "guard"), interrupted: fc.boolean() }), { maxLength: 60 });

/** The steps that a list of events leads through; what a step has no answer to does not happen in it. */
function walk(plan: Plan, list: readonly { readonly type: StepEvent["type"]; readonly why: string; readonly interrupted: boolean }[]): { readonly step: Step; readonly by?: StepEvent }[] {
  const path: { step: Step; by?: StepEvent }[] = [{ step: { phase: "starting" } }];
  for (const { type, why, interrupted } of list) {
    const event = { ...EVENTS[type], ...(type === "failed" ? { why } : {}), ...(type === "hold" && interrupted ? { interrupted } : {}) } as StepEvent;
    try {
      path.push({ step: next(path.at(-1)!.step, event, plan), by: event });
    } catch (error) {
      if (!(error instanceof IllegalTransitionError)) throw error;
    }
  }
  return path;
}

describe("any path through the state machine", () => {
  it("promotes only what was approved when it was asked for, or by a person while it was held", () => {
    fc.assert(fc.property(plans, events, (plan, list) => {
      const path = walk(plan, list);
      path.forEach(({ step, by }, i) => {
        const before = path[i - 1]?.step;
        if (step.phase !== "promoting" || before?.phase === "promoting") return;
        // Going on with one that was held half way is the second half of what was approved before.
        const goesOn = before?.phase === "held" && before.step !== undefined && by?.type === "resumed";
        expect(goesOn || (by?.type === "approved" && (before?.phase === "asking" || before?.phase === "held")), JSON.stringify(path)).to.equal(true);
      });
    }), { numRuns: 500 });
  });

  it("observes every stage in its order before it asks, unless it is held", () => {
    fc.assert(fc.property(plans, events, (plan, list) => {
      const path = walk(plan, list);
      const asked = path.findIndex(({ step }) => step.phase === "asking" && step.stage === plan.stages - 1);
      if (asked < 0 || path.slice(0, asked).some(({ step }) => step.phase === "held")) return;
      expect(path.slice(0, asked).flatMap(({ step }) => (step.phase === "observing" ? [step.stage] : []))).to.deep.equal([...Array(plan.stages).keys()]);
      expect(plan.experiment).to.equal(false);
    }), { numRuns: 500 });
  });

  it("raises to a stage that wants a yes only with one, or where a driver goes on that had it", () => {
    fc.assert(fc.property(plans, events, (plan, list) => {
      const path = walk(plan, list);
      path.forEach(({ step, by }, i) => {
        const before = path[i - 1]?.step;
        if (step.phase !== "raising" || !plan.asksBefore.includes(step.stage) || before?.phase === "held") return;
        expect(by?.type === "approved" && before?.phase === "asking", JSON.stringify(path)).to.equal(true);
      });
    }), { numRuns: 500 });
  });

  it("never goes home after it has moved the stable Service", () => {
    fc.assert(fc.property(plans, events, (plan, list) => {
      const path = walk(plan, list);
      const moved = path.findIndex(({ step }) => step.phase === "promoting" && step.step === "move");
      if (moved >= 0) expect(path.slice(moved).map(({ step }) => step.phase)).not.to.include.members(["reverting"]);
    }), { numRuns: 500 });
  });

  it("can be ended from wherever it is, and a held one by a person", () => {
    const onward: Record<Phase, StepEvent["type"]> = { starting: "failed", preview: "failed", raising: "failed", observing: "failed", asking: "failed", promoting: "done", reverting: "done", held: "approved" };
    fc.assert(fc.property(plans, events, (plan, list) => {
      let { step } = walk(plan, list).at(-1)!;
      for (let i = 0; step.phase !== "ended"; i++) {
        expect(i).to.be.lessThan(5);
        step = next(step, EVENTS[onward[step.phase]], plan);
      }
    }), { numRuns: 500 });
  });
});
