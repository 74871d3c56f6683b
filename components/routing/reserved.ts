import { NGINX } from "../annotations";

/** Annotations that a key of `routing` writes, by that key: one way to say a thing. */
const TYPED: Readonly<Record<string, string>> = {
  "affinity": "session",
  "affinity-canary-behavior": "session",
  "session-cookie-name": "session",
  "session-cookie-max-age": "session",
  "session-cookie-samesite": "session",
  "session-cookie-secure": "session",
  "proxy-connect-timeout": "timeouts",
  "proxy-read-timeout": "timeouts",
  "proxy-send-timeout": "timeouts",
  "proxy-next-upstream": "retries",
  "proxy-next-upstream-tries": "retries",
  "proxy-next-upstream-timeout": "retries",
  "limit-connections": "limits",
  "limit-rps": "limits",
  "limit-rpm": "limits",
  "limit-burst-multiplier": "limits",
  "default-backend": "fallback",
  "custom-http-errors": "fallback",
};

/** Why an annotation is not the user's to set, as a clause; undefined when it is. */
export function reservedBy(key: string): string | undefined {
  if (/^(pulumi\.com|canary\.dev)\//.test(key)) return "the release sets such annotations itself";
  if (key === "kubernetes.io/ingress.class") return "canary:ingressClass says it";
  if (!key.startsWith(`${NGINX}/`)) return undefined;
  const name = key.slice(NGINX.length + 1);
  if (name === "canary" || name.startsWith("canary-")) return "the canary's annotations are the release's own";
  const option = TYPED[name];
  return option && `routing.${option} says it`;
}
