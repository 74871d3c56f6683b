import { z } from "zod";
import { approvals } from "./approvals";
import { duration, flag, oneOf, seconds, whole } from "./common";

/** Weights rise from stage to stage. */
const stage = z.strictObject({
  weight: whole(1, 100).describe("Percent of new requests to the canary."),
  dwell: duration.optional().describe("Time for which the stage is observed at least; a stage without it inherits that of the one before, the first 60s."),
});

/** What the driver does between two versions. The program itself reads none of it. */
export const rollout = z.strictObject({
  stages: z.array(stage, { error: "it must be a list of stages, each {weight, dwell}" })
    .min(1, { error: "it must have at least one stage" })
    .default([{ weight: 5 }, { weight: 25 }, { weight: 50 }, { weight: 100 }])
    .describe("The weights of a rollout, in rising order. Default 5, 25, 50 and 100, each watched for 60s."),
  autoPromote: flag(true).describe("Promote when the last stage has passed, or hold for a person."),
  approvals,
  onInterrupt: oneOf(["revert", "hold"]).default("revert").describe("What SIGINT and SIGTERM do to a running rollout."),
  onBlind: oneOf(["hold", "rollback"]).default("hold").describe("What happens when telemetry stays away; it is never a pass."),
  undoWindow: seconds("1h").describe("Time for which an undo is meant to be possible; `0s` removes the previous revision right after a promotion."),
  warmUp: seconds("10s").describe("Time at the start of a stage whose samples are no evidence for the canary."),
  cap: seconds("1h").describe("Time after which an undecided stage holds."),
  verifyTimeout: seconds("60s").describe("Time in which the served split must reach the weight."),
  preview: z.union([z.literal("hold"), duration], { error: "it must be hold, or a duration such as 10m" }).prefault("0s").describe(
    "Time before the first stage in which the canary serves by its header alone, so that people and tests can look at it; `hold` waits for " +
    "`canary resume`. With the one stage 100 this is a blue/green deployment."),
  scaleDownDelay: seconds("0s").describe("Time between the return of the traffic and the removal of a reverted canary's pods."),
  onHold: oneOf(["keep", "lower"]).default("keep").describe("What a hold does with the traffic when the driver leaves: nothing, or weight 0 first."),
  lease: seconds("30s").refine((value) => value >= 3, { error: "it must be at least 3s" })
    .describe("Time after which a driver that says nothing counts as dead."),
  lockWait: seconds("60s").describe("Time for which another update's lock on the stack is waited for."),
}).transform(({ stages, undoWindow, warmUp, cap, verifyTimeout, preview, scaleDownDelay, lease, lockWait, ...rest }) => ({
  ...rest,
  stages: inheritDwell(stages),
  undoWindowSeconds: undoWindow,
  warmUpSeconds: warmUp,
  capSeconds: cap,
  verifyTimeoutSeconds: verifyTimeout,
  previewSeconds: preview === "hold" ? ("hold" as const) : preview,
  scaleDownDelaySeconds: scaleDownDelay,
  leaseSeconds: lease,
  lockWaitSeconds: lockWait,
}));

function inheritDwell(stages: readonly z.output<typeof stage>[]): { weight: number; dwellSeconds: number }[] {
  let dwellSeconds = 60;
  return stages.map(({ weight, dwell }) => ({ weight, dwellSeconds: (dwellSeconds = dwell ?? dwellSeconds) }));
}
