import { z } from "zod";
import { parseDuration, parsePercent, quoted } from "../units";

/** A text that `parse` turns into a number; the message tells what was expected. */
const text = (expected: string, parse: (text: string) => number | undefined) =>
  z.string({ error: `expected ${expected}` }).transform((value, ctx) => {
    const parsed = parse(value);
    if (parsed !== undefined) return parsed;
    ctx.issues.push({ code: "custom", message: `expected ${expected}, got ${quoted(value)}`, input: value });
    return z.NEVER;
  });

/** `5%` → 0.05, between 0 and 100 %, both excluded: a limit at either end could never be judged. */
export const share = text("a percentage between 0% and 100%, such as 5%", (value) => {
  const parsed = parsePercent(value);
  return parsed !== undefined && parsed > 0 && parsed < 1 ? parsed : undefined;
});

/** `150%` → 1.5. */
export const multiple = text("a percentage such as 150%", (value) => parsePercent(value) || undefined);

/** `1000ms` → 1 (seconds), above zero. */
export const seconds = text("a duration such as 1000ms, 90s or 5m", (value) => parseDuration(value) || undefined);

/** `0s` → 0, zero included. */
export const delay = text("a duration such as 0s, 90s or 5m", parseDuration);

/** A plain number. */
export const number = z.number({ error: "expected a number" });

/** A number above zero. */
export const positive = number.positive({ error: "expected a number above 0" });

/** A whole number of at least one. */
export const count = z.int({ error: "expected a whole number" }).min(1, { error: "expected 1 or more" });

/** Limit of a gauge: a number, `80%` (0.8), `500ms` (0.5), or `80%ofBaseline` (that multiple of the baseline's value). */
export const gaugeLimit = z
  .union([z.number(), z.string()], { error: "expected a number, a percentage, a duration, or 80%ofBaseline" })
  .transform((value, ctx) => {
    if (typeof value === "number") return { value, ofBaseline: false };
    const [, relative] = /^(.*%)\s*ofBaseline$/.exec(value) ?? [];
    const parsed = relative === undefined ? (parsePercent(value) ?? parseDuration(value)) : parsePercent(relative);
    if (parsed !== undefined) return { value: parsed, ofBaseline: relative !== undefined };
    ctx.issues.push({ code: "custom", message: `expected a number, a percentage, a duration, or 80%ofBaseline, got ${quoted(value)}`, input: value });
    return z.NEVER;
  });

/** PromQL with placeholders. */
export const query = z.string({ error: "expected a PromQL query" }).min(1, { error: "expected a PromQL query" });
