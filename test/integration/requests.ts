import * as http from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import type { Cluster } from "../../sandbox/cluster/launch";

export interface Answer {
  readonly status: number;
  /** The shop's version, from its body; `none` where somebody else answered. */
  readonly version: string;
  readonly headers: http.IncomingHttpHeaders;
  readonly body: string;
}

/** One request through the ingress controller, on a connection of its own. */
export function ask(cluster: Cluster, host: string, headers: Readonly<Record<string, string>> = {}, path = "/"): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const request = http.get(new URL(path, cluster.url("ingress")), { agent: false, headers: { ...headers, host }, timeout: 20_000 }, (response) => {
      const chunks: Buffer[] = [];
      response.on("data", (chunk: Buffer) => chunks.push(chunk)).on("error", reject);
      response.on("end", () => {
        const body = Buffer.concat(chunks).toString();
        resolve({ status: response.statusCode ?? 0, version: /^shop (\S+)/.exec(body)?.[1] ?? "none", headers: response.headers, body });
      });
    });
    request.on("timeout", () => request.destroy(new Error(`${host}${path} did not answer within 20 s`))).on("error", reject);
  });
}

/** Answers to so many requests, twenty at a time. */
export async function askMany(count: number, one: () => Promise<Answer>): Promise<Answer[]> {
  const answers: Answer[] = [];
  while (answers.length < count) answers.push(...(await Promise.all(Array.from({ length: Math.min(20, count - answers.length) }, one))));
  return answers;
}

/** How often each value came up. */
export function tally(values: readonly (string | number)[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const value of values) counts[value] = (counts[value] ?? 0) + 1;
  return counts;
}

/** Cookies that an answer sets, as a request sends them back. */
export const cookiesOf = ({ headers }: Answer): string => (headers["set-cookie"] ?? []).map((each) => each.split(";")[0]).join("; ");

/** Repeats a check until it does not throw, for at most 20 s: routers take changes over at their own pace. */
export async function eventually<T>(check: () => Promise<T>): Promise<T> {
  for (const deadline = Date.now() + 20_000; ; await sleep(200)) {
    try {
      return await check();
    } catch (error) {
      if (Date.now() > deadline) throw error;
    }
  }
}
