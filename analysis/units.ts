const UNITS: Readonly<Record<string, number>> = { ms: 0.001, s: 1, m: 60, h: 3600, d: 86400 };

/** Seconds in a duration such as `1000ms`, `90s`, `15m`, `1h`; undefined when the text is none. */
export function parseDuration(text: string): number | undefined {
  const match = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/.exec(text.trim());
  // 0.001 is not exact in binary: without rounding, 1100ms could be 1.1 plus dust, and dust reaches messages.
  return match ? Math.round(Number(match[1]) * (UNITS[match[2] as string] as number) * 1e6) / 1e6 : undefined;
}

/** Fraction in a percentage such as `5%` (0.05); undefined when the text is none. */
export function parsePercent(text: string): number | undefined {
  const match = /^(\d+(?:\.\d+)?)\s*%$/.exec(text.trim());
  return match ? Number(match[1]) / 100 : undefined;
}

/** `0.0512` as `5.12 %`, with three significant digits. */
export const percent = (share: number): string => `${plain(share * 100)} %`;

/** A duration in seconds for a person: `250 ms`, `1.2 s`, `3 min`, `1.5 h`. */
export function duration(seconds: number): string {
  if (!Number.isFinite(seconds)) return "forever";
  if (seconds < 1) return `${plain(seconds * 1000)} ms`;
  if (seconds < 120) return `${plain(seconds)} s`;
  return seconds < 7200 ? `${plain(seconds / 60)} min` : `${plain(seconds / 3600)} h`;
}

/** A number with at most three significant digits, whole numbers in full. */
export function plain(value: number): string {
  if (!Number.isFinite(value)) return String(value);
  if (Number.isInteger(value)) return String(value);
  return Math.abs(value) >= 1000 ? String(Math.round(value)) : String(Number(value.toPrecision(3)));
}

/** A text that somebody wrote as a sentence shows it: in quotes, on one line, cut after 60 characters. */
export const quoted = (text: string): string => JSON.stringify(text.length > 60 ? `${text.slice(0, 57)}…` : text);
