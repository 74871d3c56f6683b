import { lookup as resolve } from "node:dns/promises";
import type { LookupAddress, LookupOptions } from "node:dns";
import axios, { isAxiosError } from "axios";
import { bulkhead } from "cockatiel";
import { ServiceUnavailable } from "../resilience/policies";

/** Bytes of an answer that are read; nobody has more to say. */
const LONGEST_ANSWER = 65_536;
/** Bounds of what a server may ask for by Retry-After, in seconds. */
const RETRY_AFTER = { least: 1, most: 60 };

/** What a server answered. */
export interface Answer {
  readonly status: number;
  readonly body: string;
  /** What its Retry-After asks for, within bounds; in seconds. */
  readonly retryAfter?: number;
}

export interface Post {
  /** How a sentence names the server. */
  readonly service: string;
  readonly url: URL;
  readonly body: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal | undefined;
}

const turn = bulkhead(1, Number.MAX_SAFE_INTEGER);
const asked = new Map<string, Promise<LookupAddress[]>>();

/**
 * One name at a time, and each once: a lookup occupies one of the few threads that files and other names need too, and where no name
 * server answers it does so for half a minute, whatever is aborted meanwhile.
 */
async function lookup(hostname: string, options: LookupOptions): Promise<LookupAddress[]> {
  const known = asked.get(hostname);
  if (known) return known;
  const answer = turn.execute(() => resolve(hostname, { ...options, all: true })).finally(() => asked.delete(hostname));
  asked.set(hostname, answer);
  return answer;
}

/** Seconds or a date, as RFC 9110 has it, within our bounds; undefined where there is none. */
export function retryAfter(text: string | undefined, now: number): number | undefined {
  if (text === undefined) return undefined;
  const seconds = /^\s*\d+\s*$/.test(text) ? Number(text) : (Date.parse(text) - now) / 1000;
  return Number.isNaN(seconds) ? undefined : Math.min(RETRY_AFTER.most, Math.max(RETRY_AFTER.least, seconds));
}

/** What went wrong, without what a secret address could be read from. */
const clause = (error: unknown): string => (isAxiosError(error) && error.code ? error.code : "the request failed");

/**
 * Posts JSON and returns whatever is answered; a redirect is an answer too, and never followed.
 *
 * @throws ServiceUnavailable without a cause, because addresses and keys stand in those of the HTTP client
 */
export async function post({ service, url, body, headers, signal }: Post): Promise<Answer> {
  try {
    const answer = await axios.post<string>(url.href, body, {
      headers: { "content-type": "application/json", "user-agent": "pulumi-canary", ...headers },
      responseType: "text", transformResponse: (text: unknown) => text, transformRequest: (text: unknown) => text,
      maxContentLength: LONGEST_ANSWER, maxRedirects: 0, validateStatus: () => true, lookup: lookup as never,
      ...(signal ? { signal } : {}),
    });
    const after = retryAfter(answer.headers["retry-after"] as string | undefined, Date.now());
    return { status: answer.status, body: String(answer.data ?? ""), ...(after === undefined ? {} : { retryAfter: after }) };
  } catch (error) {
    throw new ServiceUnavailable(`${service} cannot be reached (${clause(error)}).`);
  }
}
