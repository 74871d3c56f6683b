import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { Counter, Gauge, Histogram, register } from "prom-client";

/** The demo's shop: answers every path, with the faults that its environment gives it. */
const knobs = {
  version: process.env.VERSION ?? "unknown",
  port: Number(process.env.PORT ?? 8080),
  errorShare: Number(process.env.ERROR_SHARE ?? 0),
  /** Seconds after its start from which on it fails that share. */
  errorsAfter: Number(process.env.ERRORS_AFTER ?? 0),
  latencyMs: Number(process.env.LATENCY_MS ?? 5),
  confidence: Number(process.env.CONFIDENCE ?? 0.9),
  healthy: process.env.HEALTHY !== "false",
  /** Requests a second above which it is slow. */
  capacity: Number(process.env.CAPACITY ?? Infinity),
  /** Path whose requests all fail. */
  brokenPath: process.env.BROKEN_PATH,
  /** Seconds after which it crashes; 0 never. */
  crashAfter: Number(process.env.CRASH_AFTER ?? 0),
  leakMbPerSecond: Number(process.env.LEAK_MB_PER_SECOND ?? 0),
};
/** Mean latency in ms above its capacity. */
const OVERLOADED_MS = 1500;

const requests = new Counter({ name: "http_requests_total", help: "Requests answered.", labelNames: ["version", "status"] });
const duration = new Histogram({
  name: "http_request_duration_seconds",
  help: "Time to answer.",
  labelNames: ["version"],
  buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
});
const confidence = new Gauge({ name: "model_prediction_confidence", help: "Mean confidence of recent predictions.", labelNames: ["version"] });

new Gauge({
  name: "shop_memory_bytes", help: "Resident memory.", labelNames: ["version"],
  collect() {
    this.set({ version: knobs.version }, process.memoryUsage.rss());
  },
});

/** An exponential time with the given mean: most answers are quick, some are not. */
const exponential = (mean: number): number => -mean * Math.log(1 - Math.random());

/** Times of the requests of the last second, ms. */
const recent: number[] = [];

function isOverloaded(): boolean {
  const now = performance.now();
  recent.push(now);
  while (recent[0]! < now - 1000) recent.shift();
  return recent.length > knobs.capacity;
}

async function shop(path: string, response: ServerResponse): Promise<void> {
  const done = duration.startTimer({ version: knobs.version });
  await sleep(exponential(isOverloaded() ? OVERLOADED_MS : knobs.latencyMs));
  const status = path === knobs.brokenPath || (process.uptime() > knobs.errorsAfter && Math.random() < knobs.errorShare) ? 500 : 200;
  confidence.set({ version: knobs.version }, Math.min(1, Math.max(0, knobs.confidence + 0.05 * (Math.random() - 0.5))));
  response.writeHead(status, { "content-type": "text/plain", "x-canary-backend": knobs.version });
  response.end(status === 200 ? `shop ${knobs.version}\n` : "the till is jammed\n");
  done();
  requests.inc({ version: knobs.version, status: String(status) });
}

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  if (request.url === "/metrics") {
    response.setHeader("content-type", register.contentType);
    response.end(await register.metrics());
  } else if (request.url === "/health") {
    response.writeHead(knobs.healthy ? 200 : 503, { "x-canary-backend": knobs.version });
    response.end(knobs.healthy ? "ok\n" : "not ready\n");
  } else await shop(request.url ?? "/", response);
}

const server = createServer((request, response) => {
  if (stopping) response.setHeader("connection", "close");
  answer(request, response).catch((error: Error) => response.destroy(error));
});
// Longer than any proxy keeps an idle connection, so that it is never this side that closes under a request.
server.keepAliveTimeout = 120_000;
server.listen(knobs.port, () => console.log(`shop ${knobs.version} listens on ${knobs.port}`));

if (knobs.crashAfter > 0) setTimeout(() => process.exit(1), knobs.crashAfter * 1000);

/** Megabytes: a leak that nobody ends must not take the machine along. */
const MOST_LEAKED = 400;
const leaked: Buffer[] = [];
// Filled, because memory that nobody has written to is not resident.
if (knobs.leakMbPerSecond > 0) {
  setInterval(() => {
    if (leaked.length * knobs.leakMbPerSecond < MOST_LEAKED) leaked.push(Buffer.alloc(knobs.leakMbPerSecond * 1e6, 1));
  }, 1000);
}

let stopping = false;
process.on("SIGTERM", () => {
  stopping = true;
  server.close(() => process.exit(0));
  setInterval(() => server.closeIdleConnections(), 100);
});
