import { setTimeout as sleep } from "node:timers/promises";
import { BusyError, DeadLockError, UpdateCancelledError, UpdateFailedError } from "../errors";
import type { Outputs, StackEngine } from "./engine";

/** How often a locked stack is tried again, in ms. */
const LOCK_RETRY = 2_000;

export interface UpdateOptions {
  /** What the update does, for the stack's history. */
  readonly message: string;
  /** Seconds for which another update's lock is waited for. */
  readonly lockWaitSeconds: number;
  /** Waits for no other stack. Default false. */
  readonly urgent?: boolean;
  /** Cancels it. */
  readonly signal?: AbortSignal;
  /** It may create objects. Default false. */
  readonly creates?: boolean;
  /** Tells what it waits for. */
  readonly note: (sentence: string) => void;
}

/** How the API server says that an object which the state has is not there. */
const GONE = /failed: [a-z]+(?:\.[a-z0-9.-]+)? ("[^"]+") not found/;

const isPending = (cause: unknown): boolean => cause instanceof UpdateFailedError && /pending operation/i.test(cause.message);
const goneIn = (cause: unknown): string | undefined => (cause instanceof UpdateFailedError ? GONE.exec(cause.message)?.[1] : undefined);

/** The stack's updates, one at a time; the one that runs can be cancelled, and awaited to be gone. */
export class Updates {
  private running: { readonly cancel: AbortController; readonly gone: Promise<unknown> } | undefined;
  private told: { readonly outputs?: Promise<Outputs>; readonly version?: Promise<number> } = {};
  private cancelled = false;
  private succeeded = 0;
  private behind = false;

  /** @param limit bounds how many stacks are updated at once, where there are several */
  constructor(private readonly engine: StackEngine, private readonly limit: <T>(update: () => Promise<T>) => Promise<T> = (update) => update()) {}

  /** How many updates of this driver have succeeded. */
  get count(): number {
    return this.succeeded;
  }

  /** The stack's outputs since the latest of them; asked for once. */
  outputs(): Promise<Outputs> {
    return this.once("outputs", () => this.engine.outputs());
  }

  /** Number of the latest update in the stack's history, as it was when this was first asked after an update of ours. */
  version(): Promise<number> {
    return this.once("version", () => this.engine.version());
  }

  /** The latest update was cancelled: how much of it was done, nobody knows. */
  get wasCancelled(): boolean {
    return this.cancelled;
  }

  /** The state may not know what the latest update did, whose driver died: the next one reads the objects anew first. */
  doubt(): void {
    this.behind = true;
  }

  get inDoubt(): boolean {
    return this.behind;
  }

  /**
   * Runs an update when the one before is gone.
   *
   * @throws BusyError when the stack stays locked, UpdateCancelledError, UpdateFailedError
   */
  async run(options: UpdateOptions): Promise<void> {
    // Of two that wait for the same one, the second waits for the first as well.
    for (let before = this.running; before; before = this.running === before ? undefined : this.running) await before.gone;
    const cancel = new AbortController();
    const signal = options.signal ? AbortSignal.any([options.signal, cancel.signal]) : cancel.signal;
    const update = this.attempt(options, signal);
    const gone = update.catch(() => undefined);
    this.running = { cancel, gone };
    try {
      await update;
      this.succeeded++;
      this.cancelled = false;
    } catch (cause) {
      this.cancelled = cause instanceof UpdateCancelledError;
      throw cause;
    } finally {
      this.told = {};
    }
  }

  /** Cancels the update that runs, if one does, and waits until it is gone. */
  async cancel(): Promise<void> {
    this.running?.cancel.abort();
    await this.running?.gone;
  }

  private once<K extends "outputs" | "version">(what: K, ask: () => NonNullable<Updates["told"][K]>): NonNullable<Updates["told"][K]> {
    const known = this.told[what];
    if (known) return known as NonNullable<Updates["told"][K]>;
    const asked = ask();
    this.told = { ...this.told, [what]: asked };
    // What could not be told may be asked again.
    asked.catch(() => void (this.told[what] === asked && (this.told = { ...this.told, [what]: undefined })));
    return asked;
  }

  private async attempt({ message, lockWaitSeconds, note, urgent = false, creates = false }: UpdateOptions, signal: AbortSignal): Promise<void> {
    let repaired = false;
    // Since the command before, the file or this package may have become one that declares other objects.
    const first = this.succeeded === 0;
    for (const deadline = Date.now() + lockWaitSeconds * 1000; ; ) {
      try {
        if (this.behind) await this.engine.repair("traffic");
        this.behind = false;
        const limit = urgent ? <T>(update: () => Promise<T>): Promise<T> => update() : this.limit;
        return await limit(() => (signal.aborted ? Promise.reject(new UpdateCancelledError(`pulumi up (${message}) was cancelled before it began.`)) : this.engine.up(message, { signal, creates: creates || repaired || first })));
      } catch (cause) {
        if (cause instanceof DeadLockError) note(cause.message);
        else if (cause instanceof BusyError && Date.now() < deadline) {
          note(cause.message);
          // Nothing was done yet: a wait that is cut short leaves the stack as locked as it was.
          await sleep(LOCK_RETRY, undefined, { signal }).catch(() => Promise.reject(cause as Error));
          continue;
        } else if (repaired || !(isPending(cause) || goneIn(cause))) throw cause;
        // Of a dead update nobody saw the end, and the state may not know what it did; what somebody deleted the next update creates.
        const gone = goneIn(cause);
        const pending = await this.engine.repair(gone !== undefined ? "all" : cause instanceof DeadLockError ? "traffic" : "unfinished");
        [repaired, this.behind] = [true, false];
        if (gone !== undefined) note(`Somebody has deleted ${gone}, which the stack declares: the state is refreshed, and it is created again.`);
        if (pending.length > 0) note(`An update that died had left unfinished: ${pending.join(", ")}; the state is refreshed.`);
      }
    }
  }
}
