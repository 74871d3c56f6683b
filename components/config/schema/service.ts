import { z } from "zod";
import { flag, path, port, text } from "./common";
import { routing } from "./routing";
import { workload } from "./workload";

const IMAGE = /^[a-z0-9]+([._:/-]+[A-Za-z0-9]+)*$/;
const HOST = /^(\*\.)?[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;

/** One service of the release train. */
export const service = z.strictObject({
  image: text(IMAGE, "it must be an image without a tag").refine((value) => !/:[^/]*$/.test(value), {
    error: "it must be an image without a tag, because the version is the tag",
  }).describe("Image without a tag; the version is the tag."),
  port: port.describe("Port the container listens on."),
  servicePort: port.default(80).describe("Port of the Services."),
  hosts: z.array(text(HOST, "it must be a host name without scheme and port, such as shop.example or *.shop.example"), {
    error: "it must be a list of host names",
  }).min(1, { error: "it must name at least one host" }).describe("Host names of the Ingresses; a first label `*` is allowed."),
  paths: z.array(path, { error: "it must be a list of paths" }).min(1, { error: "it must name at least one path" }).default(["/"])
    .describe("Paths of every host."),
  critical: flag(true).describe("Whether its gates decide over the rollout."),
  health: path.default("/health").describe("Path of the readiness and liveness probes."),
  workload: workload.prefault({}).describe("How the pods of every revision run."),
  routing: routing.prefault({}).describe("How requests reach the service."),
});
