import { CANARY, CANARY_BY_HEADER, CANARY_WEIGHT, CANARY_WEIGHT_TOTAL, NGINX } from "../annotations";
import type { Routing } from "../config";
import { sessionCookie } from "./session";

type Annotations = Readonly<Record<string, string>>;

/** Full keys, and only those that have a value. */
const annotations = (values: Readonly<Record<string, string | number | boolean | undefined>>): Annotations =>
  Object.fromEntries(Object.entries(values).flatMap(([name, value]) => (value === undefined ? [] : [[`${NGINX}/${name}`, String(value)]])));

/** ingress-nginx reads these, and of all others only the canary's own, from a canary Ingress; its main one gives it the rest. */
const READ_FROM_BOTH = /^nginx\.ingress\.kubernetes\.io\/(load-balance|upstream-hash-by.*)$/;

const hashBy = ({ session }: Routing): Annotations => annotations({
  // Not $binary_remote_addr, which is ingress-nginx's usual: Traefik knows no such variable, and would send everybody to one pod.
  "upstream-hash-by": session?.kind === "client-ip" ? "$remote_addr" : undefined,
});

function affinity({ session }: Routing, newest: string): Annotations {
  if (session?.kind !== "cookie") return {};
  return annotations({
    "affinity": "cookie",
    "session-cookie-name": sessionCookie(session, newest),
    "session-cookie-max-age": session.maxAgeSeconds,
    "session-cookie-samesite": session.sameSite,
    "session-cookie-secure": session.secure,
  });
}

function retries({ retries: retry }: Routing): Annotations {
  if (retry === undefined) return {};
  const conditions = retry.on.map((condition) => (typeof condition === "number" ? `http_${condition}` : condition));
  return annotations({
    "proxy-next-upstream": [...conditions, ...(retry.nonIdempotent ? ["non_idempotent"] : [])].join(" "),
    "proxy-next-upstream-tries": retry.attempts,
    "proxy-next-upstream-timeout": retry.timeoutSeconds,
  });
}

function limits({ limits: limit }: Routing): Annotations {
  return annotations({
    "limit-connections": limit?.connections,
    "limit-rps": limit?.requestsPerSecond,
    "limit-rpm": limit?.requestsPerMinute,
    "limit-burst-multiplier": limit?.requestsPerSecond ?? limit?.requestsPerMinute ? limit?.burst : undefined,
  });
}

/**
 * Annotations of the main Ingress.
 *
 * @param newest name of the newest revision that serves, of which the session cookie gets its name
 */
export const mainAnnotations = (routing: Routing, newest: string): Annotations => ({
  ...routing.annotations,
  ...affinity(routing, newest),
  ...hashBy(routing),
  ...retries(routing),
  ...annotations({
    "proxy-connect-timeout": routing.timeouts?.connectSeconds,
    "proxy-read-timeout": routing.timeouts?.readSeconds,
    "proxy-send-timeout": routing.timeouts?.sendSeconds,
    "default-backend": routing.fallback?.service,
    "custom-http-errors": routing.fallback?.on.length ? routing.fallback.on.join(",") : undefined,
  }),
  ...limits(routing),
});

/**
 * Annotations of the canary Ingress.
 *
 * @param weight percent, a whole number 0 … 100
 */
export const canaryAnnotations = (routing: Routing, weight: number): Annotations => ({
  ...Object.fromEntries(Object.entries(routing.annotations).filter(([key]) => READ_FROM_BOTH.test(key))),
  ...hashBy(routing),
  [CANARY]: "true",
  [CANARY_WEIGHT]: String((weight * routing.weightTotal) / 100),
  ...(routing.weightTotal === 100 ? {} : { [CANARY_WEIGHT_TOTAL]: String(routing.weightTotal) }),
  [CANARY_BY_HEADER]: routing.header.name,
  ...annotations({
    "canary-by-header-value": routing.header.value,
    "canary-by-header-pattern": routing.header.pattern,
    "canary-by-cookie": routing.cookie,
    "affinity-canary-behavior": routing.session?.kind === "cookie" && routing.session.canary === "legacy" ? "legacy" : undefined,
  }),
});
