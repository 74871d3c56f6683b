import { expect } from "chai";
import { declare, find, namesOf, stack, type Declared, type Raw } from "./declare";

const NGINX = "nginx.ingress.kubernetes.io";
const AWAIT = { "pulumi.com/skipAwait": "true" };
const LIVE = { ...AWAIT, "pulumi.com/patchForce": "true" };

const shop = (routing: Raw, keys: Raw = {}): Raw =>
  stack({ services: { shop: { image: "shop", port: 8080, hosts: ["shop.example", "*.shop.example"], paths: ["/", "/api"], routing } }, ...keys });
const gateway = (routing: Raw = {}, keys: Raw = {}): Raw =>
  shop(routing, { router: "gateway-api", gateway: { name: "edge", namespace: "infra", sectionName: "web" }, analysis: { source: "app" }, ...keys });

const ofNginx = (values: Raw): Raw => Object.fromEntries(Object.entries(values).map(([key, value]) => [`${NGINX}/${key}`, value]));
const annotations = (resources: readonly Declared[], name: string): Raw => find(resources, "Ingress", name).inputs.metadata.annotations;

describe("the split on ingress-nginx annotations", () => {
  const cases: readonly (readonly [string, Raw, Raw, Raw])[] = [
    ["a header value", { header: { name: "X-Try", value: "beta" } }, {}, { "canary-by-header": "X-Try", "canary-by-header-value": "beta" }],
    ["a header pattern", { header: { pattern: "^b.+$" } }, {}, { "canary-by-header-pattern": "^b.+$" }],
    ["a cookie", { cookie: "try" }, {}, { "canary-by-cookie": "try" }],
    ["a weight total", { weightTotal: 1000 }, {}, { "canary-weight": "250", "canary-weight-total": "1000" }],
    ["a session by address", { session: { kind: "client-ip" } }, { "upstream-hash-by": "$remote_addr" }, { "upstream-hash-by": "$remote_addr" }],
    ["retries", { retries: { attempts: 2, on: ["error", "timeout", 502], nonIdempotent: true, timeout: "10s" } },
      { "proxy-next-upstream": "error timeout http_502 non_idempotent", "proxy-next-upstream-tries": "2", "proxy-next-upstream-timeout": "10" }, {}],
    ["timeouts", { timeouts: { connect: "2s", read: "1m", send: "5s" } }, { "proxy-connect-timeout": "2", "proxy-read-timeout": "60", "proxy-send-timeout": "5" }, {}],
    ["limits", { limits: { connections: 8, requestsPerSecond: 20, requestsPerMinute: 600, burst: 3 } },
      { "limit-connections": "8", "limit-rps": "20", "limit-rpm": "600", "limit-burst-multiplier": "3" }, {}],
    ["a limit of connections, to which no burst belongs", { limits: { connections: 8 } }, { "limit-connections": "8" }, {}],
    ["a fallback", { fallback: { service: "sorry", on: [502, 503] } }, { "default-backend": "sorry", "custom-http-errors": "502,503" }, {}],
    ["a fallback without statuses", { fallback: { service: "sorry" } }, { "default-backend": "sorry" }, {}],
    ["further annotations, of which the canary gets those that are read from it",
      { annotations: ofNginx({ "enable-cors": "true", "load-balance": "ewma" }) as Raw }, { "enable-cors": "true", "load-balance": "ewma" }, { "load-balance": "ewma" }],
  ];
  for (const [what, routing, main, canary] of cases)
    it(`declares ${what}`, async () => {
      const { resources } = await declare(shop(routing, { canary: "v2", weight: 25 }));
      expect(annotations(resources, "shop-stable")).to.deep.equal({ ...AWAIT, ...ofNginx(main) });
      const defaults = { "canary": "true", "canary-weight": "25", "canary-by-header": "X-Canary" };
      expect(annotations(resources, "shop-canary")).to.deep.equal({ ...LIVE, ...ofNginx({ ...defaults, ...canary }) });
    });

  it("declares certificates on the main Ingress alone, and the URL is https where the host has one", async () => {
    const tls = [{ hosts: ["shop.example"], secretName: "shop-tls" }];
    const { resources, outputs } = await declare(shop({ tls }));
    expect(find(resources, "Ingress", "shop-stable").inputs.spec.tls).to.deep.equal(tls);
    expect(find(resources, "Ingress", "shop-canary").inputs.spec).to.not.have.property("tls");
    expect(outputs.services["shop"]!.url).to.equal("https://shop.example/");
  });

  describe("with a session cookie", () => {
    const session = { kind: "cookie", name: "sid", maxAge: "1h", sameSite: "Lax", secure: true };
    const cookieOf = async (keys: Raw, more: Raw = {}): Promise<unknown> =>
      annotations((await declare(shop({ session: { ...session, ...more } }, keys))).resources, "shop-stable")[`${NGINX}/session-cookie-name`];

    it("declares it on the main Ingress, and legacy on the canary's", async () => {
      const { resources } = await declare(shop({ session: { ...session, canary: "legacy" } }));
      expect(annotations(resources, "shop-stable")).to.deep.equal({ ...AWAIT, ...ofNginx({
        "affinity": "cookie", "session-cookie-name": "sid", "session-cookie-max-age": "3600", "session-cookie-samesite": "Lax", "session-cookie-secure": "true",
      }) });
      expect(annotations(resources, "shop-canary")).to.include(ofNginx({ "affinity-canary-behavior": "legacy" }));
    });

    it("names it anew at the start of a rollout, and so no old cookie leads onto the new canary", async () => {
      const [before, during, next] = [await cookieOf({}), await cookieOf({ canary: "v2" }), await cookieOf({ canary: "v3" })];
      expect(new Set([before, during, next]).size).to.equal(3);
    });

    it("keeps its name from the first stage to the end of the undo window and beyond, so that a promotion logs nobody out", async () => {
      const states: Raw[] = [
        { canary: "v2" }, { canary: "v2", weight: 50 }, { canary: "v2", weight: 100 }, { stable: "v2", canary: "v2", previous: "v1", weight: 100 },
        { stable: "v2", previous: "v1" }, { stable: "v2" },
      ];
      const names = new Set<unknown>();
      for (const keys of states) names.add(await cookieOf(keys));
      expect(names.size).to.equal(1);
    });

    it("goes back to the old name with a rollback or an undo, so that sessions find the pods they had", async () => {
      const before = await cookieOf({});
      expect(await cookieOf({ canary: { version: "v2", withdrawn: true } })).to.not.equal(before);
      expect(await cookieOf({ stable: "v1", previous: "v2" })).to.equal(before);
    });

    it("never changes its name with legacy, in which the canary gives out no cookie", async () => {
      expect([await cookieOf({}, { canary: "legacy" }), await cookieOf({ canary: "v2" }, { canary: "legacy" })]).to.deep.equal(["sid", "sid"]);
    });
  });
});

