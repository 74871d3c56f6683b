import * as fs from "node:fs";
import * as path from "node:path";
import type { HistoryEntry, JournalEntry, RecordedGate, RecordedKeys, RecordedRollout, RolloutRecord, RolloutRequest } from "../../components/record/format";
import { clauseOf } from "../cluster/answers";
import { DriverError, type LeaseLostError } from "../errors";
import { GUARD_PREFIX, type Lease, type LeaseState } from "./lease";
import type { Book, RecordStore } from "./store";

/** The record could not be written: nothing may be raised on what nobody else can read. */
export class UnwrittenError extends DriverError {}

/** Seconds between two writes of what is seen. */
const SEEN_EVERY = 3;

export interface LedgerOptions {
  readonly store: RecordStore;
  readonly lease: Lease;
  /** Pulumi's name of the stack. */
  readonly stack: string;
  /** How this driver is named to others. */
  readonly holder: string;
  /** Folder of the local copies, one file a rollout. */
  readonly folder: string;
  /** Pulumi's state may not know what a driver did that died: whoever goes on later must know. Default: it does. */
  readonly behind?: () => boolean;
}

/** What a rollout's end leaves in the record. */
export interface Closing {
  readonly entry: HistoryEntry;
  /** The kind of reason, when it was rolled back. */
  readonly rollback?: string;
  readonly undo?: RolloutRecord["undo"];
}

type Verdict = Pick<JournalEntry, "verdict" | "gates" | "stage" | "weight" | "message">;

/**
 * The driver's side of the rollout record: every intent is in it before it is acted on. One rollout at a time has it open, by the Lease.
 * Each method rejects when the record could not be written; {@link Ledger.anyway} is for what must not wait for that.
 */
export class Ledger {
  private book: Book = { journal: [], history: [], rollbacks: {} };
  private seenAt = 0;
  private unwritten: string | undefined;
  private lost: LeaseLostError | undefined;
  /** Writes one after the other: each continues the journal where the one before ended. */
  private queue: Promise<unknown> = Promise.resolve();

  constructor(private readonly options: LedgerOptions) {}

  get holder(): string {
    return this.options.holder;
  }

  get record(): RolloutRecord | undefined {
    return this.book.record;
  }

  get rollout(): RecordedRollout | undefined {
    return this.book.record?.rollout;
  }

  /** Of the latest rollout, oldest entry first. */
  get journal(): readonly JournalEntry[] {
    return this.book.journal;
  }

  get history(): readonly HistoryEntry[] {
    return this.book.history;
  }

  /** Rollbacks so far by kind of reason. */
  get rollbacks(): Readonly<Record<string, number>> {
    return this.book.rollbacks;
  }

  /** Why the latest write failed, if it did and none has succeeded since. */
  get trouble(): string | undefined {
    return this.unwritten;
  }

  /** Takes the Lease and reads the record; returns the holder that let the Lease run out, if there was one. @throws BusyError */
  async open(patient = false): Promise<string | undefined> {
    // A record that cannot be understood is told before anything is written.
    await this.options.store.read();
    const dead = await this.options.lease.acquire({ patient });
    this.book = await this.options.store.read();
    return dead;
  }

  /** The Lease is still ours, as far as the API server says now. Rejects otherwise. */
  confirm = (): Promise<void> => this.options.lease.confirm();

  /** Says what the rollout keys are about to be, before the stack file is written. */
  keys(generation: number, keys: RecordedKeys): Promise<void> {
    return this.write((book) => ({ ...book, record: { ...this.recordOf(book), generation, keys } }));
  }

  /** Begins a rollout: its journal replaces the one before. */
  begin(rollout: RecordedRollout, message: string): Promise<void> {
    return this.write((book) => ({ ...this.append({ ...book, journal: [] }, rollout, { kind: "intent", message }), record: { ...this.withoutRequest(book), rollout } }));
  }

  /** Enters a phase. */
  enter(change: Partial<RecordedRollout> & Pick<RecordedRollout, "phase">, message: string): Promise<void> {
    return this.onRollout((book, before) => {
      const { reason: _, behind: __, step, ...kept } = before;
      // A hold forgets no promotion that has begun to move the stable Service: nothing may lead home from there.
      const half = change.phase === "held" && (step === "move" || step === "close") ? { step } : {};
      const rollout = { ...kept, ...half, ...(this.options.behind?.() === true ? { behind: true } : {}), since: now(), ...change };
      // A request that was taken up, or that came too late.
      const record = rollout.phase === "held" || rollout.phase === "reverting" ? this.withoutRequest(book) : this.recordOf(book);
      return { ...this.append(book, rollout, { kind: "intent", message }), record: { ...record, rollout } };
    });
  }

  verdict(verdict: Verdict): Promise<void> {
    return this.onRollout((book, rollout) => this.append(book, rollout, { kind: "verdict", ...verdict }));
  }

  note(message: string): Promise<void> {
    return this.onRollout((book, rollout) => this.append(book, rollout, { kind: "note", message }));
  }

