import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { isIP, type AddressInfo } from "node:net";
import { authority, isLoopback, notListening, type ListenAddress } from "./address";
import { plain, replyTo, type BodyReply, type FeedReply, type Reply } from "./routes";
import type { Site } from "./site";

/** What one server takes on. */
export interface ServerLimits {
  /** Connections at once, those that follow a page included. */
  readonly connections: number;
  /** Of them, those that follow a page. */
  readonly readers: number;
  /** Milliseconds for a request's head, and for all of it. */
  readonly headTime: number;
  readonly requestTime: number;
  /** Bytes of a request's head. */
  readonly headBytes: number;
}

export const SERVER_LIMITS: ServerLimits = { connections: 128, readers: 32, headTime: 5_000, requestTime: 10_000, headBytes: 8_192 };

/** Milliseconds for which an idle connection is kept. */
const IDLE_TIME = 5_000;
/** Milliseconds that the last message to those who follow gets, and then the answers under way. */
const LAST_MESSAGE = 3_000;
const LAST_WORDS = 500;

/** No other site may show it, read it or guess at it, and nobody keeps it. */
const HEADERS = {
  "cache-control": "no-store",
  "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-resource-policy": "same-origin",
  "referrer-policy": "no-referrer",
  "x-content-type-options": "nosniff",
  "x-frame-options": "DENY",
};

/** The name by which a request asks, without its port; undefined where it has none. */
const hostOf = ({ headers: { host } }: IncomingMessage): string | undefined => host?.replace(/:\d*$/, "").replace(/^\[(.*)\]$/, "$1").toLowerCase();

/**
 * A page of another site could have its own name resolve to 127.0.0.1 and then read what this machine alone may see; it would still ask
 * by that name.
 */
const isOwnName = (host: string | undefined): boolean => host !== undefined && (isIP(host) !== 0 || host === "localhost" || host.endsWith(".localhost"));

/** A server that listens. */
export interface StatusServer {
  /** With the port that the system chose. */
  readonly url: string;
  /** Others than this machine may ask. */
  readonly open: boolean;
  /** Ends every connection; resolves within four seconds, and at once where nobody is slow. */
  close(): Promise<void>;
}

class SiteServer {
  readonly server: Server;
  private readers = 0;

  constructor(private readonly site: Site, private readonly limits: ServerLimits) {
    const { headBytes, headTime, requestTime, connections } = limits;
    this.server = createServer({ maxHeaderSize: headBytes, headersTimeout: headTime, requestTimeout: requestTime, keepAliveTimeout: IDLE_TIME, connectionsCheckingInterval: headTime / 5 }, (request, response) => void this.answer(request, response));
    this.server.maxConnections = connections;
    // A connection that breaks is the reader's matter; without a listener it would be this process's end.
    this.server.on("clientError", (error: NodeJS.ErrnoException, socket) => {
      if (!socket.writable || error.code === "ECONNRESET") return void socket.destroy();
      socket.end(`HTTP/1.1 ${error.code === "HPE_HEADER_OVERFLOW" ? "431 Request Header Fields Too Large" : error.code === "ERR_HTTP_REQUEST_TIMEOUT" ? "408 Request Timeout" : "400 Bad Request"}\r\nconnection: close\r\ncontent-length: 0\r\n\r\n`);
    });
  }

  private async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    response.on("error", () => response.destroy());
    const reply = await this.replyTo(request);
    // Nobody reads a body that came with the request: the connection is of no further use.
    if (request.headers["content-length"] !== undefined || request.headers["transfer-encoding"] !== undefined) response.shouldKeepAlive = false;
    if (response.destroyed) return;
    if (reply.kind === "body") return this.send(request, response, reply);
    if (this.readers < this.limits.readers) return this.follow(request, response, reply);
    this.send(request, response, plain(503, `${this.limits.readers} pages are followed already: close one of them.`, { "retry-after": "10" }));
  }

  private send(request: IncomingMessage, response: ServerResponse, reply: BodyReply): void {
    response.writeHead(reply.status, { ...HEADERS, "content-type": reply.type, "content-length": Buffer.byteLength(reply.body), ...reply.headers });
    response.end(request.method === "HEAD" ? undefined : reply.body);
  }

  private async replyTo(request: IncomingMessage): Promise<Reply> {
    const { address = "" } = (this.server.address() ?? {}) as Partial<AddressInfo>;
    if (isLoopback(address) && !isOwnName(hostOf(request))) return plain(421, "This server listens on this machine alone and answers to localhost or an IP address only: ask by one of them, or have the proxy set the header Host so.");
    if (request.method !== "GET" && request.method !== "HEAD") return plain(405, "This server only shows: ask by GET or HEAD.", { allow: "GET, HEAD" });
    return replyTo(this.site, request.url ?? "");
  }

  private follow(request: IncomingMessage, response: ServerResponse, { exhibit }: FeedReply): void {
    response.writeHead(200, { ...HEADERS, "content-type": "text/event-stream", "x-accel-buffering": "no" });
    if (request.method === "HEAD") return void response.end();
    this.readers++;
    response.on("close", () => this.readers--);
    response.flushHeaders();
    exhibit.feed.add(response);
  }

  async close(): Promise<void> {
    const told = Promise.all(this.site.stacks.map(({ feed }) => feed.end()));
    await Promise.race([told, new Promise((late) => setTimeout(late, LAST_MESSAGE).unref())]);
    const closed = new Promise<void>((resolve) => this.server.close(() => resolve()));
    this.server.closeIdleConnections();
    const hurry = setTimeout(() => this.server.closeAllConnections(), LAST_WORDS);
    await closed;
    clearTimeout(hurry);
    await this.site.drawing.close();
  }
}

/**
 * Serves a site by HTTP.
 *
 * @throws UsageError when the address cannot be listened on
 */
export async function serveSite(site: Site, at: ListenAddress, limits: ServerLimits = SERVER_LIMITS): Promise<StatusServer> {
  const served = new SiteServer(site, limits);
  const { server } = served;
  await new Promise<void>((ready, failed) => {
    server.once("error", (cause) => failed(notListening(at, cause)));
    server.listen({ host: at.host, port: at.port, exclusive: true }, ready);
  });
  server.removeAllListeners("error");
  // Out of file descriptors, say: whoever asks now is not answered, and nothing else changes.
  server.on("error", () => undefined);
  const { address, port } = server.address() as AddressInfo;
  return { url: `http://${authority({ host: at.host, port })}/`, open: !isLoopback(address), close: () => served.close() };
}
