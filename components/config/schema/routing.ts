import { z } from "zod";
import { reservedBy } from "../../routing/reserved";
import { flag, label, oneOf, port, text, wholeSeconds, whole } from "./common";

// ingress-nginx reads a canary's header and cookie by name. Annotations with other characters it drops with a log line only (its
// internal/ingress/annotations), and request headers with other names it ignores (its defaults ignore-invalid-headers, no underscores).
const headerName = text(
  /^[A-Za-z0-9-]+$/,
  'it must consist of letters, digits and "-", because ingress-nginx silently drops any other header name',
);
const headerValue = text(
  /^[A-Za-z0-9\-._~/:]+$/,
  'it must consist of letters, digits and "-._~/:", because ingress-nginx silently drops any other header value',
);
const PATTERN_RULE = "it must be a regular expression of letters, digits and \"-._~/:^$[](){}*+?|&=\\\", because ingress-nginx silently drops any other";
const headerPattern = text(/^[A-Za-z0-9\-._~/:^$[\](){}*+?|&=\\]+$/, PATTERN_RULE).refine(compiles, { error: PATTERN_RULE });
const cookieName = text(
  /^[A-Za-z0-9\-._~]+$/,
  'it must consist of letters, digits and "-._~", because ingress-nginx silently drops any other cookie name',
);

function compiles(pattern: string): boolean {
  try {
    return new RegExp(pattern) instanceof RegExp;
  } catch {
    return false;
  }
}

const header = z.strictObject({
  name: headerName.default("X-Canary").describe("A request with this header and the value `always` goes to the canary, with `never` to stable."),
  value: headerValue.optional().describe("With this, only a request with exactly this value goes to the canary; `always` and `never` mean nothing then."),
  pattern: headerPattern.optional().describe(
    "With this, a request with a value that the regular expression finds something in goes to the canary; `always` and `never` mean nothing then. " +
    "The driver cannot guess such a value, so that it does not probe the canary."),
}).refine(({ value, pattern }) => value === undefined || pattern === undefined, {
  path: ["pattern"],
  error: "it must be absent where header.value is set, because ingress-nginx ignores it then",
});

const sessionByCookie = z.strictObject({
  kind: z.literal("cookie").describe("By a cookie of the router's, on a track and a pod."),
  name: cookieName.default("canary-session").describe("Name of the cookie; with the canary's behaviour `sticky` it gets a suffix of its own in every rollout."),
  maxAge: wholeSeconds.optional().describe("Time for which a browser keeps the cookie; without it until it is closed."),
  canary: oneOf(["sticky", "legacy"]).default("sticky").describe(
    "`sticky`: a session that met the canary stays on it. `legacy`: the canary has no sessions, each request is drawn anew until stable serves one, and the session " +
    "stays there. Traefik knows `sticky` only."),
  sameSite: oneOf(["Strict", "Lax", "None"]).optional().describe("The cookie's SameSite attribute."),
  secure: z.boolean({ error: "it must be true or false" }).optional()
    .describe("Whether the cookie is for HTTPS alone. Without it ingress-nginx goes by the request, and Traefik says no."),
}).refine(({ sameSite, secure }) => sameSite !== "None" || secure === true, {
  path: ["secure"],
  error: "it must be true where sameSite is None, because browsers drop such a cookie otherwise",
}).transform(({ maxAge, ...rest }) => ({ ...rest, ...(maxAge === undefined ? {} : { maxAgeSeconds: maxAge }) }));

/** Neither router draws the track by the client's address: this keeps a client on one pod of each track. */
const sessionByAddress = z.strictObject({ kind: z.literal("client-ip").describe("By the client's address, on one pod of each track.") });

const session = z.discriminatedUnion("kind", [sessionByCookie, sessionByAddress], { error: "it must be one of cookie, client-ip" });

const retries = z.strictObject({
  attempts: whole(1, 10).default(3).describe("Tries of one request, the first one included; 1 is no retry."),
  on: z.array(z.literal(["error", "timeout", 403, 404, 429, 500, 502, 503, 504], {
    error: "it must be error, timeout, or one of the statuses 403, 404, 429, 500, 502, 503, 504",
  }), { error: "it must be a list" }).min(1, { error: "it must name at least one condition" }).default(["error", "timeout"])
    .describe("What is tried again: connection errors, timeouts, and answers with these statuses."),
  nonIdempotent: flag(false).describe("Try POST, LOCK and PATCH again, too."),
  timeout: wholeSeconds.optional().describe("Time in which a request may be tried again; without it there is no limit."),
}).transform(({ timeout, ...rest }) => ({ ...rest, ...(timeout === undefined ? {} : { timeoutSeconds: timeout }) }));

const patience = wholeSeconds.refine((value) => value >= 1, { error: "it must be at least 1s" }).optional();
const timeouts = z.strictObject({
  connect: patience.describe("Time to connect to a pod."),
  read: patience.describe("Time between two reads of a pod's answer."),
  send: patience.describe("Time between two writes of a request to a pod."),
}).transform(({ connect, read, send }) => ({ connectSeconds: connect, readSeconds: read, sendSeconds: send }));

