import { z } from "zod";
// Not from analysis/: its index loads an HTTP client, and every `pulumi up` would pay for that.
import { gatesSchema } from "../../analysis/gates/schema";
import { DURATION_PATTERN, parseDuration } from "./units";

const VERSION_RULE =
  'it must be an image tag: letters, digits, "_", ".", "-" and "+", at most 128 characters, in quotes where YAML would read a number';
const IMAGE_OVERRIDE_RULE = "it must be an image, with or without a tag or digest";
const LABEL = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/;
const IMAGE = /^[a-z0-9]+([._:/-]+[A-Za-z0-9]+)*$/;
const HOST = /^(\*\.)?[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;

const text = (pattern: RegExp, rule: string, maxLength = 253) =>
  z.string({ error: rule }).regex(pattern, { error: rule }).max(maxLength, { error: rule });

const whole = (least: number, most: number) => {
  const rule = `it must be a whole number from ${least} to ${most}`;
  return z.int({ error: rule }).min(least, { error: rule }).max(most, { error: rule });
};

const duration = text(DURATION_PATTERN, "it must be a duration such as 500ms, 90s, 15m or 1h").transform(parseDuration);
/** Kubernetes takes whole seconds only. */
const wholeSeconds = duration.refine(Number.isInteger, { error: "it must be a duration of whole seconds, such as 90s or 15m" });

const seconds = (fallback: string) => duration.prefault(fallback);
const flag = (fallback: boolean) => z.boolean({ error: "it must be true or false" }).default(fallback);
const oneOf = <const T extends readonly string[]>(values: T) =>
  z.enum(values, { error: `it must be ${values.length === 1 ? "" : "one of "}${values.join(", ")}` });

const version = text(/^[A-Za-z0-9_][A-Za-z0-9_.+-]*$/, VERSION_RULE, 128);
const replicas = whole(0, 10_000);
const port = whole(1, 65_535);
const path = text(/^\/[^\s?#]*$/, "it must be a path that starts with / and has no spaces", 1024);

const envValue = z
  .union([z.string(), z.number().transform(String), z.boolean().transform(String), z.strictObject({ secure: z.string() })], {
    error: "it must be a text",
  });
const env = z.record(text(/^[A-Za-z_][A-Za-z0-9_.-]*$/, "it must be a name of an environment variable"), envValue);

const quantity = z.union(
  [
    text(/^[0-9]+(\.[0-9]+)?(m|[kKMGTPE]i?|[eE][0-9]+)?$/, "it must be a Kubernetes quantity such as 250m, 0.5 or 256Mi"),
    z.number().nonnegative().transform(String),
  ],
  { error: "it must be a Kubernetes quantity such as 250m, 0.5 or 256Mi" },
);
const resources = z.strictObject({
  requests: z.record(z.string(), quantity).optional(),
  limits: z.record(z.string(), quantity).optional(),
});

const overrides = {
  image: text(/^[^\s]+$/, IMAGE_OVERRIDE_RULE).optional(),
  env: env.optional(),
  replicas: replicas.optional(),
  resources: resources.optional(),
};
const versionMap = {
  version,
  ...overrides,
  services: z.record(z.string(), z.strictObject(overrides)).optional(),
};
const versionSpec = z.union(
  [version.transform((value) => ({ version: value })), z.strictObject(versionMap)],
  { error: VERSION_RULE },
);
const canarySpec = z.union(
  [
    version.transform((value) => ({ version: value, withdrawn: false })),
    z.strictObject({ ...versionMap, withdrawn: flag(false) }),
  ],
  { error: VERSION_RULE },
);

const workload = z.strictObject({
  replicas: replicas.default(2),
  env: env.default({}),
  resources: resources.default({}),
  terminationGrace: wholeSeconds.prefault("30s"),
  drain: wholeSeconds.prefault("5s"),
  progressDeadline: wholeSeconds.refine((value) => value >= 1, { error: "it must be at least 1s" }).prefault("120s"),
}).transform(({ terminationGrace, drain, progressDeadline, ...rest }) => ({
  ...rest,
  terminationGraceSeconds: terminationGrace,
  drainSeconds: drain,
  progressDeadlineSeconds: progressDeadline,
}));

// ingress-nginx checks canary-by-header against this set and, on a mismatch, drops the rule with a log line only.
const headerName = text(
  /^[A-Za-z0-9\-._~/:]+$/,
  'it must consist of letters, digits and "-._~/:", because ingress-nginx silently drops any other header name',
);

const service = z.strictObject({
  image: text(IMAGE, "it must be an image without a tag").refine((value) => !/:[^/]*$/.test(value), {
    error: "it must be an image without a tag, because the version is the tag",
  }),
  port,
  servicePort: port.default(80),
  hosts: z.array(text(HOST, "it must be a host name without scheme and port, such as shop.example or *.shop.example"), {
    error: "it must be a list of host names",
  }).min(1, { error: "it must name at least one host" }),
  paths: z.array(path, { error: "it must be a list of paths" }).min(1, { error: "it must name at least one path" }).default(["/"]),
  critical: flag(true),
  health: path.default("/health"),
  workload: workload.prefault({}),
  routing: z.strictObject({
    pathType: oneOf(["Prefix", "Exact", "ImplementationSpecific"]).default("Prefix"),
    header: z.strictObject({ name: headerName.default("X-Canary") }).prefault({}),
  }).prefault({}),
});

const stage = z.strictObject({ weight: whole(1, 100), dwell: duration.optional() });

const rollout = z.strictObject({
  stages: z.array(stage, { error: "it must be a list of stages, each {weight, dwell}" })
    .min(1, { error: "it must have at least one stage" })
    .default([{ weight: 5 }, { weight: 25 }, { weight: 50 }, { weight: 100 }]),
  autoPromote: flag(true),
  onInterrupt: oneOf(["revert", "hold"]).default("revert"),
  onBlind: oneOf(["hold", "rollback"]).default("hold"),
  undoWindow: seconds("1h"),
  warmUp: seconds("10s"),
  cap: seconds("1h"),
  verifyTimeout: seconds("60s"),
  preview: z.union([z.literal("hold"), duration], { error: "it must be hold, or a duration such as 10m" }).prefault("0s"),
  scaleDownDelay: seconds("0s"),
  onHold: oneOf(["keep", "lower"]).default("keep"),
  lease: seconds("30s").refine((value) => value >= 3, { error: "it must be at least 3s" }),
  lockWait: seconds("60s"),
}).transform(({ stages, undoWindow, warmUp, cap, verifyTimeout, preview, scaleDownDelay, lease, lockWait, ...rest }) => ({
  ...rest,
  stages: inheritDwell(stages),
  undoWindowSeconds: undoWindow,
  warmUpSeconds: warmUp,
  capSeconds: cap,
  verifyTimeoutSeconds: verifyTimeout,
  previewSeconds: preview === "hold" ? ("hold" as const) : preview,
  scaleDownDelaySeconds: scaleDownDelay,
  leaseSeconds: lease,
  lockWaitSeconds: lockWait,
}));

function inheritDwell(stages: readonly z.output<typeof stage>[]): { weight: number; dwellSeconds: number }[] {
  let dwellSeconds = 60;
  return stages.map(({ weight, dwell }) => ({ weight, dwellSeconds: (dwellSeconds = dwell ?? dwellSeconds) }));
}

const url = text(/^https?:\/\/[^\s/]+\S*$/, "it must be a URL that starts with http:// or https://", 2048);

const analysis = z.strictObject({
  prometheus: z.union([url.transform((one) => [one]), z.array(url)], { error: "it must be a URL or a list of URLs" }).default([]),
  source: oneOf(["ingress-nginx", "traefik", "app"]).default("ingress-nginx"),
  scrapeInterval: seconds("15s"),
  probeInterval: seconds("30s"),
  gates: gatesSchema,
}).transform(({ scrapeInterval, probeInterval, ...rest }) => ({ ...rest, scrapeIntervalSeconds: scrapeInterval, probeIntervalSeconds: probeInterval }));

const NAMESPACE_RULE = 'it must be a Kubernetes namespace: lower-case letters, digits and "-", at most 63 characters';
const SERVICE_NAME_RULE =
  'it must be a name of lower-case letters, digits and "-" that starts with a letter, at most 40 characters';

/** Every key of a stack, without the prefix `canary:`. Unknown keys are errors. Ranges and defaults are stated on {@link StackConfig}. */
export const stackConfigSchema = z.strictObject({
  namespace: text(LABEL, NAMESPACE_RULE, 63),
  createNamespace: flag(true),
  stable: versionSpec.optional(),
  canary: canarySpec.optional(),
  previous: versionSpec.optional(),
  weight: whole(0, 100).default(0),
  generation: whole(0, Number.MAX_SAFE_INTEGER).default(0),
  force: flag(false),
  // 40 leaves room in 63 characters for a readable version slug and the hash of a revision's name.
  services: z.record(text(/^[a-z]([-a-z0-9]*[a-z0-9])?$/, SERVICE_NAME_RULE, 40), service, {
    error: "it must be a map from service names to services",
  }).refine((services) => Object.keys(services).length > 0, { error: "it must have at least one service" }),
  rollout: rollout.prefault({}),
  analysis: analysis.prefault({}),
  router: oneOf(["ingress-nginx"]).default("ingress-nginx"),
  ingressClass: text(/^[a-z0-9]([-.a-z0-9]*[a-z0-9])?$/, "it must be the name of an IngressClass").default("nginx"),
  ingressController: oneOf(["existing"]).default("existing"),
  ingressUrl: url.optional(),
});
