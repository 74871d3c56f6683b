import { stripVTControlCharacters } from "node:util";
import Table from "cli-table3";
import wrapAnsi from "wrap-ansi";

/** No frame: spaces tell columns apart, and lines can be copied. */
const BARE = { top: "", "top-mid": "", "top-left": "", "top-right": "", bottom: "", "bottom-mid": "", "bottom-left": "", "bottom-right": "", left: "", "left-mid": "", mid: "", "mid-mid": "", right: "", "right-mid": "", middle: "  " };
const GAP = 2;
/** The last column keeps so much, or the table is wider than was asked for. */
const LEAST = 12;

/** Visible characters of a text. */
export const widthOf = (text: string): number => stripVTControlCharacters(text).length;

/**
 * Lines of a table without a frame. The last column takes the room that the others leave and wraps its text in it.
 *
 * @param rows all of the same length; cells may be coloured
 * @param width of the terminal
 */
export function tableLines(rows: readonly (readonly string[])[], width: number): string[] {
  const columns = rows[0]?.length ?? 0;
  if (columns === 0) return [];
  const natural = Array.from({ length: columns - 1 }, (_, i) => Math.max(1, ...rows.map((row) => widthOf(row[i] ?? ""))));
  const room = Math.max(LEAST, width - natural.reduce((sum, w) => sum + w + GAP, 0));
  // Words longer than the room (a query, a URL) are broken: the table would cut them off.
  // A row for each line of it: with a cell of many lines the library takes seconds.
  const wrapped = rows.flatMap((row) => wrapAnsi(row.at(-1) ?? "", room, { hard: true }).split("\n").map((line, i) => [...row.slice(0, -1).map((cell) => (i === 0 ? cell : "")), line]));
  const table = new Table({ chars: BARE, style: { "padding-left": 0, "padding-right": 0, head: [], border: [], compact: true }, colWidths: [...natural, room] });
  table.push(...wrapped);
  return table.toString().split("\n").map((line) => line.trimEnd());
}
