import * as units from "../../analysis/units";

/** A number and its unit stay on one line. */
const together = (text: string): string => text.replaceAll(" ", "\u00a0");

export const duration = (seconds: number): string => together(units.duration(seconds));
export const percent = (share: number): string => together(units.percent(share));
export const plain = units.plain;

/** Where there is no number. */
export const NONE = "–";

export const or = <T,>(value: T | undefined, show: (value: T) => string): string => (value === undefined ? NONE : show(value));

const iso = (t: number): string => (Number.isFinite(t) && Math.abs(t) < 8.64e12 ? new Date(t * 1000).toISOString() : "1970-01-01T00:00:00.000Z");

/** Machine-readable, for `<time>`. */
export const machineTime = (t: number): string => `${iso(t).slice(0, 19)}Z`;

/** Time of the day to the second, UTC. */
export const clock = (t: number): string => iso(t).slice(11, 19);

/** Day and time, UTC. */
export const day = (t: number): string => `${iso(t).slice(0, 10)} ${clock(t)}`;

/** A span of two units at most: `45 s`, `3 min 20 s`, `2 h 5 min`, `1 d 3 h`. */
export function took(seconds: number): string {
  const s = Math.max(0, Math.round(seconds));
  const units: readonly (readonly [number, string])[] = [[86_400, "d"], [3600, "h"], [60, "min"], [1, "s"]];
  const first = units.findIndex(([size]) => s >= size);
  if (first < 0) return "0 s";
  const [size, name] = units[first]!;
  const below = units[first + 1];
  const rest = below ? Math.floor((s % size) / below[0]) : 0;
  return `${Math.floor(s / size)} ${name}${below && rest > 0 ? ` ${rest} ${below[1]}` : ""}`;
}

/** A whole number with thin spaces between the thousands. */
export const count = (n: number): string => Math.round(n).toString().replace(/\B(?=(\d{3})+$)/g, "\u202f");

/** Shares of a hundred, for what is percent already. */
export const outOf100 = (value: number): string => `${plain(Math.round(value * 10) / 10)}\u00a0%`;
