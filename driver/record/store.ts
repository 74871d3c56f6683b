import type { V1ConfigMap } from "@kubernetes/client-node";
import { countsIn, isHistory, isJournal } from "../../components/record/check";
import { boundedLines, DATA_KEYS, parseLines, parseRecord, RecordError, type HistoryEntry, type JournalEntry, type RolloutRecord } from "../../components/record/format";
import { ifThere, statusOf } from "../cluster/answers";
import { within, type ClusterAccess } from "../cluster/client";
import { DriverError } from "../errors";

/** Everything that a stack's ConfigMap holds. */
export interface Book {
  /** Absent before the driver's first write. */
  readonly record?: RolloutRecord;
  /** Of the latest rollout, oldest entry first. */
  readonly journal: readonly JournalEntry[];
  /** Oldest first. */
  readonly history: readonly HistoryEntry[];
  /** Rollbacks so far by kind of reason. */
  readonly rollbacks: Readonly<Record<string, number>>;
}

/** Reads and writes a stack's book. Only who holds the Lease writes, a request aside. */
export interface RecordStore {
  /** An empty book when there is none yet. Rejects when the cluster cannot be asked, or the record cannot be read. */
  read(): Promise<Book>;
  /**
   * Changes the book with optimistic concurrency: when somebody else wrote first, `change` is called again with theirs.
   * What it throws is passed on, and nothing is written then.
   */
  update(change: (book: Book) => Book): Promise<Book>;
}

/** Answers later than this count as none, in ms. */
const DEADLINE = 5000;
/** A ConfigMap may hold 1 MiB. */
const JOURNAL_BYTES = 500_000;
const HISTORY_BYTES = 200_000;
const CONFLICTS = 8;

class ConfigMapStore implements RecordStore {
  constructor(private readonly access: ClusterAccess, private readonly namespace: string, private readonly name: string) {}

  private async object(): Promise<V1ConfigMap | undefined> {
    const { core } = await this.access();
    return ifThere(within(DEADLINE, core.readNamespacedConfigMap({ name: this.name, namespace: this.namespace })));
  }

  private parse(data: V1ConfigMap["data"]): Book {
    try {
      return {
        ...(data?.[DATA_KEYS.record] === undefined ? {} : { record: parseRecord(data) }),
        journal: parseLines<JournalEntry>(data?.[DATA_KEYS.journal], isJournal),
        history: parseLines<HistoryEntry>(data?.[DATA_KEYS.history], isHistory),
        rollbacks: countsIn(parseLines(data?.[DATA_KEYS.rollbacks], () => true)[0]),
      };
    } catch (cause) {
      if (!(cause instanceof RecordError)) throw cause;
      throw new DriverError(`The rollout record, ConfigMap ${this.name} in namespace ${this.namespace}, cannot be read: ${cause.message}. Delete it if nobody needs it: the stack's state is enough to go on.`, undefined, { cause });
    }
  }

  async read(): Promise<Book> {
    return this.parse((await this.object())?.data);
  }

  async update(change: (book: Book) => Book): Promise<Book> {
    for (let conflicts = 0; ; conflicts++) {
      const before = await this.object();
      const book = change(this.parse(before?.data));
      try {
        await within(DEADLINE, this.write(before, book));
        return book;
      } catch (error) {
        // 409: somebody wrote first, or created it first. 404: it was deleted meanwhile.
        const status = statusOf(error);
        if (conflicts >= CONFLICTS || (status !== 409 && !(status === 404 && before))) throw error;
      }
    }
  }

  private async write(before: V1ConfigMap | undefined, book: Book): Promise<void> {
    const { core } = await this.access();
    const data = {
      ...(book.record ? { [DATA_KEYS.record]: JSON.stringify(book.record, null, 1) } : {}),
      [DATA_KEYS.journal]: boundedLines(book.journal, JOURNAL_BYTES),
      [DATA_KEYS.history]: boundedLines(book.history, HISTORY_BYTES),
      [DATA_KEYS.rollbacks]: JSON.stringify(book.rollbacks),
    };
    const metadata = { ...before?.metadata, name: this.name, namespace: this.namespace, labels: { ...before?.metadata?.labels, "app.kubernetes.io/managed-by": "pulumi-canary" } };
    if (before) await core.replaceNamespacedConfigMap({ name: this.name, namespace: this.namespace, body: { metadata, data } });
    else await core.createNamespacedConfigMap({ namespace: this.namespace, body: { metadata, data } });
  }
}

export const recordStore = (access: ClusterAccess, namespace: string, name: string): RecordStore => new ConfigMapStore(access, namespace, name);
