import { z } from "zod";
import { flag, path, port, quantity, relative, shortName, text } from "./common";
import { env, envFrom } from "./environment";
import { serviceProbes, sidecarProbes } from "./probes";
import { containerSecurity } from "./security";

const words = z.array(z.string({ error: "it must be a text" }), { error: "it must be a list of texts" });

export const resources = z.strictObject({
  requests: z.record(z.string(), quantity).optional().describe("What a pod is scheduled by, in Kubernetes quantities, e.g. `{cpu: 250m, memory: 256Mi}`."),
  limits: z.record(z.string(), quantity).optional().describe("What the container may use at most, in Kubernetes quantities."),
}).meta({ id: "resources" });

const mounts = z.array(z.strictObject({
  volume: shortName.describe("Name of one of this workload's `volumes`."),
  path: path.describe("Path in the container."),
  subPath: relative.optional().describe("Path in the volume. Default its root."),
  readOnly: flag(false).describe("Mount it for reading only."),
}), { error: "it must be a list of mounts, each {volume, path}" }).meta({ id: "mounts" });

const portName = text(
  /^(?=.*[a-z])[a-z0-9]([-a-z0-9]*[a-z0-9])?$/,
  'it must be a port\'s name: lower-case letters, digits and "-", at most 15 characters',
  15,
);

// Room for the name of the container's own /tmp volume.
const containerName = shortName.max(50, { error: "it must be at most 50 characters long" });

/** Keys of every container. */
export const containerKeys = {
  command: words.optional().describe("Program and arguments instead of the image's entry point. `{{version}}` becomes the revision's version."),
  args: words.optional().describe("Arguments instead of the image's. `{{version}}` becomes the revision's version."),
  env: env.default({}).describe("Environment variables: texts, or where to take them from. `{{version}}` in a text becomes the revision's version."),
  envFrom: envFrom.default([]).describe("ConfigMaps and Secrets whose every key becomes a variable; later ones win, and `env` over all."),
  ports: z.record(portName, port).default({}).describe("Further ports by name, for those who scrape or debug."),
  resources: resources.default({}).describe("CPU and memory of the container."),
  mounts: mounts.default([]).describe("Volumes in the container's file system."),
};

/** Probes of the service's own container. */
export const probes = serviceProbes.prefault({}).describe("How the pods are asked whether they live and are ready.");

export const initContainers = z.array(z.strictObject({
  name: containerName.describe("Name of the container, unique in the pod."),
  image: text(/^[^\s]+$/, "it must be an image").describe("Image with its tag or digest."),
  sidecar: flag(false).describe(
    "Keep it running beside the service for the pod's life (a native sidecar, Kubernetes 1.29 or newer); without, it must end before what follows starts."),
  ...containerKeys,
  probes: sidecarProbes.prefault({}).describe("How a sidecar is asked whether it lives and is ready."),
  security: containerSecurity.prefault({}).describe("Privileges of the container."),
}), { error: "it must be a list of containers, each {name, image}" });
