import { z } from "zod";
// Not from analysis/: its index loads an HTTP client, and every `pulumi up` would pay for that.
import { gatesSchema } from "../../../analysis/gates/schema";
import { oneOf, seconds, url } from "./common";

/** Where the numbers come from and what they must be. */
export const analysis = z.strictObject({
  prometheus: z.union([url.transform((one) => [one]), z.array(url)], { error: "it must be a URL or a list of URLs" }).default([])
    .describe("Base URL of a Prometheus server, or of several; none means no data, and no data is never a pass."),
  source: oneOf(["ingress-nginx", "traefik", "traefik-gateway", "app"]).default("ingress-nginx").describe("Whose counters are read."),
  scrapeInterval: seconds("15s").describe("Time between two scrapes of Prometheus."),
  probeInterval: seconds("30s").describe("Time between two probes of the health endpoint through the canary."),
  gates: gatesSchema.describe("What the canary must keep to: settings, and metric rules by name."),
}).transform(({ scrapeInterval, probeInterval, ...rest }) => ({ ...rest, scrapeIntervalSeconds: scrapeInterval, probeIntervalSeconds: probeInterval }));
