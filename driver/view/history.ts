import pc from "picocolors";
import type { HistoryEntry } from "../../components/record/format";
import type { Colours } from "./render";
import { tableLines } from "./table";
import { ago, moment, secondsBetween, span } from "./times";

const OUTCOMES: Readonly<Record<HistoryEntry["outcome"], (c: Colours) => string>> = {
  promoted: (c) => c.green("✔ promoted"),
  measured: (c) => c.green("✔ measured"),
  "rolled-back": (c) => c.red("✘ rolled back"),
  failed: (c) => c.red("✘ failed"),
  held: (c) => c.yellow("‖ held"),
  interrupted: (c) => c.yellow("‖ interrupted"),
};

/** An entry with what a program would have to work out; the format of `canary history --json`. */
export interface HistoryLine extends HistoryEntry {
  readonly seconds: number;
}

/** The latest entries, newest first. */
export function latest(history: readonly HistoryEntry[], limit: number): HistoryLine[] {
  const seconds = ({ startedAt, endedAt }: HistoryEntry): number => Math.max(0, secondsBetween(startedAt, endedAt)) || 0;
  return history.slice(-limit).reverse().map((entry) => ({ ...entry, seconds: seconds(entry) }));
}

/**
 * Entries for a person, two lines each: what came of it, then why. Pure.
 *
 * @param now ISO 8601, from which "ago" counts
 */
export function renderHistory(lines: readonly HistoryLine[], now: string, { width = 80, colours: c = pc.createColors(false) }: { width?: number; colours?: Colours } = {}): string[] {
  const heads = ["when", "outcome", "version", "from", "kind", "took"].map((h) => c.dim(h));
  const rows = lines.map((l) => [ago(l.endedAt, now), OUTCOMES[l.outcome](c), c.bold(l.version), l.from ?? "", l.kind, span(l.seconds)]);
  const [head, ...entries] = tableLines([heads, ...rows], width);
  const detail = ({ id, endedAt, by, reason }: HistoryLine): string[] => tableLines([["  ", c.dim(`${moment(endedAt)}  ${id}  by ${by}`)], ["", reason]], width);
  // A row that had to be wrapped would be taken for two: versions are not that long.
  return [head!, ...lines.flatMap((line, i) => [entries[i]!, ...detail(line)])];
}
