import { InvalidArgumentError } from "commander";
import { show } from "../../components/config/problems";
import { DURATION_PATTERN, parseDuration } from "../../components/config/units";
import { UsageError } from "../errors";

/** A whole number from 0 to 100. */
export function percent(text: string): number {
  const weight = Number(text);
  if (!/^\d+$/.test(text) || weight > 100) throw new InvalidArgumentError("It must be a whole number from 0 to 100.");
  return weight;
}

/** The argument of `traffic`. @throws UsageError: commander parses options only */
export function weightArgument(text: string): number {
  if (/^\d{1,3}$/.test(text) && Number(text) <= 100) return Number(text);
  throw new UsageError(`The weight is ${text === "" ? "empty" : show(text)}: it must be a whole number from 0 to 100.`);
}

/** Percentages between commas. */
export const percentList = (text: string): number[] => text.split(",").map((part) => percent(part.trim()));

/** A whole number above 0. */
export function positive(text: string): number {
  if (!/^[1-9]\d*$/.test(text)) throw new InvalidArgumentError("It must be a whole number above 0.");
  return Number(text);
}

/** Unix seconds, or a date and time such as 2026-03-01T12:00:00Z; returns unix seconds. */
export function time(text: string): number {
  const seconds = /^\d+(\.\d+)?$/.test(text) ? Number(text) : Date.parse(text) / 1000;
  if (!Number.isFinite(seconds)) throw new InvalidArgumentError("It must be unix seconds or a date such as 2026-03-01T12:00:00Z.");
  return seconds;
}

/** A duration such as 90s, 15m or 1h; a bare number is minutes. Returns seconds. */
export function duration(text: string): number {
  if (/^\d+(\.\d+)?$/.test(text)) return Number(text) * 60;
  if (!DURATION_PATTERN.test(text)) throw new InvalidArgumentError("It must be a duration such as 90s, 15m or 1h, or minutes.");
  return parseDuration(text);
}
