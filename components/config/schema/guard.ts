import { z } from "zod";
import { baseUrl, duration, objectName, port, text, url } from "./common";
import { resources } from "./container";

/** The dead-man's switch: a small Deployment that sends traffic home when the driver of a rollout has died, and watches a held one. */
export const guard = z.strictObject({
  image: text(/^[^\s]+$/, "it must be an image").describe("Image of the guard with its tag or digest: this package, started as docs/guard.md says."),
  imagePullSecrets: z.array(objectName, { error: "it must be a list of Secrets" }).default([]).describe("Names of Secrets, in the namespace already, that the image is pulled with."),
  resources: resources.default({ requests: { cpu: "10m", memory: "96Mi" }, limits: { memory: "192Mi" } }).describe("CPU and memory of the guard."),
  metricsPort: port.refine((value) => value >= 1024, { error: "it must be at least 1024, because the guard is not root" }).default(9464)
    .describe("Port of /metrics, /health and /ready."),
  interval: duration.refine((value) => value >= 0.2 && value <= 60, { error: "it must be from 200ms to 60s" }).prefault("1s")
    .describe("Time between two looks at the Lease and the record of the rollout."),
  prometheus: z.union([baseUrl.transform((one) => [one]), z.array(baseUrl).min(1, { error: "it must name at least one server" })], { error: "it must be a URL or a list of URLs" }).optional()
    .describe("Base URL of a Prometheus server, or of several, as the guard's pod reaches them. Default those of `analysis.prometheus`."),
  ingressUrl: url.optional()
    .describe("Base URL at which the guard's pod reaches the ingress controller, to probe a held canary by its header; without it there are no probes."),
}).transform(({ interval, ...rest }) => ({ ...rest, intervalSeconds: interval }));
