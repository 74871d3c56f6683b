import type { GateAnswer } from "../../analysis";
import type { Phase, PromotionStep, RollbackReason } from "../../components/record/format";
import { PROMOTION_STEPS } from "../../components/record/format";

/** Why traffic goes home: a rollback, or the end of an experiment. */
export type RevertWhy = RollbackReason | "measured";

/** What a rollout is doing; stages count from 0. */
export type Step =
  | { readonly phase: "starting" }
  | { readonly phase: "preview" }
  | { readonly phase: "raising"; readonly stage: number }
  /** `since`: when its weight was served first, ms since the epoch; by default now. */
  | { readonly phase: "observing"; readonly stage: number; readonly since?: number }
  /** `stage`: the last that has passed; absent before the first. */
  | { readonly phase: "asking"; readonly stage?: number }
  | { readonly phase: "promoting"; readonly step: PromotionStep }
  | { readonly phase: "reverting"; readonly why: RevertWhy; readonly reason: string; readonly neverServed: boolean }
  /** `step`: of the promotion that stopped half way. `interrupted`: by a signal. `home`: all traffic is, and only the stack does not know it. */
  | { readonly phase: "held"; readonly reason: string; readonly stage?: number; readonly step?: PromotionStep; readonly interrupted?: boolean; readonly home?: boolean }
  /** `why` and `neverServed`: of the revert that led there. */
  | { readonly phase: "ended"; readonly outcome: "promoted" | "rolled-back" | "interrupted" | "measured"; readonly reason: string; readonly why?: RevertWhy; readonly neverServed?: boolean };

/** What came of it. */
export type StepEvent =
  | { readonly type: "done"; readonly since?: number }
  | { readonly type: "approved" }
  | { readonly type: "resumed" }
  /** `gates`: of the verdict, where there was one at that instant. */
  | { readonly type: "failed"; readonly why: RollbackReason; readonly reason: string; readonly gates?: readonly GateAnswer[] }
  | { readonly type: "hold"; readonly reason: string; readonly interrupted?: boolean; readonly home?: boolean };

/** What of the config decides the way. */
export interface Plan {
  /** Number of stages, at least 1. */
  readonly stages: number;
  /** The canary is shown by its header before the first stage. */
  readonly preview: boolean;
  /** It only measures: traffic goes home after the last stage. */
  readonly experiment: boolean;
  /** Stages that are not begun before somebody has said yes. The promotion is always asked for. */
  readonly asksBefore: readonly number[];
}

/** A bug of ours: something happened that cannot happen there. */
export class IllegalTransitionError extends Error {
  constructor(step: Step, event: StepEvent) {
    super(`A rollout that is ${step.phase}${"step" in step && step.step ? ` (${step.step})` : ""} has no answer to "${event.type}".`);
  }
}

type From<P extends Step["phase"]> = Extract<Step, { phase: P }>;
type Event<T extends StepEvent["type"]> = Extract<StepEvent, { type: T }>;
type Row<P extends Phase> = { readonly [T in StepEvent["type"]]?: (step: From<P>, event: Event<T>, plan: Plan) => Step | undefined };

const home = (neverServed: boolean) => (_: Step, { why, reason }: Event<"failed">): Step => ({ phase: "reverting", why, reason, neverServed });
const hold = (step: Step, { reason, interrupted, home: isHome }: Event<"hold">): Step => ({
  phase: "held",
  reason,
  ...("stage" in step && step.stage !== undefined ? { stage: step.stage } : {}),
  ...(interrupted ? { interrupted } : {}),
  ...(isHome ? { home: isHome } : {}),
});

/** The way to a stage leads past those who must say yes to it. */
function toStage(stage: number, { asksBefore }: Plan): Step {
  if (!asksBefore.includes(stage)) return { phase: "raising", stage };
  return stage === 0 ? { phase: "asking" } : { phase: "asking", stage: stage - 1 };
}

const firstStage = (_: Step, __: unknown, plan: Plan): Step => toStage(0, plan);

function afterStage({ stage }: From<"observing">, _: unknown, plan: Plan): Step {
  if (stage + 1 < plan.stages) return toStage(stage + 1, plan);
  return plan.experiment ? { phase: "reverting", why: "measured", reason: "the experiment is over", neverServed: false } : { phase: "asking", stage };
}

function approved({ stage = -1 }: From<"asking">, _: unknown, { stages }: Plan): Step {
  return stage + 1 < stages ? { phase: "raising", stage: stage + 1 } : { phase: "promoting", step: "full" };
}

function afterPromotionStep({ step }: From<"promoting">): Step {
  const next = PROMOTION_STEPS[PROMOTION_STEPS.indexOf(step) + 1];
  return next ? { phase: "promoting", step: next } : { phase: "ended", outcome: "promoted", reason: "promoted" };
}

const outcomeOf = (why: RevertWhy): "rolled-back" | "interrupted" | "measured" => (why === "interrupt" ? "interrupted" : why === "measured" ? "measured" : "rolled-back");

/**
 * Every transition there is. Once the stable Service has begun to move to the canary (`promoting` from step `move` on) nothing leads
 * home any more: it would take the new stable version away. A held rollout goes on, is promoted, or goes home.
 */
export const TRANSITIONS: { readonly [P in Phase]: Row<P> } = {
  starting: { done: (step, event, plan) => (plan.preview ? { phase: "preview" } : firstStage(step, event, plan)), failed: home(true), hold },
  preview: { done: firstStage, failed: home(true), hold },
  raising: { done: ({ stage }, { since }) => ({ phase: "observing", stage, ...(since === undefined ? {} : { since }) }), failed: home(false), hold },
  observing: { done: afterStage, failed: home(false), hold },
  asking: { approved, failed: (step, event) => home(step.stage === undefined)(step, event), hold },
  promoting: {
    done: afterPromotionStep,
    failed: (step, event) => (step.step === "full" ? home(false)(step, event) : undefined),
    hold: (step, event) => ({ ...(hold(step, event) as From<"held">), ...(step.step === "full" ? {} : { step: step.step }) }),
  },
  reverting: { done: ({ why, reason, neverServed }) => ({ phase: "ended", outcome: outcomeOf(why), reason, why, neverServed }), hold },
  held: {
    resumed: ({ stage, step }) => (step ? { phase: "promoting", step } : stage === undefined ? { phase: "starting" } : { phase: "raising", stage }),
    approved: ({ step }) => ({ phase: "promoting", step: step ?? "full" }),
    failed: (step, event) => (step.step ? undefined : home(false)(step, event)),
  },
};

/** @throws IllegalTransitionError where the table has no entry */
export function next(step: Step, event: StepEvent, plan: Plan): Step {
  const row = step.phase === "ended" ? undefined : (TRANSITIONS[step.phase] as unknown as Record<string, ((step: Step, event: StepEvent, plan: Plan) => Step | undefined) | undefined>);
  const to = row?.[event.type]?.(step, event, plan);
  if (to === undefined) throw new IllegalTransitionError(step, event);
  return to;
}
