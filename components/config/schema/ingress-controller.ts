import { z } from "zod";
import { text, url, whole } from "./common";
import { namespace } from "./monitoring";

const chartVersion = text(/^\d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?$/, "it must be a chart version such as 4.15.1, never a range: a controller must not change by itself");

const install = z.strictObject({
  install: z.enum(["ingress-nginx", "traefik"], { error: "it must be one of ingress-nginx, traefik" }).describe("Which controller; both serve the annotations of ingress-nginx."),
  namespace: namespace.optional().describe("Its namespace, which is declared; by default the controller's name."),
  chartVersion: chartVersion.optional().describe("Version of its Helm chart; by default the one that this release was made for."),
  repository: url.optional().describe("URL of the Helm repository; by default the project's own. For a mirror."),
  replicas: whole(1, 100).default(2).describe("Pods of the controller."),
  values: z.record(z.string(), z.unknown(), { error: "it must be a map" }).default({}).describe("Values of its Helm chart, merged over ours."),
});

const RULE = "it must be existing, install, or a map with the key install";

/** Where the ingress controller comes from. `install` alone means ingress-nginx. */
export const ingressController = z.union([
  text(/^(existing|install)$/, RULE).transform((word) => (word === "existing" ? ("existing" as const) : install.parse({ install: "ingress-nginx" }))),
  install,
], { error: RULE });
