import type { IncomingHttpHeaders, IncomingMessage } from "node:http";
import { parseConfig, type StackConfig } from "../../../../components/config";
import type { Notice } from "../../../../driver/notify/notice";
import { LocalServers, type Handler, type LocalServer } from "../servers";

/** A request as its receiver sees it. */
export interface Received {
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

export interface Receiver extends LocalServer {
  readonly got: Received[];
  /** Resolves when so many requests have come. */
  come(count: number): Promise<void>;
}

export const body = (request: IncomingMessage): Promise<string> =>
  new Promise((resolve) => {
    let text = "";
    request.on("data", (chunk: Buffer) => (text += chunk.toString())).on("end", () => resolve(text));
  });

/** A server on 127.0.0.1 that keeps what it is sent, and answers as it is told: by number, then by the last one. */
export async function receiver(servers: LocalServers, ...answers: readonly Handler[]): Promise<Receiver> {
  const got: Received[] = [];
  const waiting: (() => void)[] = [];
  const server = await servers.start((request, response) => {
    void body(request).then((text) => {
      const answer = answers[Math.min(got.length, answers.length - 1)];
      got.push({ path: request.url ?? "", headers: request.headers, body: text });
      waiting.forEach((look) => look());
      if (answer) answer(request, response);
      else response.end("ok");
    });
  });
  const come = (count: number): Promise<void> =>
    new Promise((resolve) => {
      const look = (): void => void (got.length >= count && resolve());
      waiting.push(look);
      look();
    });
  return Object.assign(server, { got, come });
}

export const status = (code: number, headers: Record<string, string> = {}, text = ""): Handler => (_, response) => void response.writeHead(code, headers).end(text);

/** A stack with some keys on top. */
export const stackOf = (keys: object = {}): StackConfig =>
  parseConfig({ namespace: "shop", stable: "v1", services: { shop: { image: "shop", port: 8080, hosts: ["shop.example"] } }, ...keys } as never);

/** A rollback with everything that a notice may say. */
export const ROLLBACK: Notice = {
  kind: "rollback", at: 1_767_225_600, project: "canary", stack: "production", namespace: "shop", verb: "deploy v1.3.0", rollout: "v1.3.0-t8x4", version: "v1.3.0", from: "v1.2.0",
  stage: 1, stages: 4, weight: 25, served: 0.2513, why: "verdict", message: "going home: errors: 3.1 % of 812 requests failed, where 1 % may.",
  traffic: [{ service: "shop", stable: { requests: 2400, errors: 3, seconds: 60, p50: 0.021, p95: 0.18, p99: 0.4 }, canary: { requests: 812, errors: 25, seconds: 60, p50: 0.022, p95: 0.31, p99: 0.9 } }],
  gates: [
    { metric: "errors", gate: "fail", answer: "fail", sentence: "3.1 % of 812 requests failed, stable 0.12 %.", value: 0.0308, limit: 0.01, logE: 9.2, logELimit: 4.6 },
    { metric: "latency", gate: "pass", answer: "undecided", sentence: "P95 310 ms.", value: 0.05 },
  ],
  settles: [], dashboard: "https://grafana.example/d/canary?var-stack=production",
};
export const PROMOTION: Notice = { ...ROLLBACK, kind: "promotion", message: "v1.3.0 is stable.", settles: ["v1.2.9-a", "v1.3.0-t8x4"] };