const limits = z.strictObject({
  connections: whole(1, 1_000_000).optional().describe("Requests that one client address may have open at a time."),
  requestsPerSecond: whole(1, 1_000_000).optional().describe("Requests of one client address in a second."),
  requestsPerMinute: whole(1, 1_000_000).optional().describe("Requests of one client address in a minute."),
  burst: whole(1, 100).default(5).describe("How many times the rate may be exceeded at once."),
});

const fallback = z.strictObject({
  service: label('it must be the name of a Service: lower-case letters, digits and "-", at most 63 characters')
    .describe("A Service of the same namespace, by its first port. It answers where a track has no ready pod."),
  on: z.array(whole(400, 599), { error: "it must be a list of statuses" }).default([])
    .describe("Statuses for which the fallback answers instead of the pod. A fallback that answers 200 hides errors from users, and on ingress-nginx from the gates."),
});

const tls = z.strictObject({
  hosts: z.array(z.string({ error: "it must be a host name" }), { error: "it must be a list of host names" }).min(1, { error: "it must name at least one host" })
    .describe("Hosts of the service that the certificate is for."),
  secretName: text(/^[a-z0-9]([-.a-z0-9]*[a-z0-9])?$/, "it must be the name of a Secret").describe("A Secret of type kubernetes.io/tls in the same namespace."),
});

const annotationKey = text(/^([a-z0-9]([-.a-z0-9]*[a-z0-9])?\/)?[A-Za-z0-9]([-._A-Za-z0-9]{0,61}[A-Za-z0-9])?$/, "it must be the key of an annotation", 317)
  .superRefine((key, context) => {
    const owner = reservedBy(key);
    if (owner !== undefined) context.addIssue({ code: "custom", message: `it must be absent here, because ${owner}` });
  });

const TOTAL_RULE = "it must be a multiple of 100 from 100 to 1000000";

/** How requests reach a service. */
export const routing = z.strictObject({
  pathType: oneOf(["Prefix", "Exact", "ImplementationSpecific"]).default("Prefix").describe("Path type of the Kubernetes Ingress."),
  header: header.prefault({}).describe("The header by which a single request chooses its track."),
  cookie: cookieName.optional().describe("Name of a cookie by which a browser chooses its track, with the values `always` and `never`."),
  weightTotal: z.int({ error: TOTAL_RULE }).min(100, { error: TOTAL_RULE }).max(1_000_000, { error: TOTAL_RULE }).multipleOf(100, { error: TOTAL_RULE }).default(100)
    .describe("What the weight on the Ingress is a part of; the stack's weight is in percent whatever this is."),
  session: session.optional().describe("Keeps the requests of one user together: by cookie on a track and a pod, by client address on one pod of each track."),
  tls: z.array(tls, { error: "it must be a list of {hosts, secretName}" }).default([]).describe("Certificates of the hosts."),
  retries: retries.optional().describe("What the router tries again; without it the controller's own defaults hold."),
  timeouts: timeouts.optional().describe("How long the router waits for a pod; without it the controller's own defaults hold."),
  limits: limits.optional().describe("What one client may ask for at a time; ingress-nginx answers 503 beyond it and Traefik 429."),
  fallback: fallback.optional().describe("Who answers where no pod can."),
  backendHeader: z.union([z.literal("none"), headerName], { error: "it must be none or the name of a header" }).optional()
    .describe("Response header in which the router says which track served, X-Canary-Backend where nothing else is said; router gateway-api only."),
  annotations: z.record(annotationKey, z.string({ error: "it must be a text" })).default({})
    .describe("Further annotations of the main Ingress, or of the HTTPRoute."),
}).refine(({ session: by, annotations }) => by?.kind !== "client-ip" || annotations["nginx.ingress.kubernetes.io/upstream-hash-by"] === undefined, {
  path: ["session"],
  error: "it must not be client-ip beside the annotation upstream-hash-by, which says the same",
});

/** What splits the traffic. */
export const router = oneOf(["ingress-nginx", "gateway-api"]).default("ingress-nginx")
  .describe("What splits the traffic: annotations of ingress-nginx (which Traefik serves too), or weights of Gateway API's HTTPRoute.");

const GATEWAY_RULE = "it must be the name of a Kubernetes object";
const dnsName = text(/^[a-z0-9]([-.a-z0-9]*[a-z0-9])?$/, GATEWAY_RULE);

/** The Gateway that the routes attach to. */
export const gateway = z.strictObject({
  name: dnsName.describe("Name of the Gateway."),
  namespace: dnsName.optional().describe("Its namespace; without it that of the release. Its listener must allow routes from there."),
  sectionName: dnsName.optional().describe("Name of one of its listeners; without it all of them."),
  port: port.optional().describe("Port of its listeners; without it all of them."),
});
