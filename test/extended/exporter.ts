import * as fs from "node:fs";
import { createServer } from "node:http";
import { metricsReporter, type MeteredEvent } from "../../driver/report/metrics";

// Runs as a pod of the embedded cluster: serves the metrics of one rollout, fed by the driver's `--json` events from a file that grows.
const { EVENTS, STACK, NAMESPACE, SERVICES, VERSION, PORT } = process.env as Record<string, string>;
const { reporter, registry } = metricsReporter({ stack: STACK!, namespace: NAMESPACE!, services: SERVICES!.split(","), version: VERSION! });

let read = 0;
setInterval(() => {
  const text = fs.readFileSync(EVENTS!, "utf8");
  const end = text.lastIndexOf("\n") + 1;
  for (const line of text.slice(read, end).split("\n")) if (line !== "") reporter(JSON.parse(line) as MeteredEvent);
  read = end;
}, 100);

createServer((_, response) => {
  void registry.metrics().then((metrics) => response.setHeader("content-type", registry.contentType).end(metrics));
}).listen(Number(PORT));
process.on("SIGTERM", () => process.exit(0));
