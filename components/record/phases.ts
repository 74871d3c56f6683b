/** Where a rollout is. `starting` … `promoting` are under way, `reverting` goes home, `held` waits for a person. */
export const PHASES = ["starting", "preview", "raising", "observing", "asking", "promoting", "reverting", "held"] as const;
export type Phase = (typeof PHASES)[number];

/** The steps of a promotion, in their order: all traffic on the canary; the stable Service on it; the weight back at 0. */
export const PROMOTION_STEPS = ["full", "move", "close"] as const;
export type PromotionStep = (typeof PROMOTION_STEPS)[number];
