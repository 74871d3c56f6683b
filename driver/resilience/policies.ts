import { BrokenCircuitError, CircuitState, ConsecutiveBreaker, ExponentialBackoff, TaskCancelledError, TimeoutStrategy, bulkhead, circuitBreaker, fallback, handleType, handleWhen, noJitterGenerator, retry, timeout } from "cockatiel";
import { plain } from "../../analysis/units";
import { DriverError } from "../errors";
import type { Account, Circuit } from "./registry";

/** How the driver's own calls are repeated, and when a service is left alone: names and defaults of system A. Times in seconds. */
export interface ResilienceSettings {
  /** Tries of one call, the first included; 1 or more. Default 3. */
  readonly tries: number;
  /** Wait before the second try, above 0. Default 1. */
  readonly retryDelay: number;
  /** By how much each further wait is longer, 1 or more. Default 2. */
  readonly retryFactor: number;
  /** Failures in a row after which a service is left alone, 1 or more. Default 5. */
  readonly circuitFailures: number;
  /** For how long it is left alone, above 0. Default 30. */
  readonly circuitReset: number;
}

export const DEFAULT_RESILIENCE: ResilienceSettings = { tries: 3, retryDelay: 1, retryFactor: 2, circuitFailures: 5, circuitReset: 30 };

/** How long and how often one service may be asked. Times in seconds. */
export interface CallLimits {
  /** Of one try. */
  readonly timeout: number;
  /** Of a call with all its tries, waits and its time in the queue. */
  readonly total: number;
  /** Calls that run at once; the others wait their turn. */
  readonly parallelism: number;
}

/** A service could not answer now. Any other error of a call is an answer, and the service is well. */
export class ServiceUnavailable extends DriverError {
  /** Nothing of the call can have had an effect, so that it may be repeated whatever it does. Default false. */
  readonly unsent: boolean;
  /** Asking again may help. Default true. */
  readonly transient: boolean;

  constructor(message: string, { unsent = false, transient = true, cause }: { unsent?: boolean; transient?: boolean; cause?: unknown } = {}) {
    super(message, undefined, { cause });
    this.unsent = unsent;
    this.transient = transient;
  }
}

export interface CallOptions<T> {
  readonly signal?: AbortSignal;
  /** Whether this failure of this call may be tried again. Default: always; right for what changes nothing. */
  readonly again?: (error: ServiceUnavailable) => boolean;
  /** Neither waits its turn nor minds an open circuit, and is tried again at once and once only. */
  readonly urgent?: boolean;
  /** Answers where the service cannot. Default: nobody does, and the call rejects. */
  readonly instead?: () => T | Promise<T>;
}

const CIRCUIT: Readonly<Record<CircuitState, Circuit>> = {
  [CircuitState.Closed]: "closed",
  [CircuitState.Open]: "open",
  [CircuitState.HalfOpen]: "half-open",
  [CircuitState.Isolated]: "open",
};

/** Wait of an urgent call before its second try, in seconds: enough for a connection to be refused for another reason. */
const URGENT_DELAY = 0.1;

const unavailable = handleType(ServiceUnavailable);

/** Every call to one service: bulkhead around retries around the circuit around the timeout. */
export class ServiceCalls {
  private breaker;
  private readonly queue;

  /**
   * @param service how a sentence names it, its address included, e.g. `The API server https://10.0.0.1:6443`
   * @param account where its health is kept
   */
  constructor(
    private readonly service: string,
    private readonly account: Account,
    private readonly settings: ResilienceSettings,
    private readonly limits: CallLimits,
  ) {
    this.breaker = this.closedCircuit();
    this.queue = bulkhead(limits.parallelism, Number.MAX_SAFE_INTEGER);
  }

  get circuit(): Circuit {
    return CIRCUIT[this.breaker.state];
  }

  private closedCircuit() {
    return circuitBreaker(unavailable, { breaker: new ConsecutiveBreaker(this.settings.circuitFailures), halfOpenAfter: this.settings.circuitReset * 1000 });
  }

