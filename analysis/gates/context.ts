import type { StageContext } from "./gate";

/** What the sequential gates of one rollout share. */
export interface Evidence {
  /** Probability with which each FAIL test may err over the whole rollout. */
  alpha: number;
  /** Probability with which each PASS test may err in a stage. */
  beta: number;
  /** The error share that nobody acts on. */
  pFloor: number;
  /** Overdispersion φ ≥ 1. */
  phi: number;
  plan: readonly { weight: number }[];
}

/** Numbers of the stages in which the baseline still serves. */
export const stagesWithBaseline = (plan: Evidence["plan"]): number[] => plan.flatMap((stage, i) => (stage.weight < 100 ? [i] : []));

/** Numbers of all stages. */
export const allStages = (plan: Evidence["plan"]): number[] => plan.map((_, i) => i);

export const hasBaseline = (stage: StageContext): boolean => stage.weight < 100;

const ANCHORS: readonly (readonly [weight: number, r1: number])[] = [[5, 2], [25, 1.5], [50, 1.25]];

/**
 * The ratio that must be excluded before a stage is left: 2.0 at 5 %, 1.5 at 25 %, 1.25 at 50 %, between them linear in log weight and log
 * r1, clamped outside. A small stage cannot see small differences; a large one must.
 */
export function r1At(weight: number): number {
  const after = ANCHORS.findIndex(([w]) => weight <= w);
  if (after === 0) return (ANCHORS[0] as readonly [number, number])[1];
  if (after < 0) return (ANCHORS.at(-1) as readonly [number, number])[1];
  const [[w0, a], [w1, b]] = [ANCHORS[after - 1] as readonly [number, number], ANCHORS[after] as readonly [number, number]];
  return a * (b / a) ** (Math.log(weight / w0) / Math.log(w1 / w0));
}
