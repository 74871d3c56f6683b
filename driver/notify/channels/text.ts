const ELLIPSIS = "…";

/** A text of at most `most` UTF-16 units, cut between characters. */
export function cut(text: string, most: number, write: (character: string) => string = (c) => c): string {
  const pieces = [...text].map(write);
  let length = pieces.reduce((sum, piece) => sum + piece.length, 0);
  if (length <= most) return pieces.join("");
  while (pieces.length > 0 && length + ELLIPSIS.length > most) length -= pieces.pop()!.length;
  return pieces.join("") + ELLIPSIS;
}

/** A table in columns of equal width, for a fixed-width font. */
export function columns(rows: readonly (readonly string[])[]): string[] {
  const widths = (rows[0] ?? []).map((_, i) => Math.max(...rows.map((row) => (row[i] ?? "").length)));
  return rows.map((row) => row.map((cell, i) => cell.padEnd(widths[i]!)).join("  ").trimEnd());
}
