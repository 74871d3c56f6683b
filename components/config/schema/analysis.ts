import { z } from "zod";
// Not from analysis/: its index loads an HTTP client, and every `pulumi up` would pay for that.
import { gatesSchema } from "../../../analysis/gates/schema";
import { selectsVersion, SUCCESS_RULES } from "../../../analysis/metering/profiles";
import { baseUrl, oneOf, seconds, text } from "./common";

const SERIES_RULE = 'it must be a metric with matchers that tell the version, such as http_requests_total{version="{{version}}"}';
const series = z.string({ error: SERIES_RULE }).refine(selectsVersion, { error: SERIES_RULE });

const counters = z.strictObject({
  requests: series.describe("The counter of answered requests. Placeholders as in a metric rule: `{{version}}` (or `%s`), `{{service}}`, `{{namespace}}`."),
  statusLabel: text(/^[a-zA-Z_]\w*$/, "it must be the name of a label").default("status").describe("Its label that holds the status code."),
  latency: series.optional().describe("The `_bucket` series of the latency histogram; without it gates on latency never pass."),
});

/** Where the numbers come from and what they must be. */
export const analysis = z.strictObject({
  prometheus: z.union([baseUrl.transform((one) => [one]), z.array(baseUrl)], { error: "it must be a URL or a list of URLs" }).default([])
    .describe("Base URL of a Prometheus server, or of several; none means no data, and no data is never a pass."),
  source: oneOf(["ingress-nginx", "traefik", "traefik-gateway", "app"]).default("ingress-nginx").describe("Whose counters are read."),
  counters: counters.optional().describe("With source `app`: the application's own counters, where they are not `http_requests_total` with a label `status` and `http_request_duration_seconds_bucket`, both with a label `version`."),
  success: oneOf(SUCCESS_RULES).default("non-5xx").describe("Which answers are no errors: all but 5xx, or 2xx alone."),
  scrapeInterval: seconds("15s").describe("Time between two scrapes of Prometheus."),
  probeInterval: seconds("30s").describe("Time between two probes of the health endpoint through the canary."),
  gates: gatesSchema.describe("What the canary must keep to: settings, and metric rules by name."),
}).transform(({ scrapeInterval, probeInterval, ...rest }) => ({ ...rest, scrapeIntervalSeconds: scrapeInterval, probeIntervalSeconds: probeInterval }));
