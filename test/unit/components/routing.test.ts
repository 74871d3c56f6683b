import { expect } from "chai";
import { parseConfig } from "../../../components/config";
import { canaryHeader } from "../../../components/routing/header";
import { sessionCookie } from "../../../components/routing/session";
import { problemsOf as configProblems, stack, type Raw } from "./declare";

const problemsOf = (keys: Raw): readonly string[] => configProblems(stack(keys));

const shop = (routing: Raw, keys: Raw = {}): Raw => ({ services: { shop: { image: "shop", port: 8080, hosts: ["shop.example"], routing, ...keys } } });
const gateway = { router: "gateway-api", gateway: { name: "edge" }, analysis: { source: "traefik-gateway" } };
const KEY = "canary:services.shop.routing";
const NGINX = "nginx.ingress.kubernetes.io";

describe("the routing of a service", () => {
  const refused: readonly (readonly [string, Raw, string])[] = [
    ["a header name that a controller ignores", shop({ header: { name: "X_Canary" } }),
      `${KEY}.header.name is "X_Canary": it must consist of letters, digits and "-", because ingress-nginx silently drops any other header name.`],
    ["a header value that a controller drops", shop({ header: { value: "a b" } }),
      `${KEY}.header.value is "a b": it must consist of letters, digits and "-._~/:", because ingress-nginx silently drops any other header value.`],
    ["a header pattern that a controller drops", shop({ header: { pattern: "a;b" } }),
      `${KEY}.header.pattern is "a;b": it must be a regular expression of letters, digits and "-._~/:^$[](){}*+?|&=\\", because ingress-nginx silently drops any other.`],
    ["a header pattern that does not compile", shop({ header: { pattern: "(a" } }),
      `${KEY}.header.pattern is "(a": it must be a regular expression of letters, digits and "-._~/:^$[](){}*+?|&=\\", because ingress-nginx silently drops any other.`],
    ["a header pattern beside a value", shop({ header: { value: "a", pattern: "b" } }),
      `${KEY}.header.pattern is "b": it must be absent where header.value is set, because ingress-nginx ignores it then.`],
    ["a cookie name that a controller drops", shop({ cookie: "my cookie" }),
      `${KEY}.cookie is "my cookie": it must consist of letters, digits and "-._~", because ingress-nginx silently drops any other cookie name.`],
    ["a session cookie's name that a controller drops", shop({ session: { kind: "cookie", name: "a/b" } }),
      `${KEY}.session.name is "a/b": it must consist of letters, digits and "-._~", because ingress-nginx silently drops any other cookie name.`],
    ["a weight total that cannot hold percents", shop({ weightTotal: 250 }), `${KEY}.weightTotal is 250: it must be a multiple of 100 from 100 to 1000000.`],
    ["a weight total that is ignored", shop({ weightTotal: 50 }), `${KEY}.weightTotal is 50: it must be a multiple of 100 from 100 to 1000000.`],
    ["a session of an unknown kind", shop({ session: { kind: "header" } }), `${KEY}.session.kind is "header": it must be one of cookie, client-ip.`],
    ["a misspelt key of a session", shop({ session: { kind: "cookie", maxage: "1h" } }), `${KEY}.session.maxage is not a known key: did you mean ${KEY}.session.maxAge?`],
    ["a SameSite that browsers drop", shop({ session: { kind: "cookie", sameSite: "None" } }),
      `${KEY}.session.secure is missing: it must be true where sameSite is None, because browsers drop such a cookie otherwise.`],
    ["a session by address that an annotation says otherwise", shop({ session: { kind: "client-ip" }, annotations: { [`${NGINX}/upstream-hash-by`]: "$request_uri" } }),
      `${KEY}.session is a map: it must not be client-ip beside the annotation upstream-hash-by, which says the same.`],
    ["a retry on an unknown status", shop({ retries: { on: [418] } }), `${KEY}.retries.on[0] is 418: it must be error, timeout, or one of the statuses 403, 404, 429, 500, 502, 503, 504.`],
    ["no try at all", shop({ retries: { attempts: 0 } }), `${KEY}.retries.attempts is 0: it must be a whole number from 1 to 10.`],
    ["a timeout of no time", shop({ timeouts: { read: "0s" } }), `${KEY}.timeouts.read is "0s": it must be at least 1s.`],
    ["a timeout of half seconds", shop({ timeouts: { read: "1500ms" } }), `${KEY}.timeouts.read is "1500ms": it must be a duration of whole seconds, such as 90s or 15m.`],
    ["a fallback for good answers", shop({ fallback: { service: "sorry", on: [200] } }), `${KEY}.fallback.on[0] is 200: it must be a whole number from 400 to 599.`],
    ["an annotation of the canary", shop({ annotations: { [`${NGINX}/canary-weight`]: "5" } }),
      `${KEY}.annotations.${NGINX}/canary-weight has a bad name: it must be absent here, because the canary's annotations are the release's own.`],
    ["an annotation that has a key of its own", shop({ annotations: { [`${NGINX}/proxy-read-timeout`]: "5" } }),
      `${KEY}.annotations.${NGINX}/proxy-read-timeout has a bad name: it must be absent here, because routing.timeouts says it.`],
    ["an annotation that Pulumi reads", shop({ annotations: { "pulumi.com/skipAwait": "false" } }),
      `${KEY}.annotations.pulumi.com/skipAwait has a bad name: it must be absent here, because the release sets such annotations itself.`],
    ["an annotation whose key is none", shop({ annotations: { "a b": "c" } }), `${KEY}.annotations.a b has a bad name: it must be the key of an annotation.`],
    ["a certificate for a stranger", shop({ tls: [{ hosts: ["other.example"], secretName: "cert" }] }),
      `${KEY}.tls[0].hosts[0] is "other.example": it must be one of the service's hosts, or no request ever gets that certificate.`],
    ["a response header that annotations cannot set", shop({ backendHeader: "X-Canary-Backend" }),
      `${KEY}.backendHeader is "X-Canary-Backend": it must be absent with canary:router ingress-nginx, because annotations cannot set a header for one track alone; ` +
      "let the app answer with its environment variable CANARY_BACKEND."],
    ["a Gateway that nothing attaches to", { gateway: { name: "edge" } }, "canary:gateway is set: it must be absent with canary:router ingress-nginx."],
    ["counters of another router", { analysis: { source: "traefik-gateway" } },
      'canary:analysis.source is "traefik-gateway": it must be ingress-nginx, traefik or app with canary:router ingress-nginx.'],
    ["an unknown router", { router: "istio" }, 'canary:router is "istio": it must be one of ingress-nginx, gateway-api.'],
    ["gateway-api without a Gateway", { ...gateway, gateway: undefined },
      "canary:gateway is missing: with canary:router gateway-api it must name the Gateway that the routes attach to."],
    ["gateway-api with another router's counters", { ...gateway, analysis: {} },
      'canary:analysis.source is "ingress-nginx": it must be traefik-gateway or app with canary:router gateway-api.'],
  ];
  for (const [what, keys, sentence] of refused) it(`refuses ${what}`, () => expect(problemsOf(keys)).to.deep.equal([sentence]));

  const notOnGateway: readonly (readonly [string, Raw, string])[] = [
    ["pathType", { pathType: "ImplementationSpecific" }, 'is "ImplementationSpecific": it must be absent with canary:router gateway-api, because an HTTPRoute knows Prefix and Exact only.'],
    ["cookie", { cookie: "try" }, 'is "try": it must be absent with canary:router gateway-api, because an HTTPRoute has no match by cookie.'],
    ["session", { session: { kind: "cookie" } }, "is a map: it must be absent with canary:router gateway-api, because an HTTPRoute has no session affinity."],
    ["weightTotal", { weightTotal: 1000 }, "is 1000: it must be absent with canary:router gateway-api, because an HTTPRoute has no total, its weights are shares of their sum."],
    ["tls", { tls: [{ hosts: ["shop.example"], secretName: "cert" }] }, "is a list: it must be absent with canary:router gateway-api, because TLS ends at the Gateway's listener."],
    ["retries", { retries: {} }, "is a map: it must be absent with canary:router gateway-api, because the retries of an HTTPRoute are experimental and Traefik has none."],
    ["timeouts", { timeouts: { read: "5s" } }, "is a map: it must be absent with canary:router gateway-api, because an HTTPRoute has no such timeouts."],
    ["limits", { limits: { connections: 5 } }, "is a map: it must be absent with canary:router gateway-api, because an HTTPRoute has no limits."],
    ["fallback", { fallback: { service: "sorry" } }, "is a map: it must be absent with canary:router gateway-api, because an HTTPRoute has no fallback."],
    [`annotations.${NGINX}/enable-cors`, { annotations: { [`${NGINX}/enable-cors`]: "true" } },
      "is set: it must be absent with canary:router gateway-api, because only Ingresses have such annotations."],
  ];
  for (const [key, routing, rest] of notOnGateway)
    it(`refuses ${key} on gateway-api by naming the router`, () => expect(problemsOf({ ...gateway, ...shop(routing) })).to.deep.equal([`${KEY}.${key} ${rest}`]));

  it("refuses more hosts than an HTTPRoute takes", () => {
    const hosts = Array.from({ length: 17 }, (_, i) => `h${i}.example`);
    expect(problemsOf({ ...gateway, ...shop({}, { hosts }) })).to.deep.equal([
      "canary:services.shop.hosts has 17 entries: it must have at most 16 with canary:router gateway-api, which is what an HTTPRoute takes."]);
  });

  it("takes everything that a router can do, and says durations in seconds", () => {
    const session = { kind: "cookie", name: "sid", maxAge: "1h", canary: "legacy", sameSite: "None", secure: true };
    const routing = { session, retries: { on: ["error", 502], timeout: "10s" }, timeouts: { connect: "2s", send: "1m" }, fallback: { service: "sorry", on: [503] } };
    expect(parseConfig(stack(shop(routing))).services["shop"]!.routing).to.deep.include({
      session: { kind: "cookie", name: "sid", maxAgeSeconds: 3600, canary: "legacy", sameSite: "None", secure: true },
      retries: { attempts: 3, on: ["error", 502], nonIdempotent: false, timeoutSeconds: 10 },
      timeouts: { connectSeconds: 2, readSeconds: undefined, sendSeconds: 60 },
      fallback: { service: "sorry", on: [503] },
      weightTotal: 100,
      tls: [],
      annotations: {},
    });
    expect(problemsOf({ ...gateway, ...shop({ backendHeader: "none", header: { pattern: "^a+$" }, annotations: { "external-dns.example/hostname": "x" } }) })).to.deep.equal([]);
  });
});

