import { contentPolicy } from "../pages/policy";
import { DriverError } from "../errors";
import type { Exhibit } from "./exhibit";
import { listPage } from "./list-page";
import { failoverOf, type Site } from "./site";

export interface BodyReply {
  readonly kind: "body";
  readonly status: number;
  readonly type: string;
  readonly body: string;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface FeedReply {
  readonly kind: "feed";
  readonly exhibit: Exhibit;
}

/** What a path answers. */
export type Reply = BodyReply | FeedReply;

const body = (status: number, type: string, text: string, headers?: Readonly<Record<string, string>>): BodyReply => ({ kind: "body", status, type, body: text, ...(headers ? { headers } : {}) });

/** One sentence, or a few. */
export const plain = (status: number, sentence: string, headers?: Readonly<Record<string, string>>): BodyReply => body(status, "text/plain; charset=utf-8", `${sentence}\n`, headers);
const json = (value: object): Reply => body(200, "application/json", `${JSON.stringify(value)}\n`);
const html = (text: string, live: boolean): Reply => body(200, "text/html; charset=utf-8", text, { "content-security-policy": `${contentPolicy(live)}; frame-ancestors 'none'` });

/** What there is of each stack, below `/stacks/<name>/`; where there is one stack, also at the root. */
const OF_STACK: Readonly<Record<string, (exhibit: Exhibit) => Reply | Promise<Reply>>> = {
  "": async (exhibit) => html(await exhibit.page(), true),
  events: (exhibit) => ({ kind: "feed", exhibit }),
  "status/canary": async (exhibit) => json(await exhibit.status()),
  "status/failover": (exhibit) => json(failoverOf(exhibit)),
};

/** What there is of all stacks together. */
const OF_ALL: Readonly<Record<string, (site: Site) => Reply | Promise<Reply>>> = {
  health: (site) => {
    const trouble = site.trouble();
    return plain(trouble === undefined ? 200 : 503, trouble ?? "ok");
  },
  metrics: async ({ registry }) => body(200, registry.contentType, await registry.metrics()),
};

/** The same at the root where there are several stacks. */
const OF_SEVERAL: Readonly<Record<string, (site: Site) => Reply | Promise<Reply>>> = {
  "": ({ stacks }) => html(listPage(stacks.map((exhibit) => exhibit.view())), false),
  "status/canary": async ({ stacks }) => json({ stacks: await Promise.all(stacks.map((exhibit) => exhibit.status())) }),
  "status/failover": ({ stacks }) => json({ stacks: stacks.map(failoverOf) }),
};

const own = <T>(table: Readonly<Record<string, T>>, key: string): T | undefined => (Object.hasOwn(table, key) ? table[key] : undefined);

const UNKNOWN = "There is nothing here: try /, /health, /metrics, /status/canary or /status/failover.";

/** The path of a request's target, decoded; undefined where it is none. */
function pathOf(target: string): string | undefined {
  if (!target.startsWith("/")) return undefined;
  try {
    return decodeURIComponent(target.split(/[?#]/)[0]!.slice(1));
  } catch {
    return undefined;
  }
}

function route(site: Site, path: string): Reply | Promise<Reply> {
  const all = own(OF_ALL, path);
  if (all) return all(site);
  const atRoot = own(OF_STACK, path);
  if (site.only && atRoot) return atRoot(site.only);
  const several = own(OF_SEVERAL, path);
  if (several) return several(site);
  // A fully qualified name has slashes of its own.
  for (const exhibit of site.stacks) {
    const base = `stacks/${exhibit.stack}`;
    // The page asks for what lies beside it.
    if (path === base) return plain(308, `It is at /${base}/.`, { location: `/stacks/${encodeURIComponent(exhibit.stack)}/` });
    const beside = path.startsWith(`${base}/`) ? own(OF_STACK, path.slice(base.length + 1)) : undefined;
    if (beside) return beside(exhibit);
  }
  return plain(404, UNKNOWN);
}

/** Answers a request for `target`, as the request line has it. Never rejects. */
export async function replyTo(site: Site, target: string): Promise<Reply> {
  const path = pathOf(target);
  if (path === undefined) return plain(404, UNKNOWN);
  try {
    return await route(site, path);
  } catch (cause) {
    return plain(503, cause instanceof DriverError ? cause.message : `This cannot be told now: ${(cause as Error).message}`);
  }
}
