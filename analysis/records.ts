import { z } from "zod";
import { RecordError } from "./errors";
import type { Batch, Histogram, Phase, Share } from "./traffic";

/** Beyond this, numbers are no longer counted one by one, and the statistics lose their meaning. */
const MOST = Number.MAX_SAFE_INTEGER;
const count = z.number().min(0).max(MOST);
const edge = z.union([z.number(), z.enum(["+Inf", "Inf"]).transform(() => Infinity)]);

const share = z.strictObject({ x: count, n: count });
const batch = z.strictObject({ mean: z.number().min(-MOST).max(MOST), sd: count, n: count });
const histogram = z
  .strictObject({ le: z.array(edge).min(1), count: z.array(count).min(1) })
  .transform(({ le, count: counts }, ctx): Histogram => {
    // JSON has no infinity: the last edge may be left out, as a count too many or not at all.
    const edges = le.at(-1) === Infinity ? le : [...le, Infinity];
    const all = counts.length === edges.length ? counts : [...counts, counts.at(-1) as number];
    const wrong =
      all.length !== edges.length ? "needs one count for each edge"
      : edges.some((e, i) => i > 0 && e <= (edges[i - 1] as number)) ? "needs ascending edges"
      : all.some((c, i) => i > 0 && c < (all[i - 1] as number)) ? "needs cumulative counts"
      : undefined;
    if (wrong === undefined) return { le: edges, count: all };
    ctx.issues.push({ code: "custom", message: wrong, input: counts });
    return z.NEVER;
  });

const base = { t: z.number(), metric: z.string().min(1), stage: z.int().min(0), weight: z.number().min(0).max(100), phase: z.enum(["settling", "observing"]).default("observing") };
const recordSchema = z.union(
  [
    z.strictObject({ ...base, canary: share, baseline: share.optional() }).transform((r) => ({ ...r, type: "share" as const })),
    z.strictObject({ ...base, canary: batch, baseline: batch.optional() }).transform((r) => ({ ...r, type: "batch" as const })),
    z.strictObject({ ...base, canary: histogram, baseline: histogram.optional() }).transform((r) => ({ ...r, type: "histogram" as const })),
  ],
  { error: "expected {t, metric, stage, weight, canary, baseline} with both arms as {x, n}, {mean, sd, n} or {le, count}" },
);

interface Base<Type extends string, Arm> {
  type: Type;
  /** End of the window, in seconds. */
  t: number;
  metric: string;
  stage: number;
  /** Percent. */
  weight: number;
  phase: Phase;
  canary: Arm;
  baseline?: Arm | undefined;
}

/** One recorded window of one metric. */
export type AnalysisRecord = Base<"share", Share> | Base<"batch", Batch> | Base<"histogram", Histogram>;

/**
 * Records of newline-delimited JSON; empty lines are skipped. Throws RecordError with the number of the first line that is wrong, or when
 * there is none at all.
 */
export function parseRecords(text: string): AnalysisRecord[] {
  // A byte order mark is no part of the first record.
  const records = text.replace(/^\ufeff/, "").split(/\r?\n/).flatMap((line, i): AnalysisRecord[] => {
    if (line.trim() === "") return [];
    let json: unknown;
    try {
      json = JSON.parse(line);
    } catch (cause) {
      throw new RecordError(`Line ${i + 1} is not JSON: ${(cause as Error).message}.`, { cause });
    }
    const parsed = recordSchema.safeParse(json);
    if (!parsed.success) throw new RecordError(`Line ${i + 1} is no record: ${reasonOf(parsed.error)}.`, { cause: parsed.error });
    return [parsed.data];
  });
  if (records.length === 0) throw new RecordError("There is no record to judge: give one JSON object a line.");
  return records;
}

/** The reason inside a union that a person can act on: a histogram's own, when the shape was right. */
function reasonOf(error: z.ZodError): string {
  const issue = error.issues[0] as z.core.$ZodIssue;
  const inner = issue.code === "invalid_union" ? issue.errors.flat().find((e) => e.code === "custom") : undefined;
  return inner ? `${inner.path.join(".")} ${inner.message}` : issue.message;
}