describe("the name of a session cookie", () => {
  const sticky = { kind: "cookie", name: "sid", canary: "sticky" } as const;

  it("is the newest revision's: one in a rollout and after its promotion, another in the next rollout", () => {
    expect(sessionCookie(sticky, "shop-v2-abc")).to.match(/^sid-[0-9a-f]{8}$/).and.to.equal(sessionCookie(sticky, "shop-v2-abc"));
    expect(sessionCookie(sticky, "shop-v3-abc")).to.not.equal(sessionCookie(sticky, "shop-v2-abc"));
  });

  it("never changes with canary behaviour legacy, in which no cookie names the canary", () => {
    expect(sessionCookie({ ...sticky, canary: "legacy" }, "shop-v2-abc")).to.equal("sid");
  });
});

describe("the header of a probe", () => {
  const headerOf = (header: Raw) => canaryHeader(parseConfig(stack(shop({ header }))).services["shop"]!.routing);

  it("says always, or the value that the rule wants; for a pattern there is none", () => {
    expect(headerOf({ name: "X-Try" })).to.deep.equal({ name: "X-Try", value: "always" });
    expect(headerOf({ name: "X-Try", value: "beta" })).to.deep.equal({ name: "X-Try", value: "beta" });
    expect(headerOf({ name: "X-Try", pattern: "^b" })).to.equal(undefined);
  });
});
