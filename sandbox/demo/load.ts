import * as http from "node:http";

export interface LoadOptions {
  /** Base URL of the ingress. */
  readonly url: string;
  /** Host header, by which the ingress finds the service. */
  readonly host: string;
  /** Requests a second, sent at their times whether or not earlier ones were answered. */
  readonly rate: number;
  /** The load stops by itself after so many seconds. */
  readonly seconds: number;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Requests by version and by status; `none` is a request without an answer or without the version header. */
export type Counts = Record<string, Record<string, number>>;

export interface Answer {
  /** ms since the epoch. */
  readonly at: number;
  readonly version: string;
  readonly status: string;
}

/** An answer that took longer counts as none, in ms. */
const TIMEOUT = 10_000;
const TICK = 5;
/** More open requests than this are a service that is gone, not a load. */
const MAX_OPEN = 2000;

/** An open-loop load: a slow or broken service gets the same requests as a quick one, as it would from users. */
export class Load {
  readonly counts: Counts = {};
  private readonly agent = new http.Agent({ keepAlive: true, maxSockets: MAX_OPEN });
  private readonly listeners = new Set<(answer: Answer) => void>();
  private sent = 0;
  private open = 0;
  private began = 0;
  private timer: NodeJS.Timeout | undefined;
  private idle: (() => void) | undefined;

  constructor(private readonly options: LoadOptions) {}

  /** Calls back for every answer until the returned function is called. */
  onAnswer(listener: (answer: Answer) => void): () => void {
    this.listeners.add(listener);
    return () => void this.listeners.delete(listener);
  }

  start(): this {
    this.began = performance.now();
    this.timer = setInterval(() => this.tick(), TICK);
    return this;
  }

  private tick(): void {
    const seconds = (performance.now() - this.began) / 1000;
    if (seconds >= this.options.seconds) return void this.stop();
    for (const due = Math.floor(seconds * this.options.rate); this.sent < due; this.sent++) this.send();
  }

  private send(): void {
    this.open++;
    const { url, host, headers } = this.options;
    let answered = false;
    const count = (version: string, status: string): void => {
      if (answered) return;
      answered = true;
      const byStatus = (this.counts[version] ??= {});
      byStatus[status] = (byStatus[status] ?? 0) + 1;
      for (const listener of this.listeners) listener({ at: Date.now(), version, status });
      if (--this.open === 0) this.idle?.();
    };
    const request = http.get(url, { agent: this.agent, timeout: TIMEOUT, headers: { host, ...headers } }, (response) => {
      const version = response.headers["x-canary-backend"];
      response.resume();
      response.on("end", () => count(String(version ?? "none"), String(response.statusCode)));
      response.on("error", () => count("none", "none"));
    });
    request.on("timeout", () => request.destroy()).on("error", () => count("none", "none"));
  }

  /** Sends no more and resolves when the last answer is in. */
  async stop(): Promise<Counts> {
    clearInterval(this.timer);
    if (this.open > 0) await new Promise<void>((resolve) => (this.idle = resolve));
    this.agent.destroy();
    return this.counts;
  }
}

/** Requests that were not answered with a status below 500. */
export function failedOf(byStatus: Readonly<Record<string, number>> = {}): number {
  return Object.entries(byStatus).reduce((sum, [status, n]) => sum + (Number(status) < 500 ? 0 : n), 0);
}

/** Requests that failed for users, but for those that a bad version answered itself. */
export const failures = (counts: Counts, bad?: string): number =>
  Object.entries(counts).reduce((sum, [version, byStatus]) => sum + (version === bad ? 0 : version === "none" ? totalOf(byStatus) : failedOf(byStatus)), 0);

/** All requests of a version. */
export const totalOf = (byStatus: Readonly<Record<string, number>> = {}): number => Object.values(byStatus).reduce((a, b) => a + b, 0);
