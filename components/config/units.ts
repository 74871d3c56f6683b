import { parseDuration as secondsOf } from "../../analysis/units";

/** What a duration looks like in config. */
export const DURATION_PATTERN = /^\d+(\.\d+)?(ms|s|m|h)$/;

/**
 * Seconds of a duration as config writes it: a number and one unit, `500ms`, `90s`, `15m`, `1h`.
 *
 * @throws RangeError with one sentence when the text is anything else, a negative or a bare number included.
 */
export function parseDuration(text: string): number {
  const seconds = DURATION_PATTERN.test(text) ? secondsOf(text) : undefined;
  if (seconds === undefined) throw new RangeError(`${JSON.stringify(text)} is not a duration: it must be a number and a unit, such as 500ms, 90s, 15m or 1h.`);
  return seconds;
}
