import * as fc from "fast-check";
import type { Raw } from "./declare";
import { EVERY_OPTION, EVERY_OPTION_AUTOSCALED } from "./every-option";

const version = fc.stringMatching(/^[A-Za-z0-9_][A-Za-z0-9_.+-]{0,40}$/);
const env = fc.dictionary(fc.stringMatching(/^[A-Z]{1,5}$/), fc.oneof(fc.string(), fc.integer(), fc.boolean()));
const overrides = fc.record({ env, resources: fc.constant({ requests: { cpu: "50m", memory: "1Gi" } }), command: fc.constant(["/shop"]) }, { requiredKeys: [] });
const spec = fc.oneof(version, fc.tuple(version, overrides).map(([one, rest]) => ({ version: one, ...rest })));

/** What other keys of a workload refer to is always there. */
const referred = ({ config, secrets, volumes }: Raw): Raw => ({ config, secrets, volumes });
const size = fc.oneof(
  fc.record({ replicas: fc.nat(9) }),
  fc.record({ min: fc.integer({ min: 1, max: 5 }), more: fc.nat(5), cpu: fc.constantFrom("50%", "120%") }).map(({ min, more, cpu }) =>
    ({ autoscale: { min, max: min + more, cpu }, resources: EVERY_OPTION["resources"] })),
  fc.constant({ autoscale: EVERY_OPTION_AUTOSCALED["autoscale"], resources: EVERY_OPTION["resources"] }),
);
const probe = fc.oneof(fc.constant(false), fc.record({ period: fc.constantFrom("1s", "1m"), failures: fc.integer({ min: 1, max: 99 }), tcp: fc.constant({}) }, { requiredKeys: [] }));
const drawn = fc.record({
  canarySize: fc.constantFrom("full", "proportional"),
  maxUnavailable: fc.constantFrom(1, "50%", false),
  probes: fc.record({ startup: probe, readiness: probe, liveness: probe }, { requiredKeys: [] }),
  security: fc.record({ runAsNonRoot: fc.boolean(), readOnlyRootFilesystem: fc.boolean(), runAsUser: fc.integer({ min: 1, max: 65_534 }) }, { requiredKeys: [] }),
  env,
  drain: fc.constantFrom("0s", "10s"),
}, { requiredKeys: [] });
const { replicas: _replicas, ...options } = EVERY_OPTION;
/** Any choice of the fixture's options, any values of some of them, and any way to size it. */
const workload = fc.tuple(fc.subarray(Object.keys(options)), drawn, size).map(([keys, values, sized]) => ({
  ...referred(options), ...Object.fromEntries(keys.map((key) => [key, options[key]])), ...values, ...sized,
}) as Raw).map(({ serviceAccount: _shared, ...rest }) => rest);

const routing = fc.record({
  pathType: fc.constantFrom("Prefix", "Exact"),
  header: fc.record({ name: fc.stringMatching(/^[A-Za-z0-9-]{1,12}$/), value: fc.stringMatching(/^[a-z]{1,9}$/) }, { requiredKeys: [] }),
  cookie: fc.stringMatching(/^[a-z]{1,9}$/),
  weightTotal: fc.constantFrom(100, 1000),
  session: fc.oneof(fc.constant({ kind: "client-ip" }), fc.record({ kind: fc.constant("cookie"), maxAge: fc.constant("1h"), canary: fc.constantFrom("sticky", "legacy") }, { requiredKeys: ["kind"] })),
  retries: fc.record({ attempts: fc.integer({ min: 1, max: 10 }), on: fc.constant(["error", 503]) }, { requiredKeys: [] }),
  timeouts: fc.record({ connect: fc.constant("5s"), read: fc.constant("1m") }, { requiredKeys: [] }),
  limits: fc.record({ connections: fc.integer({ min: 1, max: 99 }), requestsPerSecond: fc.integer({ min: 1, max: 99 }) }, { requiredKeys: [] }),
  fallback: fc.record({ service: fc.constant("sorry"), on: fc.constant([503]) }, { requiredKeys: ["service"] }),
  annotations: fc.constant({ "example.com/owner": "web" }),
}, { requiredKeys: [] });

const service = fc.record({
  image: fc.constantFrom("shop", "team/shop", "host:5000/shop"),
  port: fc.integer({ min: 1, max: 65_535 }),
  paths: fc.uniqueArray(fc.stringMatching(/^\/[a-z]{0,6}$/), { minLength: 1, maxLength: 3 }),
  health: fc.stringMatching(/^\/[a-z]{1,6}$/),
  workload,
  routing,
}, { requiredKeys: ["image", "port"] });
const names = fc.uniqueArray(fc.stringMatching(/^[a-z]([-a-z0-9]{0,38}[a-z0-9])?$/).filter((name) => name !== "proxy" && name !== "migrate"), { minLength: 1, maxLength: 3 });

/** Configs that the parser accepts. */
export const accepted: fc.Arbitrary<Raw> = fc.record({
  names, services: fc.array(service, { minLength: 3, maxLength: 3 }), stable: spec, canary: fc.option(spec), previous: fc.option(spec),
  weight: fc.integer({ min: 0, max: 100 }), generation: fc.nat(), createNamespace: fc.boolean(),
}).map(({ names: list, services, canary, previous, weight, ...rest }) => ({
  namespace: "shop",
  services: Object.fromEntries(list.map((name, index) => [name, { ...services[index]!, hosts: [`h${index}.example`] }])),
  weight: canary === null ? 0 : weight,
  ...(canary === null ? {} : { canary }),
  ...(previous === null ? {} : { previous }),
  ...rest,
}));
