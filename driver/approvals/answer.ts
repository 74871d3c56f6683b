import type { Answer } from "../notify/post";
import { clean } from "../view/clean";

/** What an approver's server says. Whatever is not a plain yes is none. */
export type Reply =
  | { readonly says: "yes" | "no"; readonly reason?: string }
  /** `seconds`: when it wants to be asked again. */
  | { readonly says: "later"; readonly seconds?: number }
  /** `why`: in one clause. */
  | { readonly says: "nothing"; readonly why: string };

/** Characters of a reason that are kept; it goes into the journal and to the terminal. */
const LONGEST_REASON = 500;

const nothing = (why: string): Reply => ({ says: "nothing", why });

function parsed(body: string): unknown {
  try {
    return JSON.parse(body) as unknown;
  } catch {
    return undefined;
  }
}

/**
 * Reads an answer: 202 is later; 200 is JSON with `approved`, true or false, and maybe a `reason`; or with `pending: true`. Anything
 * else, a login page for instance, is no answer. Pure.
 */
export function readReply({ status, body, retryAfter }: Answer): Reply {
  const later: Reply = { says: "later", ...(retryAfter === undefined ? {} : { seconds: retryAfter }) };
  if (status === 202 || status === 429) return later;
  if (status >= 300 && status < 400) return nothing(`it answered HTTP ${status}, and redirects are not followed`);
  if (status !== 200) return nothing(`it answered HTTP ${status}`);
  const value = parsed(body);
  if (typeof value !== "object" || value === null || Array.isArray(value)) return nothing("its answer is no JSON object");
  const { approved, pending, reason } = value as Readonly<Record<string, unknown>>;
  if (pending === true && approved === undefined) return later;
  if (typeof approved !== "boolean" || (pending !== undefined && pending !== false)) return nothing("its answer says neither approved: true nor approved: false");
  if (reason !== undefined && reason !== null && typeof reason !== "string") return nothing("the reason in its answer is no text");
  const said = typeof reason === "string" ? clean(reason).trim().slice(0, LONGEST_REASON) : "";
  return { says: approved ? "yes" : "no", ...(said === "" ? {} : { reason: said }) };
}
