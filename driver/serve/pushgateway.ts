import { Pushgateway, Registry } from "prom-client";
import { clauseOf } from "../cluster/answers";
import { DriverError, UsageError } from "../errors";
import type { RolloutEvent } from "../report/events";
import type { Listener, Occasion } from "../report/listeners";
import { RolloutMetrics, recordedBy } from "../report/metrics";
import { ServiceUnavailable, type ServiceCalls } from "../resilience/policies";

/** Milliseconds between two pushes. */
const EVERY = 15_000;
/** Seconds for one try of a push and for all of them; the last push of a rollout is not tried again. */
const LIMITS = { timeout: 3, total: 10, parallelism: 1 };
/** Milliseconds that the end of a rollout waits for its last push. */
const LAST = 3_000;

/** A URL as it may be shown. @throws UsageError when it is none */
function withoutCredentials(url: string): string {
  if (!URL.canParse(url)) throw new UsageError("The Pushgateway's address is no URL: correct canary:metrics.pushgateway, or PUSHGATEWAY_URL.");
  const shown = new URL(url);
  shown.username = shown.password = "";
  return shown.href.replace(/\/+$/, "");
}

/** Refused: prom-client rejects with the status and the answer's text. */
const isRefusal = (error: Error): boolean => /^push failed with status 4/.test(error.message);

/**
 * Pushes a rollout's metrics to a Pushgateway: with 0 or what the record counts at the beginning, every 15 s, and at the end. Each push
 * replaces what the stack's rollout before left there. It delays nothing and fails nothing.
 */
export class PushedMetrics implements Listener {
  private readonly registry = new Registry();
  private readonly metrics: RolloutMetrics;
  private readonly calls: ServiceCalls;
  private readonly timer: NodeJS.Timeout;
  private readonly name: string;
  private readonly grouping: { readonly stack: string; readonly namespace: string };
  /** Why the latest push came to nothing. */
  private failure: string | undefined;
  private pushing: Promise<void> | undefined;

  /**
   * @param gateway base URL, maybe with credentials, which no sentence shows
   * @throws UsageError when it is no URL
   */
  constructor(private readonly gateway: string, private readonly occasion: Pick<Occasion, "stack" | "config" | "ledger" | "dependencies" | "note">, every = EVERY) {
    const { stack, config, ledger, dependencies } = occasion;
    this.grouping = { stack: stack.split("/").pop()!, namespace: config.namespace };
    this.metrics = new RolloutMetrics({ ...this.grouping, services: Object.keys(config.services) }, recordedBy(ledger), this.registry);
    this.name = withoutCredentials(gateway);
    this.calls = dependencies.calls("pushgateway", this.name, `The Pushgateway ${this.name}`, LIMITS);
    this.timer = setInterval(() => void this.push(), every).unref();
    void this.push();
  }

  hear(event: RolloutEvent): void {
    this.metrics.hear(event);
  }

  async close(): Promise<void> {
    clearInterval(this.timer);
    const late = AbortSignal.timeout(LAST);
    // One that is under way says less than the last.
    await Promise.race([this.pushing, new Promise((resolve) => late.addEventListener("abort", resolve, { once: true }))]);
    await this.push(late);
    if (this.failure !== undefined) this.occasion.note(`The metrics were not pushed: ${this.failure.replace(/\.$/, "")}.`);
  }

  /** One at a time; who comes meanwhile has nothing to add. Never rejects. */
  private push(late?: AbortSignal): Promise<void> {
    this.pushing ??= this.calls.execute((signal) => this.send(signal), { ...(late ? { signal: late, again: () => false } : {}) }).then(
      () => void (this.failure = undefined),
      (error: Error) => void (this.failure = late?.aborted ? `The Pushgateway ${this.name} did not answer within ${LAST / 1000} s` : error.message),
    ).finally(() => (this.pushing = undefined));
    return this.pushing;
  }

  /** @throws ServiceUnavailable when nobody took it; DriverError when it was refused */
  private async send(signal: AbortSignal): Promise<void> {
    // The library puts its path behind the URL's as it is.
    const gateway = new Pushgateway(this.gateway.replace(/\/+$/, ""), { signal }, this.registry);
    try {
      await gateway.push({ jobName: "canary", groupings: { ...this.grouping } });
    } catch (error) {
      const sentence = `The Pushgateway ${this.name} ${isRefusal(error as Error) ? "refused them" : "cannot be reached"}: ${clauseOf(error)}.`;
      throw isRefusal(error as Error) ? new DriverError(sentence, undefined, { cause: error }) : new ServiceUnavailable(sentence, { cause: error });
    }
  }
}
