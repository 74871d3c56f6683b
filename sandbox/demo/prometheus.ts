import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/** How a Prometheus that fails answers; `closed` answers nobody, `still` what it answered before to the same question. */
export type Failing = ((request: IncomingMessage, response: ServerResponse) => void) | "closed" | "still";

export interface FailingPrometheus {
  readonly url: string;
  fail(how: Failing): void;
  close(): void;
}

const JSON_TYPE = { "content-type": "application/json" };

async function bodyOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
}

/** What is asked, whenever: without the time that the answer is of. */
function questionOf(url: string, body: string): string {
  const asked = new URLSearchParams(body || new URL(url, "http://prometheus").search);
  return asked.get("query") ?? url;
}

/** Answers a query with such data. */
export const answerWith = (response: ServerResponse, data: object): void => void response.setHeader("content-type", "application/json").end(JSON.stringify({ status: "success", data }));

/** Answers a query with no series at all. */
export const answerNothing = (_: IncomingMessage, response: ServerResponse): void => answerWith(response, { resultType: "matrix", result: [] });

/** A Prometheus that tells what another does until it is made to fail. */
export async function failingPrometheus(upstream: string): Promise<FailingPrometheus> {
  let failing: Exclude<Failing, "closed"> | undefined;
  const told = new Map<string, { status: number; text: string }>();
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    if (typeof failing === "function") return failing(request, response);
    const { method = "GET", url = "/", headers } = request;
    const body = await bodyOf(request);
    const question = questionOf(url, body);
    const before = failing === "still" ? told.get(question) : undefined;
    if (before) return void response.writeHead(before.status, JSON_TYPE).end(before.text);
    const honest = await fetch(`${upstream}${url}`, { method, headers: { "content-type": headers["content-type"] ?? "text/plain" }, ...(method === "POST" ? { body } : {}) });
    const text = await honest.text();
    told.set(question, { status: honest.status, text });
    response.writeHead(honest.status, JSON_TYPE).end(text);
  };
  const server = createServer((request, response) => void answer(request, response).catch(() => response.destroy()));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const close = (): void => {
    server.close();
    server.closeAllConnections();
  };
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    fail: (how) => (how === "closed" ? close() : void (failing = how)),
    close,
  };
}
