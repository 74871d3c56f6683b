import * as fs from "node:fs";
import { createServer } from "node:http";
import { Registry } from "prom-client";
import type { RolloutEvent } from "../../driver/report/events";
import { RolloutMetrics } from "../../driver/report/metrics";

// Runs as a pod of the embedded cluster: serves the metrics of one rollout, fed by the driver's `--json` events from a file that grows.
const { EVENTS, STACK, NAMESPACE, SERVICES, VERSION, PORT } = process.env as Record<string, string>;
const registry = new Registry();
const rollout = { version: VERSION!, startedAt: new Date().toISOString() };
const metrics = new RolloutMetrics({ stack: STACK!, namespace: NAMESPACE!, services: SERVICES!.split(",") }, () => ({ rollout, rollbacks: {}, unwritten: true }), registry);

let read = 0;
setInterval(() => {
  const text = fs.readFileSync(EVENTS!, "utf8");
  const end = text.lastIndexOf("\n") + 1;
  for (const line of text.slice(read, end).split("\n")) if (line !== "") metrics.hear(JSON.parse(line) as RolloutEvent);
  read = end;
}, 100);

createServer((_, response) => {
  void registry.metrics().then((metrics) => response.setHeader("content-type", registry.contentType).end(metrics));
}).listen(Number(PORT));
process.on("SIGTERM", () => process.exit(0));