describe("the split on Gateway API", () => {
  const route = async (raw: Raw) => find((await declare(raw)).resources, "HTTPRoute", "shop").inputs;
  const backend = (track: string, weight: number): Raw => ({
    name: `shop-${track}`, port: 80, weight,
    filters: [{ type: "ResponseHeaderModifier", responseHeaderModifier: { set: [{ name: "X-Canary-Backend", value: `shop-${track}` }] } }],
  });
  const matches = (type: string, ...headers: Raw[]): Raw[] => ["/", "/api"].map((value) => ({ path: { type, value }, ...(headers.length ? { headers } : {}) }));
  const canaryHeader = (value: string, type = "Exact", name = "X-Canary"): Raw => ({ name, type, value });

  it("is one HTTPRoute with a rule for each header value and one of two weights, and no Ingress", async () => {
    const { resources, outputs } = await declare(gateway({}, { canary: "v2", weight: 25 }));
    expect(namesOf(resources, "Ingress")).to.deep.equal([]);
    const { apiVersion, kind, metadata, spec } = find(resources, "HTTPRoute", "shop").inputs;
    expect({ apiVersion, kind }).to.deep.equal({ apiVersion: "gateway.networking.k8s.io/v1", kind: "HTTPRoute" });
    expect(metadata).to.deep.equal({ name: "shop", namespace: "shop", annotations: LIVE, labels: { "app.kubernetes.io/name": "shop", "app.kubernetes.io/managed-by": "pulumi" } });
    expect(spec).to.deep.equal({
      parentRefs: [{ name: "edge", namespace: "infra", sectionName: "web" }],
      hostnames: ["shop.example", "*.shop.example"],
      rules: [
        { matches: matches("PathPrefix", canaryHeader("always")), backendRefs: [backend("canary", 1)] },
        { matches: matches("PathPrefix", canaryHeader("never")), backendRefs: [backend("stable", 1)] },
        { matches: matches("PathPrefix"), backendRefs: [backend("stable", 75), backend("canary", 25)] },
      ],
    });
    const { httpRoute, stableIngress } = outputs.services["shop"]!;
    expect({ httpRoute, stableIngress }).to.deep.equal({ httpRoute: "shop", stableIngress: undefined });
  });

  it("matches a header value or pattern, and then nothing sends a request to stable by header", async () => {
    const byValue = await route(gateway({ pathType: "Exact", header: { name: "X-Try", value: "beta" } }));
    expect(byValue.spec.rules.slice(0, -1)).to.deep.equal([{ matches: matches("Exact", canaryHeader("beta", "Exact", "X-Try")), backendRefs: [backend("canary", 1)] }]);
    const byPattern = await route(gateway({ header: { pattern: "^b.+$" } }));
    expect(byPattern.spec.rules.slice(0, -1)).to.deep.equal([{ matches: matches("PathPrefix", canaryHeader("^b.+$", "RegularExpression")), backendRefs: [backend("canary", 1)] }]);
  });

  it("names the response header as the config says, or sets none", async () => {
    expect(JSON.stringify(await route(gateway({ backendHeader: "X-Served-By" })))).to.include('"name":"X-Served-By"').and.not.include("X-Canary-Backend");
    expect(JSON.stringify(await route(gateway({ backendHeader: "none" })))).to.not.include("filters");
  });

  it("keeps foreign annotations beside its own", async () => {
    expect((await route(gateway({ annotations: { "external-dns.example/hostname": "x" } }))).metadata.annotations).to.deep.equal({ "external-dns.example/hostname": "x", ...LIVE });
  });

  it("changes by weight alone between two stages, and by selectors alone in a promotion", async () => {
    const kinds = async (raw: Raw) => (await declare(raw)).resources.filter(({ type }) => /HTTPRoute|:Service$/.test(type));
    const differing = async (before: Raw, after: Raw): Promise<string[]> => {
      const [old, next] = [await kinds(gateway({}, before)), await kinds(gateway({}, after))];
      return next.filter(({ inputs }, i) => JSON.stringify(inputs) !== JSON.stringify(old[i]?.inputs)).map(({ name }) => name);
    };
    expect(await differing({ canary: "v2", weight: 5 }, { canary: "v2", weight: 25 })).to.deep.equal(["shop"]);
    expect(await differing({ canary: "v2", weight: 100 }, { stable: "v2", canary: "v2", previous: "v1", weight: 100 })).to.deep.equal(["shop-stable"]);
    expect(await differing({ canary: "v2", weight: 50 }, { canary: { version: "v2", withdrawn: true } })).to.deep.equal(["shop-canary", "shop"]);
  });
});