  /**
   * Makes a call; `act` throws ServiceUnavailable when the service could not answer, and gives up when its signal aborts.
   *
   * @throws ServiceUnavailable when no try was answered, or the circuit is open; what aborted the caller's signal; any error of `act`
   */
  async execute<T>(act: (signal: AbortSignal) => Promise<T>, options: CallOptions<T> = {}): Promise<T> {
    const { signal, instead } = options;
    try {
      const call = (): Promise<T> => this.call(act, options);
      return await (instead ? fallback(unavailable, instead).execute(call) : call());
    } catch (error) {
      // Whichever policy noticed the abort, the caller gets its own reason.
      signal?.throwIfAborted();
      throw error;
    }
  }

  private call<T>(act: (signal: AbortSignal) => Promise<T>, { signal, again = () => true, urgent = false }: CallOptions<T>): Promise<T> {
    const until = Date.now() + this.limits.total * 1000;
    const attempt = (): Promise<T> => this.attempt(act, until, signal);
    const tries = this.retries(until, again, urgent);
    if (urgent) return tries.execute(async () => this.isBack(await attempt()), signal);
    return this.queue.execute(() => {
      if (Date.now() >= until) throw new ServiceUnavailable(`${this.service} was not asked: ${this.limits.parallelism} other calls to it took longer than ${this.limits.total} s.`, { unsent: true, transient: false });
      return tries.execute(() => this.unlessOpen(attempt), signal);
    }, signal);
  }

  private retries(until: number, again: (error: ServiceUnavailable) => boolean, urgent: boolean) {
    const [tries, delay, exponent] = urgent ? [2, URGENT_DELAY, 1] : [this.settings.tries, this.settings.retryDelay, this.settings.retryFactor];
    let wait = delay;
    // A try that could not be made in time is not waited for: the last error says more than "too late".
    const inTime = (): boolean => {
      const next = Date.now() + wait * 1000;
      wait *= exponent;
      return next < until;
    };
    const worthIt = handleWhen((error) => error instanceof ServiceUnavailable && error.transient && again(error) && inTime());
    return retry(worthIt, { maxAttempts: tries - 1, backoff: new ExponentialBackoff({ initialDelay: delay * 1000, exponent, maxDelay: this.limits.total * 1000, generator: noJitterGenerator }) });
  }

  private async attempt<T>(act: (signal: AbortSignal) => Promise<T>, until: number, signal: AbortSignal | undefined): Promise<T> {
    const seconds = Math.max(0.001, Math.min(this.limits.timeout, (until - Date.now()) / 1000));
    let limited: AbortSignal | undefined;
    try {
      const answer = await timeout(seconds * 1000, { strategy: TimeoutStrategy.Aggressive, abortOnReturn: false }).execute((context) => act((limited = context.signal)), signal);
      this.account.succeeded();
      return answer;
    } catch (error) {
      signal?.throwIfAborted();
      // At the timeout the call that is aborted by it may reject first.
      const late = error instanceof TaskCancelledError || limited?.aborted;
      const reason = late ? new ServiceUnavailable(`${this.service} did not answer within ${plain(seconds)} s.`, { cause: error }) : error;
      if (reason instanceof ServiceUnavailable) this.account.failed(reason);
      throw reason;
    }
  }

  private async unlessOpen<T>(attempt: () => Promise<T>): Promise<T> {
    try {
      return await this.breaker.execute(attempt);
    } catch (error) {
      if (!(error instanceof BrokenCircuitError)) throw error;
      const { circuitReset, circuitFailures } = this.settings;
      const last = this.account.lastError;
      throw new ServiceUnavailable(`${this.service} is left alone for ${circuitReset} s after ${circuitFailures} failures${last ? ` (last: ${last.replace(/\.$/, "")})` : ""}.`, { unsent: true, transient: false, cause: error });
    }
  }

  /** Somebody urgent was answered while the circuit was open: nobody else need wait. */
  private isBack<T>(answer: T): T {
    if (this.breaker.state !== CircuitState.Closed) this.breaker = this.closedCircuit();
    return answer;
  }
}
