import { z } from "zod";
import { analysis } from "./analysis";
import { flag, label, text, url, whole } from "./common";
import { guard } from "./guard";
import { ingressController } from "./ingress-controller";
import { metrics } from "./metrics";
import { monitoring } from "./monitoring";
import { networkPolicy } from "./network-policy";
import { notifications } from "./notifications";
import { rollout } from "./rollout";
import { gateway, router } from "./routing";
import { service } from "./service";
import { canarySpec, versionSpec } from "./version";

const NAMESPACE_RULE = 'it must be a Kubernetes namespace: lower-case letters, digits and "-", at most 63 characters';
const SERVICE_NAME_RULE =
  'it must be a name of lower-case letters, digits and "-" that starts with a letter, at most 40 characters';

/** Every key of a stack, without the prefix `canary:`. Unknown keys are errors. */
export const stackConfigSchema = z.strictObject({
  namespace: label(NAMESPACE_RULE).describe("Kubernetes namespace of the release."),
  createNamespace: flag(true).describe("Declare the namespace, or expect it to be there."),
  stable: versionSpec.optional().describe("The version that serves. Absent only before the first one is installed."),
  canary: canarySpec.optional().describe("The version under rollout. Absent when no rollout runs."),
  previous: versionSpec.optional().describe("The version before the stable one, kept without any Service for an instant undo. The driver writes it."),
  weight: whole(0, 100).default(0).describe("Percent of new requests to the canary."),
  generation: whole(0, Number.MAX_SAFE_INTEGER).default(0).describe("Raised by every write of the driver."),
  force: flag(false).describe(
    "Lets a file that is older than the rollout record through, once: the next driver command takes its state over and removes the key."),
  // 40 leaves room in 63 characters for a readable version slug and the hash of a revision's name.
  services: z.record(text(/^[a-z]([-a-z0-9]*[a-z0-9])?$/, SERVICE_NAME_RULE, 40), service, {
    error: "it must be a map from service names to services",
  }).refine((services) => Object.keys(services).length > 0, { error: "it must have at least one service" })
    .describe("Services that move together, by name: one version pair and one weight for all of them."),
  rollout: rollout.prefault({}).describe("What the driver does between two versions. `pulumi up` reads none of it."),
  analysis: analysis.prefault({}).describe("Where the numbers come from and what they must be."),
  router,
  gateway: gateway.optional().describe("The Gateway that the routes attach to; router gateway-api only."),
  ingressClass: text(/^[a-z0-9]([-.a-z0-9]*[a-z0-9])?$/, "it must be the name of an IngressClass").default("nginx")
    .describe("Name of the IngressClass."),
  ingressController: ingressController.default("existing").describe("Where the ingress controller comes from."),
  monitoring: monitoring.optional().describe("Scraping, alerts and a dashboard; without it there are none."),
  metrics: metrics.prefault({}).describe("Where the driver's own metrics go. `pulumi up` reads none of it."),
  networkPolicy: networkPolicy.optional().describe("Who may open connections to the services' pods; without it, anybody."),
  notifications: notifications.prefault({}).describe("Who is told of a rollout, and what. `pulumi up` reads none of it."),
  guard: guard.optional().describe("Declares a guard, which sends traffic home when the driver of a rollout has died. Absent: none."),
  ingressUrl: url.optional().describe("Base URL at which the driver reaches the ingress controller, to probe the canary by its header; without it there are no probes."),
});
