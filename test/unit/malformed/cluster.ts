import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";

/** Objects by the end of their path, e.g. `configmaps/canary-dev-rollout`; a text is the whole body of the answer. */
export type Objects = Record<string, object | string>;

/** An API server that has what it is given, and writes down who wanted to change something. */
export class FakeCluster {
  readonly changes: string[] = [];
  objects: Objects = {};
  private server!: Server;

  async start(): Promise<string> {
    this.server = createServer((request, response) => {
      const path = request.url!.split("?")[0]!;
      if (request.method !== "GET") {
        this.changes.push(`${request.method} ${path}`);
        request.resume();
        response.writeHead(403, { "content-type": "application/json" }).end(JSON.stringify({ kind: "Status", apiVersion: "v1", status: "Failure", code: 403, message: "this cluster is not to be changed" }));
        return;
      }
      const found = Object.entries(this.objects).find(([name]) => path.endsWith(`/${name}`))?.[1];
      const body = found ?? { kind: "Status", apiVersion: "v1", status: "Failure", code: 404, reason: "NotFound", message: `${path} not found` };
      response.writeHead(found === undefined ? 404 : 200, { "content-type": "application/json" }).end(typeof body === "string" ? body : JSON.stringify(body));
    });
    await new Promise<void>((ready) => this.server.listen(0, "127.0.0.1", ready));
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  stop(): void {
    this.server.closeAllConnections();
    this.server.close();
  }
}

export const kubeconfigFor = (server: string): string => JSON.stringify({
  apiVersion: "v1",
  kind: "Config",
  clusters: [{ name: "fake", cluster: { server, "insecure-skip-tls-verify": true } }],
  users: [{ name: "me", user: { token: "not-a-secret" } }],
  contexts: [{ name: "fake", context: { cluster: "fake", user: "me" } }],
  "current-context": "fake",
});
