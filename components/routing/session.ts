import { createHash } from "node:crypto";
import type { Routing } from "../config";

type CookieSession = Extract<NonNullable<Routing["session"]>, { kind: "cookie" }>;

/**
 * Name of the session cookie.
 *
 * A sticky cookie names the track that served, and ingress-nginx looks at it before the weight: cookies of an earlier rollout would
 * lead their sessions onto the next canary at weight 0. So a rollout has a name of its own, made from its newest revision: the canary's
 * while there is one, stable's otherwise. A promotion makes the canary's revision the stable one, so that the name stays, through the
 * undo window too, and no session loses its pod for the rollout's end. A rollback or an undo goes back to the name of the revision that
 * is stable again, and with it to the cookies that browsers still hold. The price is paid at the start of a rollout: each session is
 * drawn once more, at the weight of that moment, and finds a pod anew.
 *
 * With `legacy` no cookie ever names the canary, and the name never changes.
 *
 * @param newest name of the newest revision that serves: the canary's, or stable's where there is none.
 */
export function sessionCookie({ name, canary }: CookieSession, newest: string): string {
  return canary === "legacy" ? name : `${name}-${createHash("sha256").update(newest).digest("hex").slice(0, 8)}`;
}
