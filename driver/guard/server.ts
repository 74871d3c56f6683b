import { createServer, type Server } from "node:http";
import type { Registry } from "prom-client";

/** What the guard says of itself. */
export interface GuardState {
  /** It has read the rollout's record at least once. */
  readonly ready: boolean;
  /** Seconds since the latest look began; a loop that stands still is a bug that a restart mends. */
  readonly sinceLook: number;
}

/** Seconds: each call to the API server gives up long before. */
const STUCK_AFTER = 120;

/**
 * Serves /metrics, /ready (503 until the record could be read: a guard without its rights must fail the update that declares it) and
 * /health (an API server that is down is no reason for a restart).
 */
export function serve(port: number, registry: Registry, state: () => GuardState): Server {
  const server = createServer((request, response) => {
    const path = request.url?.split("?")[0];
    const answer = (ok: boolean, text: string): void => void response.writeHead(ok ? 200 : 503, { "content-type": "text/plain" }).end(`${text}\n`);
    const { ready, sinceLook } = state();
    if (path === "/health") return answer(sinceLook < STUCK_AFTER, sinceLook < STUCK_AFTER ? "ok" : `no look for ${Math.round(sinceLook)} s`);
    if (path === "/ready") return answer(ready, ready ? "ok" : "the rollout's record has not been read yet");
    if (path !== "/metrics") return void response.writeHead(404).end();
    registry.metrics().then(
      (text) => response.writeHead(200, { "content-type": registry.contentType }).end(text),
      (error: Error) => answer(false, error.message),
    );
  });
  return server.listen(port);
}
