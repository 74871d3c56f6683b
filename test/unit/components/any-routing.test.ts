import { expect } from "chai";
import * as fc from "fast-check";
import { ConfigError, parseConfig, type Routing } from "../../../components/config";
import { canaryAnnotations, mainAnnotations } from "../../../components/routing/ingress-annotations";
import { GatewaySplit, TrafficSplit } from "../../../components";
import { declare, find, stack, type Raw } from "./declare";

const name = fc.stringMatching(/^[A-Za-z0-9-]{1,10}$/);
const seconds = fc.integer({ min: 1, max: 600 }).map((value) => `${value}s`);
const some = <T>(model: { [K in keyof T]: fc.Arbitrary<T[K]> }) => fc.record(model, { requiredKeys: [] });

/** What both routers can do. */
const common = {
  pathType: fc.constantFrom("Prefix", "Exact"),
  header: fc.oneof(some({ name }), some({ name, value: fc.stringMatching(/^[a-z/:~]{1,9}$/) }), some({ name, pattern: fc.constantFrom("^Do[A-Z]+$", "a|b", "x.*") })),
};
const onIngress: fc.Arbitrary<Raw> = some({
  ...common,
  cookie: name,
  weightTotal: fc.integer({ min: 1, max: 10_000 }).map((value) => value * 100),
  session: fc.oneof(fc.constant({ kind: "client-ip" }), fc.record({ kind: fc.constant("cookie"), name, maxAge: seconds, canary: fc.constantFrom("sticky", "legacy") }, { requiredKeys: ["kind"] })),
  retries: some({ attempts: fc.integer({ min: 1, max: 10 }), on: fc.subarray(["error", "timeout", 500, 502], { minLength: 1 }), nonIdempotent: fc.boolean(), timeout: seconds }),
  timeouts: some({ connect: seconds, read: seconds, send: seconds }),
  limits: some({ connections: fc.integer({ min: 1, max: 99 }), requestsPerSecond: fc.integer({ min: 1, max: 99 }), burst: fc.integer({ min: 1, max: 9 }) }),
  fallback: fc.record({ service: fc.constant("sorry"), on: fc.uniqueArray(fc.integer({ min: 400, max: 599 })) }, { requiredKeys: ["service"] }),
  tls: fc.constant([{ hosts: ["shop.example"], secretName: "cert" }]),
  annotations: fc.dictionary(fc.constantFrom("nginx.ingress.kubernetes.io/enable-cors", "example.com/owner"), fc.string()),
});
const onGateway: fc.Arbitrary<Raw> = some({ ...common, backendHeader: fc.oneof(name, fc.constant("none")), annotations: fc.dictionary(fc.constant("example.com/owner"), fc.string()) });

const raw = (routing: Raw, keys: Raw = {}): Raw =>
  stack({ services: { shop: { image: "shop", port: 8080, hosts: ["shop.example"], routing } }, canary: "v2", ...keys });
const gateway = { router: "gateway-api", gateway: { name: "edge" }, analysis: { source: "app" } };
const parsed = (routing: Raw): Routing => parseConfig(raw(routing)).services["shop"]!.routing;

describe("any accepted routing", () => {
  it("on annotations has texts for values, the canary's on the canary Ingress alone, and a weight that is its share of the total", () => {
    fc.assert(fc.property(onIngress, fc.integer({ min: 0, max: 100 }), (routing, weight) => {
      const [main, canary] = [mainAnnotations(parsed(routing), "shop-v2-1"), canaryAnnotations(parsed(routing), weight)];
      const prefix = "nginx.ingress.kubernetes.io/canary";
      expect(Object.keys(main).filter((key) => key.startsWith(prefix))).to.deep.equal([]);
      expect(Object.values({ ...main, ...canary }).every((value) => typeof value === "string")).to.equal(true);
      expect(Object.values({ ...main, ...canary }).join()).to.not.match(/undefined|NaN|\[object/);
      expect(canary[`${prefix}-weight`]).to.match(/^\d+$/);
      expect((100 * Number(canary[`${prefix}-weight`])) / Number(canary[`${prefix}-weight-total`] ?? 100)).to.equal(weight);
    }), { numRuns: 200 });
  });

  it("declares one route on Gateway API, whose last rule splits by weights of 100 in all", async () => {
    await fc.assert(fc.asyncProperty(onGateway, fc.integer({ min: 0, max: 100 }), async (routing, weight) => {
      const { resources } = await declare(raw(routing, { ...gateway, weight }));
      const { rules } = find(resources, "HTTPRoute", "shop").inputs.spec;
      expect(rules.at(-1).backendRefs.map((ref: { name: string; weight: number }) => [ref.name, ref.weight])).to.deep.equal([["shop-stable", 100 - weight], ["shop-canary", weight]]);
      expect(rules.length).to.equal(routing["header"] && ("value" in (routing["header"] as object) || "pattern" in (routing["header"] as object)) ? 2 : 3);
    }), { numRuns: 30 });
  }).timeout(30_000);

  it("is refused on Gateway API by exactly the keys that an HTTPRoute cannot do", () => {
    fc.assert(fc.property(onIngress, (routing) => {
      const problems = (() => {
        try {
          parseConfig(raw(routing, gateway));
          return [];
        } catch (error) {
          return (error as ConfigError).problems;
        }
      })();
      const named = problems.map((sentence) => /^canary:services\.shop\.routing\.(\w+)/.exec(sentence)?.[1]).sort();
      const annotated = "nginx.ingress.kubernetes.io/enable-cors" in ((routing["annotations"] as object | undefined) ?? {});
      const expected = Object.keys(routing).filter((key) => !["pathType", "header", "annotations"].includes(key) && !(key === "weightTotal" && routing[key] === 100));
      expect(named).to.deep.equal([...expected, ...(annotated ? ["annotations"] : [])].sort());
    }), { numRuns: 200 });
  });
});

describe("a split that is declared without the stack's parser", () => {
  const args = (routing: Raw) => ({
    namespace: "shop", hosts: ["shop.example"], paths: ["/"], weight: 5, stableService: "s", canaryService: "c", servicePort: 80, ingressClass: "nginx",
    gateway: { name: "edge" }, routing: parsed(routing),
  });

  it("refuses what its router cannot do, in a sentence", () => {
    expect(() => new GatewaySplit("shop", args({ session: { kind: "cookie" }, cookie: "try" }))).to.throw(
      "GatewaySplit shop: routing.cookie must be absent, because an HTTPRoute has no match by cookie.\n" +
      "GatewaySplit shop: routing.session must be absent, because an HTTPRoute has no session affinity.");
    expect(() => new TrafficSplit("shop", { ...args({}), routing: { ...parsed({}), backendHeader: "X-Served-By" } })).to.throw(
      "TrafficSplit shop: routing.backendHeader must be absent, because annotations cannot set a header for one track alone");
  });
});
