import { z } from "zod";
import { flag, objectName, positiveSeconds, wholeSeconds } from "./common";
import { containerKeys, initContainers, probes } from "./container";
import { data, volumes } from "./environment";
import { scaling } from "./scaling";
import { scheduling } from "./scheduling";
import { podSecurity } from "./security";

/** How the pods of every revision of a service run. All but the sizes and the deadline make the pod template, and with it the revision. */
export const workload = z.strictObject({
  ...scaling,
  ...containerKeys,
  probes,
  config: data.default({}).describe("ConfigMaps by name. Each revision has its own, so that a rollback takes its contents back too."),
  secrets: data.default({}).describe("Secrets by name, each a map from keys to texts; encrypt the texts with `pulumi config set --secret --path`. Each revision has its own."),
  volumes: volumes.default({}).describe("Volumes of the pods by name."),
  initContainers: initContainers.default([]).describe("Containers that run before the service, or beside it as sidecars; they start in this order."),
  security: podSecurity.prefault({}).describe("Privileges of the pods. The defaults pass the restricted level of the Pod Security Standards."),
  serviceAccount: z.strictObject({
    name: objectName.optional().describe("ServiceAccount of the pods. Default the service's name where it is created, otherwise the namespace's default."),
    create: flag(false).describe("Declare the ServiceAccount."),
    annotations: z.record(z.string(), z.string({ error: "it must be a text" })).default({}).describe("Annotations of a created one, for cloud identities."),
    token: flag(false).describe("Mount its token into the pods, for services that talk to the Kubernetes API."),
  }).prefault({}).describe("Identity of the pods."),
  imagePullSecrets: z.array(objectName, { error: "it must be a list of Secrets" }).default([]).describe("Names of Secrets, in the namespace already, that images are pulled with."),
  ...scheduling,
  terminationGrace: wholeSeconds.prefault("30s").describe("Time between the termination signal and the kill."),
  drain: wholeSeconds.prefault("5s").describe("Time for which a terminating pod goes on serving while routers drop it from their endpoints."),
  progressDeadline: positiveSeconds.prefault("120s").describe("Time in which a new revision must become ready, or `pulumi up` fails."),
}).refine(({ replicas, autoscale }) => replicas === undefined || autoscale === undefined, { path: ["replicas"], error: "it must be left out where autoscale is set" })
  .transform(({ terminationGrace, drain, progressDeadline, ...rest }) => ({
    ...rest,
    replicas: rest.replicas ?? rest.autoscale?.min ?? 2,
    terminationGraceSeconds: terminationGrace,
    drainSeconds: drain,
    progressDeadlineSeconds: progressDeadline,
  }));
