import { z } from "zod";
import { duration, kubernetes, objectName, oneOf, text, whole } from "./common";

const QUALIFIED = /^([a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*\/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$/;
const key = text(QUALIFIED, "it must be a label's key such as team or example.com/team", 317);
const labelValue = text(/^([A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?)?$/, 'it must be a label\'s value: letters, digits, "-", "_" and ".", at most 63 characters', 63);

/** What the components themselves write, and select pods by. */
const OURS = /^(app\.kubernetes\.io\/(name|version|part-of|managed-by)|canary\.dev\/.*)$/;
const ownKey = key.refine((name) => !OURS.test(name), { error: "it must not be one of the labels that this program writes" });

/** Which nodes the pods go to, and what they carry. */
export const scheduling = {
  nodeSelector: z.record(key, labelValue).default({}).describe("Labels that a node must have."),
  tolerations: z.array(z.strictObject({
    key: key.optional().describe("Key of the taint. Default all."),
    operator: oneOf(["Equal", "Exists"]).default("Equal").describe("Whether the taint's value counts."),
    value: labelValue.optional().describe("Value of the taint."),
    effect: oneOf(["NoSchedule", "PreferNoSchedule", "NoExecute"]).optional().describe("Effect of the taint. Default all."),
    for: duration.refine(Number.isInteger, { error: "it must be a duration of whole seconds, such as 90s or 15m" }).optional()
      .describe("Time for which a NoExecute taint is tolerated. Default for ever."),
  }).refine(({ operator, value }) => operator === "Equal" || value === undefined, { path: ["value"], error: "it must be left out where operator is Exists" })
    .transform(({ for: time, ...rest }) => ({ ...rest, ...(time === undefined ? {} : { forSeconds: time }) })), { error: "it must be a list of tolerations" })
    .default([]).describe("Taints of nodes that the pods put up with."),
  affinity: z.strictObject({
    nodeAffinity: kubernetes("NodeAffinity").optional().describe("As in the Kubernetes API."),
    podAffinity: kubernetes("PodAffinity").optional().describe("As in the Kubernetes API."),
    podAntiAffinity: kubernetes("PodAntiAffinity").optional().describe("As in the Kubernetes API."),
  }).optional().describe("Nodes and neighbours that the pods prefer or need."),
  spread: z.array(z.strictObject({
    topologyKey: key.describe("Label of the nodes whose values the pods of a revision are spread over."),
    maxSkew: whole(1, 1000).default(1).describe("Pods that one value may have more than another."),
    whenUnsatisfiable: oneOf(["ScheduleAnyway", "DoNotSchedule"]).default("ScheduleAnyway").describe("Whether a pod that would break the rule waits."),
  }), { error: "it must be a list of rules, each {topologyKey}" })
    .prefault([{ topologyKey: "kubernetes.io/hostname" }, { topologyKey: "topology.kubernetes.io/zone" }])
    .describe("Spread of a revision's pods, by default over nodes and zones where that is possible."),
  priorityClass: objectName.optional().describe("PriorityClass of the pods. Default the cluster's."),
  runtimeClass: objectName.optional().describe("RuntimeClass of the pods. Default the cluster's."),
  labels: z.record(ownKey, labelValue).default({}).describe("Further labels of Deployments and pods."),
  annotations: z.record(ownKey, z.string({ error: "it must be a text" })).default({}).describe("Further annotations of the pods."),
};
