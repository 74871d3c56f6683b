/** What a duration looks like in config. */
export const DURATION_PATTERN = /^\d+(\.\d+)?(ms|s|m|h)$/;

const SECONDS_PER_UNIT: Readonly<Record<string, number>> = { ms: 0.001, s: 1, m: 60, h: 3600 };

/**
 * Seconds of a duration as config writes it: a number and one unit, `500ms`, `90s`, `15m`, `1h`.
 *
 * @throws RangeError with one sentence when the text is anything else, a negative or a bare number included.
 */
export function parseDuration(text: string): number {
  if (!DURATION_PATTERN.test(text)) {
    throw new RangeError(`${JSON.stringify(text)} is not a duration: it must be a number and a unit, such as 500ms, 90s, 15m or 1h.`);
  }
  const unit = /[a-z]+$/.exec(text)![0];
  const seconds = Number.parseFloat(text) * SECONDS_PER_UNIT[unit]!;
  // 0.001 is not exact in binary: without rounding, 1100ms would be 1.1 plus dust, and dust reaches messages.
  return Math.round(seconds * 1e6) / 1e6;
}
