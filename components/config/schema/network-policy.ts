import { z } from "zod";
import { port } from "./common";
import { labels, namespace } from "./monitoring";

const RULE = "it must be a namespace or a list of namespaces";
const namespaces = z.union([namespace.transform((one) => [one]), z.array(namespace, { error: RULE }).min(1, { error: "it must name at least one namespace" })], { error: RULE });

const peer = z.strictObject({
  namespace: namespace.optional().describe("Namespace of the pods; by default the release's own."),
  podLabels: labels.default({}).describe("Labels of the pods; by default any pod of the namespace."),
});

/** Who may open connections to the services' pods. */
export const networkPolicy = z.strictObject({
  ingressController: namespaces.describe("Namespaces of the ingress controller, whose pods reach the services' ports."),
  prometheus: namespaces.optional().describe("Namespaces of Prometheus, whose pods reach the services' metrics; by default none does."),
  also: z.array(peer, { error: "it must be a list of maps" }).default([]).describe("Others that reach the services' ports, e.g. `[{podLabels: {app: cron}}]`."),
  ports: z.array(port, { error: "it must be a list of ports" }).default([]).describe("Further ports of the pods that all of them reach, e.g. those of a sidecar."),
});
