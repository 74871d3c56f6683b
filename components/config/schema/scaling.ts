import { z } from "zod";
import { kubernetes, oneOf, replicas, text, whole } from "./common";

const share = text(/^[1-9]\d{0,3}%$/, "it must be a percentage such as 70%").transform((percent) => Number.parseInt(percent, 10) / 100);

/** Autoscaling of each revision by itself. */
const autoscale = z.strictObject({
  min: whole(1, 10_000).describe("Least pods of a revision."),
  max: whole(1, 10_000).describe("Most pods of a revision."),
  cpu: share.optional().describe("CPU in use, in percent of what is requested. Default 70% where neither memory nor metrics are given."),
  memory: share.optional().describe("Memory in use, in percent of what is requested."),
  metrics: z.array(kubernetes("MetricSpec"), { error: "it must be a list of metrics" }).default([])
    .describe("Further metrics as the Kubernetes API writes them (autoscaling/v2 MetricSpec)."),
  behavior: z.strictObject({
    scaleUp: kubernetes("HPAScalingRules").optional().describe("As in the Kubernetes API."),
    scaleDown: kubernetes("HPAScalingRules").optional().describe("As in the Kubernetes API."),
  }).optional().describe("How fast it scales. Default Kubernetes' own: up at once, down after five minutes."),
}).refine(({ min, max }) => min <= max, { path: ["max"], error: "it must be at least min" })
  .transform(({ cpu, memory, ...rest }) => ({
    ...rest,
    ...(cpu === undefined && (memory !== undefined || rest.metrics.length > 0) ? {} : { cpuUtilization: cpu ?? 0.7 }),
    ...(memory === undefined ? {} : { memoryUtilization: memory }),
  }));

/** How many pods a revision has. */
export const scaling = {
  replicas: replicas.optional().meta({ default: 2 }).describe("Pods per revision; not with `autoscale`."),
  autoscale: autoscale.optional().describe("A HorizontalPodAutoscaler for each revision instead of a fixed number of pods."),
  canarySize: oneOf(["full", "proportional"]).default("full").describe(
    "Pods of a canary: as many as it will have as stable, or that number in proportion to its weight, rounded up and at least one."),
  maxUnavailable: z.union([whole(1, 10_000), text(/^(100|[1-9]\d?)%$/, "it must be a number of pods, or a percentage such as 25%"), z.literal(false)], {
    error: "it must be a number of pods, a percentage such as 25%, or false for no budget",
  }).default("25%").describe(
    "Pods of a revision, rounded up, that a drained node may take away at the same time (PodDisruptionBudget; none for a revision of one pod)."),
};
