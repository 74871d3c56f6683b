import { z } from "zod";

const positive = z.number().positive();

/**
 * How Prometheus is reached. Times in seconds. Defaults are those of the resilience toolkit this product replaces: 3 tries, 1 s apart,
 * doubling; a server's circuit opens after 5 failures in a row and is tried again after 30 s.
 */
export const prometheusOptionsSchema = z.strictObject({
  /** Base URLs, tried in this order; a path prefix is kept, user and password in one are sent. All must hold the same data (a replicated pair). */
  servers: z.array(z.url({ protocol: /^https?$/ })).min(1),
  /** Time limit of one HTTP request. */
  timeout: positive.default(5),
  tries: z.int().min(1).default(3),
  retryDelay: positive.default(1),
  retryFactor: z.number().min(1).default(2),
  circuitFailures: z.int().min(1).default(5),
  circuitReset: positive.default(30),
  /** How long an answer may be reused for the same query; 0 asks every time. */
  cache: z.number().min(0).default(0.5),
});

export type PrometheusOptions = z.input<typeof prometheusOptionsSchema>;
export type PrometheusSettings = z.output<typeof prometheusOptionsSchema>;
