/** A span for a person, in its largest whole unit: `45 s`, `3 min`, `2 h`, `5 d`. A negative one counts as none. */
export function span(seconds: number): string {
  const s = Math.max(0, Math.floor(seconds));
  if (s < 120) return `${s} s`;
  if (s < 7200) return `${Math.floor(s / 60)} min`;
  return s < 172_800 ? `${Math.floor(s / 3600)} h` : `${Math.floor(s / 86_400)} d`;
}

/** Seconds from one ISO time, or date, to another; NaN where one is no time. */
export const secondsBetween = (from: string | Date, to: string | Date): number => (new Date(to).getTime() - new Date(from).getTime()) / 1000;

/** How long ago something was: `3 h ago`; `at an unknown time` where the time cannot be read. */
export function ago(then: string | Date, now: string | Date): string {
  const seconds = secondsBetween(then, now);
  return Number.isFinite(seconds) ? `${span(seconds)} ago` : "at an unknown time";
}

/** Date and time to the second, in UTC: `2026-03-01 12:00:00Z`; the text itself where it is no time. */
export function moment(iso: string): string {
  const time = new Date(iso);
  return Number.isNaN(time.getTime()) ? iso : time.toISOString().replace("T", " ").replace(/\.\d+Z$/, "Z");
}
