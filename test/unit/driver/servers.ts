import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

export type Handler = (request: IncomingMessage, response: ServerResponse) => void;

export const json = (status: number, body: unknown): Handler => (_, response) => response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
/** Takes the request and says nothing. */
export const silent: Handler = () => undefined;
/** Takes the request and breaks the connection. */
export const reset: Handler = (request) => request.socket.resetAndDestroy();

export interface LocalServer {
  readonly url: string;
  /** Methods and paths of the requests, in the order in which they came. */
  readonly seen: string[];
  handler: Handler;
  /** Connections that were made to it. */
  readonly connections: () => number;
  /** Nobody listens at its address any more. */
  stop(): Promise<void>;
}

/** Real HTTP servers on 127.0.0.1; `closeAll` belongs in an afterEach. */
export class LocalServers {
  private readonly open: Server[] = [];

  async start(handler: Handler): Promise<LocalServer> {
    const seen: string[] = [];
    let connections = 0;
    const server = createServer((request, response) => {
      seen.push(`${request.method} ${request.url}`);
      local.handler(request, response);
    });
    server.on("connection", () => void connections++);
    await new Promise<void>((ready) => server.listen(0, "127.0.0.1", ready));
    this.open.push(server);
    const stop = (): Promise<void> =>
      new Promise((closed) => {
        server.close(() => closed());
        server.closeAllConnections();
      });
    const local: LocalServer = { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, seen, handler, connections: () => connections, stop };
    return local;
  }

  closeAll(): void {
    for (const server of this.open.splice(0)) {
      server.closeAllConnections();
      server.close();
    }
  }
}
