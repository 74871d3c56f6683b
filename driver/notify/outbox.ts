import { setTimeout as sleep } from "node:timers/promises";
import type { NoticeKind } from "../../components/config";
import { ServiceUnavailable, type ServiceCalls } from "../resilience/policies";
import type { Account } from "../resilience/registry";

/** The server takes messages, but not so many now: wait for so many seconds. */
export class Throttled extends Error {
  constructor(message: string, readonly seconds: number) {
    super(message);
  }
}

/** The server is well and does not take this message, now or later. */
export class NotTaken extends Error {}

/** The server will take none of our messages: its address or our key is wrong. */
export class Unwelcome extends ServiceUnavailable {
  constructor(message: string) {
    super(message, { transient: false });
  }
}

/** One thing to send; sending it twice does no harm. */
export interface Message {
  readonly kind: NoticeKind;
  /** Throws ServiceUnavailable, {@link Throttled} or {@link NotTaken} where it was not taken. */
  send(signal: AbortSignal): Promise<void>;
}

export interface OutboxOptions {
  /** How a sentence names whom it tells. */
  readonly title: string;
  readonly calls: ServiceCalls;
  readonly account: Account;
  /** Seconds for which a server that could not be reached is left alone. */
  readonly rest: number;
  /** Messages that wait at most; default 50. */
  readonly bound?: number;
  /** Seconds that {@link Outbox.close} waits at most; default 3. */
  readonly grace?: number;
}

/** What was not sent. */
export interface Unsent {
  readonly title: string;
  readonly missed: number;
  readonly of: number;
  /** One clause. */
  readonly why: string;
}

/** How often one message is held back by a server that wants fewer. */
const PATIENCE = 5;

/**
 * Sends messages in their order, in the background: putting one in never waits. A message stays until it is taken; of too many, the
 * oldest that only tell of a stage are dropped first, because ends matter more.
 */
export class Outbox {
  private readonly waiting: Message[] = [];
  private readonly stop = new AbortController();
  private readonly options: Required<OutboxOptions>;
  private working = false;
  private worker = Promise.resolve();
  private asleep = (): void => undefined;
  private given = 0;
  private sent = 0;
  private why: string | undefined;
  private unwelcome = false;

  constructor(options: OutboxOptions) {
    this.options = { bound: 50, grace: 3, ...options };
  }

  put(message: Message): void {
    this.given++;
    if (this.unwelcome) return;
    this.waiting.push(message);
    if (this.waiting.length > this.options.bound) this.drop();
    if (this.working) return;
    this.working = true;
    this.worker = this.work();
  }

  /** Ends the sending: gives what waits a moment, unless its server is known not to answer. */
  async close(): Promise<Unsent | undefined> {
    const { account, grace, title } = this.options;
    if (this.working && account.health().failures === 0) {
      const resting = new Promise<void>((resolve) => (this.asleep = resolve));
      await Promise.race([this.worker, resting, sleep(grace * 1000, undefined, { signal: this.stop.signal }).catch(() => undefined)]);
    }
    this.stop.abort();
    const missed = this.given - this.sent;
    return missed === 0 ? undefined : { title, missed, of: this.given, why: this.why ?? account.lastError ?? "it has not answered yet" };
  }

  private drop(): void {
    const stage = this.waiting.findIndex(({ kind }) => kind === "stage");
    const early = this.waiting.findIndex(({ kind }) => kind === "start" || kind === "approval");
    this.waiting.splice(Math.max(0, stage >= 0 ? stage : early), 1);
    this.why ??= `more than ${this.options.bound} waited`;
  }

  private async work(): Promise<void> {
    const { signal } = this.stop;
    for (let message = this.waiting.shift(), held = 0; message && !signal.aborted; ) {
      const pause = await this.deliver(message, held);
      if (pause === undefined || this.unwelcome) {
        [message, held] = [this.waiting.shift(), 0];
        continue;
      }
      held++;
      await sleep(pause * 1000, undefined, { signal }).catch(() => undefined);
    }
    this.working = false;
  }

  /** Seconds after which it is to be tried again; undefined when it is done with, one way or the other. */
  private async deliver(message: Message, held: number): Promise<number | undefined> {
    const { calls, rest } = this.options;
    try {
      await calls.execute((signal) => message.send(signal), { signal: this.stop.signal });
      this.sent++;
      return undefined;
    } catch (error) {
      if (this.stop.signal.aborted) return undefined;
      // That it is left alone for a while says less than what it did before.
      this.why = error instanceof ServiceUnavailable ? (this.options.account.lastError ?? error.message) : (error as Error).message;
      if (error instanceof Throttled) return held < PATIENCE ? error.seconds : undefined;
      if (error instanceof Unwelcome) {
        this.unwelcome = true;
        this.waiting.length = 0;
        return undefined;
      }
      if (!(error instanceof ServiceUnavailable)) return undefined;
      // From here on it is known not to answer: nobody waits for it at the end.
      this.asleep();
      return rest;
    }
  }
}
