import { Agent as HttpAgent } from "node:http";
import { Agent as HttpsAgent } from "node:https";
import axios, { type AxiosInstance, isAxiosError } from "axios";
import { BrokenCircuitError, CircuitState, ConsecutiveBreaker, circuitBreaker, handleType } from "cockatiel";
import { AnalysisError } from "../errors";
import { type Reading, queryFailed } from "../reading";
import { type Series, errorIn, readAnswer } from "./answer";
import type { PrometheusSettings } from "./options";

/** A server could not answer now; asking again, or asking another, may help. */
export class ServerUnavailable extends AnalysisError {}

/** Health of one server: its circuit, consecutive failures, and when (unix seconds) it last answered. */
export interface ServerHealth {
  server: string;
  healthy: boolean;
  circuit: "closed" | "open" | "half-open";
  failures: number;
  lastAnswer?: number;
  lastFailure?: string;
}

const CIRCUIT: Readonly<Record<CircuitState, ServerHealth["circuit"]>> = {
  [CircuitState.Closed]: "closed",
  [CircuitState.Open]: "open",
  [CircuitState.HalfOpen]: "half-open",
  [CircuitState.Isolated]: "open",
};

/** Bytes of an answer at most: some 200,000 series. */
const LARGEST = 64 * 2 ** 20;

/** A user or password of a URL; a percent sign that encodes nothing stands for itself. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** One Prometheus server behind its own circuit breaker. */
export class PrometheusServer {
  private readonly http: AxiosInstance;
  private readonly breaker;
  private failures = 0;
  private lastAnswer: number | undefined;
  private lastFailure: string | undefined;

  /** `url` is the base address; user and password in it are never shown in a message. */
  constructor(
    url: string,
    private readonly settings: PrometheusSettings,
  ) {
    const base = new URL(url.endsWith("/") ? url : `${url}/`);
    const auth = base.username ? { username: decoded(base.username), password: decoded(base.password) } : undefined;
    base.username = base.password = "";
    this.name = base.href.replace(/\/$/, "");
    this.http = axios.create({
      baseURL: base.href,
      timeout: settings.timeout * 1000,
      // axios' timeout covers the answer, not a connection that is never accepted.
      httpAgent: new HttpAgent({ keepAlive: true, timeout: settings.timeout * 1000 }),
      httpsAgent: new HttpsAgent({ keepAlive: true, timeout: settings.timeout * 1000 }),
      ...(auth ? { auth } : {}),
      validateStatus: () => true,
      maxRedirects: 0,
      maxContentLength: LARGEST,
    });
    this.breaker = circuitBreaker(handleType(ServerUnavailable), {
      breaker: new ConsecutiveBreaker(settings.circuitFailures),
      halfOpenAfter: settings.circuitReset * 1000,
    });
  }

  /** Address without credentials. */
  readonly name: string;

  /** Whether the breaker would let a request through now. */
  get health(): ServerHealth {
    return {
      server: this.name,
      healthy: this.failures === 0,
      circuit: CIRCUIT[this.breaker.state],
      failures: this.failures,
      ...(this.lastAnswer === undefined ? {} : { lastAnswer: this.lastAnswer }),
      ...(this.lastFailure === undefined ? {} : { lastFailure: this.lastFailure }),
    };
  }

  /** Closes idle connections. */
  close(): void {
    (this.http.defaults.httpAgent as HttpAgent).destroy();
    (this.http.defaults.httpsAgent as HttpsAgent).destroy();
  }

  /**
   * Answer to an instant query, at `time` (unix seconds) or now. A query that the server refuses is a `query-failed` reading, because no
   * other try would be better. Throws ServerUnavailable when it cannot answer now, or when its circuit is open.
   */
  async query(promql: string, time: number | undefined, signal: AbortSignal | undefined): Promise<Reading<Series[]>> {
    try {
      return await this.breaker.execute(() => this.ask(promql, time, signal));
    } catch (error) {
      if (!(error instanceof BrokenCircuitError)) throw error;
      throw new ServerUnavailable(`${this.name} is left alone for ${this.settings.circuitReset} s after ${this.settings.circuitFailures} failures (last: ${this.lastFailure}).`, {
        cause: error,
      });
    }
  }

  private async ask(promql: string, time: number | undefined, signal: AbortSignal | undefined): Promise<Reading<Series[]>> {
    // axios' own timeout begins anew with every byte: a server that drips would never be late.
    const late = AbortSignal.timeout(this.settings.timeout * 1000);
    const answer = await this.http
      .get<unknown>("api/v1/query", { params: { query: promql, ...(time === undefined ? {} : { time }) }, signal: signal ? AbortSignal.any([signal, late]) : late })
      .catch((error: unknown) => {
        if (signal?.aborted) throw error;
        if (late.aborted) throw this.failed(`${this.name} did not answer within ${this.settings.timeout} s.`, error);
        if (isAxiosError(error) && error.message.startsWith("maxContentLength")) throw this.failed(`${this.name} answered more than ${LARGEST / 2 ** 20} MiB to ${promql}: ask for fewer series.`, error);
        throw this.failed(`${this.name} cannot be reached: ${isAxiosError(error) ? (error.code ?? error.message) : String(error)}.`, error);
      });
    const { status, data } = answer;
    if (status >= 500 || status === 429) throw this.failed(`${this.name} answered HTTP ${status}${errorIn(data) ? ` (${errorIn(data)})` : ""}.`);
    this.failures = 0;
    this.lastAnswer = Date.now() / 1000;
    if (status === 401 || status === 403) return queryFailed(`${this.name} answered HTTP ${status}: check the user and the password in its address.`);
    if (status >= 300 && errorIn(data) === undefined) return queryFailed(`${this.name} answered HTTP ${status} to ${promql}: check the address.`);
    return readAnswer(data, this.name, promql);
  }

  private failed(message: string, cause?: unknown): ServerUnavailable {
    this.failures++;
    this.lastFailure = message;
    return new ServerUnavailable(message, { cause });
  }
}
