import type { JournalEntry, RecordedRollout } from "../../components/record/format";
import type { Book } from "../record/store";
import type { Why } from "./decide";

/** The rollout is not what the guard decided about any more: it has ended, or somebody has marked it already. */
export class OutdatedError extends Error {}

const rolloutIn = ({ record }: Book, id: string): RecordedRollout => {
  const rollout = record?.rollout;
  if (rollout?.id !== id) throw new OutdatedError(`the rollout ${id} has ended`);
  return rollout;
};

type Said = Pick<JournalEntry, "kind" | "by" | "message"> & Partial<JournalEntry>;

function append(book: Book, { id, phase, step, stage }: RecordedRollout, at: string, entry: Said): readonly JournalEntry[] {
  const facts = { phase, ...(step ? { step } : {}), ...(stage === undefined ? {} : { stage }) };
  return [...book.journal, { seq: (book.journal.at(-1)?.seq ?? 0) + 1, at, rollout: id, ...facts, ...entry }];
}

/**
 * The book with a rollout whose traffic the guard has sent home. It is counted once, here: the next command that ends the rollout finds
 * `sentHome` and does not count it again.
 *
 * @throws OutdatedError when it is marked already, or another rollout is under way
 */
export function markedSentHome(book: Book, id: string, { reason, gates }: Why, by: string, at: string): Book {
  const rollout = rolloutIn(book, id);
  if (rollout.sentHome) throw new OutdatedError(`${rollout.sentHome.by} has marked the rollout ${id} already`);
  const verdict = gates ? { kind: "verdict" as const, verdict: "rollback", gates } : { kind: "note" as const };
  return {
    ...book,
    record: { ...book.record!, rollout: { ...rollout, reason, sentHome: { by, at } } },
    journal: append(book, rollout, at, { ...verdict, by, weight: 0, message: `All traffic is sent home: ${reason}` }),
    rollbacks: { ...book.rollbacks, guard: (book.rollbacks["guard"] ?? 0) + 1 },
  };
}

/** The book with a note of the guard. @throws OutdatedError when another rollout is under way */
export const noted = (book: Book, id: string, message: string, by: string, at: string): Book => {
  const rollout = rolloutIn(book, id);
  return { ...book, journal: append(book, rollout, at, { kind: "note", by, weight: rollout.weight, message }) };
};
