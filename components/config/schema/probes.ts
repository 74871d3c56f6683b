import { z } from "zod";
import { oneOf, path, port, positiveSeconds, text, whole, wholeSeconds } from "./common";

interface ProbeDefaults {
  readonly period: string;
  readonly failures?: number;
}

/** A probe; one without a handler asks the service's health path over HTTP. */
function probe<P extends z.ZodType>(asked: P, { period, failures }: ProbeDefaults) {
  const port = asked.describe("Port that is asked.");
  return z.strictObject({
    http: z.strictObject({
      path: path.optional().describe("Path that is asked. Default the service's `health`."),
      port,
      scheme: oneOf(["HTTP", "HTTPS"]).default("HTTP").describe("With HTTPS, certificates are not checked."),
      headers: z.record(z.string(), z.string()).default({}).describe("Headers of the request."),
    }).optional().describe("Passes on an answer of 200 to 399."),
    tcp: z.strictObject({ port }).optional().describe("Passes when the port accepts a connection."),
    grpc: z.strictObject({ port, service: z.string().optional().describe("Service that is asked for, in the gRPC health protocol.") }).optional()
      .describe("Passes when the gRPC health protocol says SERVING."),
    exec: z.array(text(/^[^]*$/, "it must be a text", 4096), { error: "it must be a list of texts" }).min(1, { error: "it must name a program" }).optional()
      .describe("Program and arguments, run in the container; passes on exit code 0."),
    delay: wholeSeconds.prefault("0s").describe("Time before the first look."),
    period: positiveSeconds.prefault(period).describe("Time between two looks."),
    timeout: positiveSeconds.prefault("2s").describe("Time in which an answer must come."),
    failures: (failures === undefined ? whole(1, 100_000).optional() : whole(1, 100_000).default(failures)).describe("Failures in a row that count."),
  }).refine(({ http, tcp, grpc, exec }) => [http, tcp, grpc, exec].filter((handler) => handler !== undefined).length <= 1, {
    error: "it must have one of http, tcp, grpc and exec",
  }).transform(({ delay, period: every, timeout, ...rest }) => ({ ...rest, delaySeconds: delay, periodSeconds: every, timeoutSeconds: timeout }));
}

const RULE = { error: "it must be a probe such as {http: {path: /ready}}, or false for none" };
const ofService = (defaults: ProbeDefaults) => z.union([z.literal(false), probe(port.optional(), defaults)], RULE).prefault({});
const ofSidecar = (defaults: ProbeDefaults) =>
  z.union([z.literal(false), probe(port, defaults).refine(({ http, tcp, grpc, exec }) => http ?? tcp ?? grpc ?? exec, {
    error: "it must have one of http, tcp, grpc and exec",
  })], RULE).default(false);

export const serviceProbes = z.strictObject({
  startup: ofService({ period: "1s" }).describe(
    "Holds the other probes back until the service has started. `failures` is by default so many that it outlasts `progressDeadline` by a minute."),
  readiness: ofService({ period: "2s", failures: 3 }).describe("A pod that fails it gets no requests."),
  liveness: ofService({ period: "10s", failures: 3 }).describe("A container that fails it is restarted."),
});

export const sidecarProbes = z.strictObject({
  startup: ofSidecar({ period: "1s", failures: 120 }).describe("What starts after the sidecar waits for it."),
  readiness: ofSidecar({ period: "2s", failures: 3 }).describe("A pod whose sidecar fails it gets no requests."),
  liveness: ofSidecar({ period: "10s", failures: 3 }).describe("A sidecar that fails it is restarted."),
});
