import { createServer } from "node:http";

/** Where the kubelet, too, answers for its health. */
export const HEALTH_PORT = 10248;

/** Answers 200 once the agent watches its pods. */
export function serveHealth(): void {
  createServer((_request, response) => response.end("ok")).listen(HEALTH_PORT, "127.0.0.1");
}