  /** Keeps the latest look for `canary status`, every few seconds; nobody waits for it and nothing depends on it. */
  seen(served: number | undefined, gates: readonly RecordedGate[]): void {
    if (Date.now() - this.seenAt < SEEN_EVERY * 1000) return;
    this.seenAt = Date.now();
    const seen = { at: now(), ...(served === undefined ? {} : { served }), gates };
    void this.anyway(this.onRollout((book, rollout) => ({ ...book, record: { ...this.recordOf(book), rollout: { ...rollout, seen } } })));
  }

  /** Ends the rollout, or enters something without stages (an install, an undo). */
  close({ entry, rollback, undo }: Closing): Promise<void> {
    return this.write((book) => {
      const { rollout, undo: kept, ...rest } = this.withoutRequest(book);
      const window = undo ?? (entry.kind === "rollout" && entry.outcome === "promoted" ? undefined : kept);
      const ended = rollout ? this.append(book, rollout, { kind: "end", message: `${entry.outcome}: ${entry.reason}` }) : book;
      // The guard has counted what it sent home.
      const counted = rollback === undefined || rollout?.sentHome?.by.startsWith(GUARD_PREFIX) === true;
      const rollbacks = counted ? book.rollbacks : { ...book.rollbacks, [rollback]: (book.rollbacks[rollback] ?? 0) + 1 };
      return { ...ended, rollbacks, history: [...book.history, entry], record: { ...rest, ...(window ? { undo: window } : {}) } };
    });
  }

  /** Changes the record without a rollout, e.g. when the undo window is closed. */
  amend(change: (record: RolloutRecord) => RolloutRecord): Promise<void> {
    return this.write((book) => ({ ...book, record: change(this.recordOf(book)) }));
  }

  /** The record as it is now: others may have written a request, or that the traffic was sent home. */
  async look(): Promise<RolloutRecord | undefined> {
    return (await this.options.store.read()).record;
  }

  /** Who holds the Lease now, by the API server. */
  lease = (): Promise<LeaseState> => this.options.lease.state();

  /** Asks something of the driver that holds the Lease; ours need not be. */
  async request(request: RolloutRequest): Promise<void> {
    await this.options.store.update((book) => ({ ...book, record: { ...this.recordOf(book), request } }));
  }

  /** How a rollout ended; undefined while it has not. */
  async outcomeOf(id: string): Promise<HistoryEntry | undefined> {
    return (await this.options.store.read()).history.find((entry) => entry.id === id);
  }

  /** The request is taken up, or nobody will. */
  answered(): Promise<void> {
    return this.write((book) => ({ ...book, record: this.withoutRequest(book) }));
  }

  /** Somebody else holds the Lease: nothing is written any more. */
  lose(error: LeaseLostError): void {
    this.lost = error;
  }

  /** Waits for a write and swallows its failure, which {@link Ledger.trouble} tells of. */
  async anyway(write: Promise<unknown>): Promise<void> {
    await write.catch(() => undefined);
  }

  /** Everything is written, or has failed. */
  settled = (): Promise<unknown> => this.queue.catch(() => undefined);

  async shut(): Promise<void> {
    await this.settled();
    await this.options.lease.release();
  }

  private recordOf = (book: Book): RolloutRecord => book.record ?? { format: 1, stack: this.options.stack, generation: 0, keys: { weight: 0 } };

  private withoutRequest(book: Book): RolloutRecord {
    const { request: _, ...record } = this.recordOf(book);
    return record;
  }

  /** Nothing is written where no rollout is recorded: the API server was away when it should have been, or somebody removed the record. */
  private onRollout(change: (book: Book, rollout: RecordedRollout) => Book): Promise<void> {
    return this.write((book) => (book.record?.rollout ? change(book, book.record.rollout) : book));
  }

  private append(book: Book, { id, phase, step, stage, weight }: RecordedRollout, entry: Pick<JournalEntry, "kind" | "message"> & Partial<JournalEntry>): Book {
    const facts = { phase, ...(step ? { step } : {}), ...(stage === undefined ? {} : { stage }), weight };
    return { ...book, journal: [...book.journal, { seq: (book.journal.at(-1)?.seq ?? 0) + 1, at: now(), rollout: id, by: this.holder, ...facts, ...entry }] };
  }

  private write(change: (book: Book) => Book): Promise<void> {
    const written = this.queue.catch(() => undefined).then(async () => {
      try {
        if (this.lost) throw this.lost;
        this.book = await this.options.store.update(change);
        this.unwritten = undefined;
        this.copy();
      } catch (error) {
        this.unwritten = clauseOf(error);
        throw new UnwrittenError(`The rollout record cannot be written (${this.unwritten}).`, undefined, { cause: error });
      }
    });
    this.queue = written;
    return written;
  }

  /** The local copy is for people; a full disk must not end a rollout. */
  private copy(): void {
    const last = this.book.journal.at(-1);
    if (!last) return;
    try {
      fs.mkdirSync(this.options.folder, { recursive: true });
      fs.writeFileSync(path.join(this.options.folder, `${last.rollout}.journal.ndjson`), this.book.journal.map((e) => `${JSON.stringify(e)}\n`).join(""));
    } catch {
      // See above.
    }
  }
}

const now = (): string => new Date().toISOString();
