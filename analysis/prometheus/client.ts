import { ExponentialBackoff, bulkhead, handleWhen, noJitterGenerator, retry } from "cockatiel";
import { ConfigError } from "../errors";
import { type Reading, queryFailed } from "../reading";
import type { Series } from "./answer";
import { type PrometheusOptions, prometheusOptionsSchema } from "./options";
import { PrometheusServer, type ServerHealth, ServerUnavailable } from "./server";

/** Where an instant query is asked: `time` in unix seconds, default the server's now. */
export interface QueryOptions {
  time?: number;
  signal?: AbortSignal;
}

/** The one thing the analysis needs of telemetry. */
export interface PrometheusSource {
  /** Answers a PromQL instant query; never rejects but when `signal` aborts. */
  query(promql: string, options?: QueryOptions): Promise<Reading<Series[]>>;
  /** Every server's circuit and failures, for `/status/failover`. */
  health(): ServerHealth[];
  /** Closes idle connections. */
  close(): void;
}

/** Requests that run at once; the others wait their turn. */
const PARALLELISM = 8;

/** No server could answer; `retryable` unless every circuit is open. */
class NobodyAnswered extends ServerUnavailable {
  constructor(
    message: string,
    readonly retryable: boolean,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/**
 * A client of one or several replicated Prometheus servers: each is asked in turn until one answers, a round is retried with exponential
 * backoff, each server has its own circuit, at most 8 requests run at once, and equal queries within `cache` seconds share one
 * answer. Throws ConfigError when the options are wrong.
 */
export function createPrometheus(options: PrometheusOptions): PrometheusSource {
  const parsed = prometheusOptionsSchema.safeParse(options);
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    throw new ConfigError(`prometheus.${issue?.path.join(".")}: ${issue?.message}.`);
  }
  const settings = parsed.data;
  const servers = settings.servers.map((url) => new PrometheusServer(url, settings));
  const limit = bulkhead(PARALLELISM, Number.MAX_SAFE_INTEGER);
  const retries = retry(
    handleWhen((error) => error instanceof NobodyAnswered && error.retryable),
    {
      // cockatiel counts the tries after the first.
      maxAttempts: settings.tries - 1,
      backoff: new ExponentialBackoff({ initialDelay: settings.retryDelay * 1000, exponent: settings.retryFactor, generator: noJitterGenerator }),
    },
  );
  const answers = new Map<string, { at: number; answer: Promise<Reading<Series[]>> }>();

  async function round(promql: string, time: number | undefined, signal: AbortSignal | undefined): Promise<Reading<Series[]>> {
    const reasons: ServerUnavailable[] = [];
    const open = servers.filter((s) => s.health.circuit === "open").length;
    // A server that just failed comes last, so that one dead replica does not cost its timeout on every query.
    for (const server of [...servers].sort((a, b) => Number(!a.health.healthy) - Number(!b.health.healthy))) {
      try {
        return await server.query(promql, time, signal);
      } catch (error) {
        if (!(error instanceof ServerUnavailable)) throw error;
        reasons.push(error);
      }
    }
    throw new NobodyAnswered(reasons.map((r) => r.message).join(" "), open < servers.length, { cause: reasons.at(-1) });
  }

  async function ask(promql: string, { time, signal }: QueryOptions): Promise<Reading<Series[]>> {
    try {
      return await limit.execute(() => retries.execute(() => round(promql, time, signal), signal), signal);
    } catch (error) {
      if (signal?.aborted || !(error instanceof ServerUnavailable)) throw error;
      return queryFailed(error.message);
    }
  }

  return {
    query(promql, queryOptions = {}) {
      const key = `${queryOptions.time ?? ""}|${promql}`;
      const now = Date.now();
      for (const [k, entry] of answers) if (now - entry.at >= settings.cache * 1000) answers.delete(k);
      const known = answers.get(key);
      if (known) return known.answer;
      const answer = ask(promql, queryOptions);
      answers.set(key, { at: now, answer });
      const forget = () => {
        if (answers.get(key)?.answer === answer) answers.delete(key);
      };
      answer.then((reading) => reading.kind === "value" || forget(), forget);
      return answer;
    },
    health: () => servers.map((s) => s.health),
    close: () => servers.forEach((s) => s.close()),
  };
}
