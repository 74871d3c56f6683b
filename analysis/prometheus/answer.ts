import { z } from "zod";
import { type Reading, noSeries, queryFailed, valueOf } from "../reading";

/** One sample: unix seconds and value. */
export interface Sample {
  readonly t: number;
  readonly v: number;
}

/** One time series of an answer, its samples in time order. */
export interface Series {
  readonly labels: Readonly<Record<string, string>>;
  readonly samples: readonly Sample[];
}

const pair = z.tuple([z.number(), z.string()]);
const labels = z.record(z.string(), z.string());
const success = z.object({
  status: z.literal("success"),
  data: z.discriminatedUnion("resultType", [
    z.object({ resultType: z.literal("matrix"), result: z.array(z.object({ metric: labels, values: z.array(pair).optional() })) }),
    z.object({ resultType: z.literal("vector"), result: z.array(z.object({ metric: labels, value: pair.optional() })) }),
    z.object({ resultType: z.literal("scalar"), result: pair }),
    z.object({ resultType: z.literal("string"), result: pair }),
  ]),
});
const failure = z.object({ status: z.literal("error"), error: z.string() });

/** Prometheus writes infinities as `+Inf` and `-Inf`, which `Number` does not read. */
const toNumber = (text: string): number => (text === "+Inf" ? Infinity : text === "-Inf" ? -Infinity : Number(text));
const toSample = ([t, v]: [number, string]): Sample => ({ t, v: toNumber(v) });

/** What a person needs to see of a body that is no answer: its beginning, on one line. */
function glimpse(body: unknown): string {
  const text = onOneLine(typeof body === "string" ? body : (JSON.stringify(body) ?? ""), 60);
  return text === "" ? "an empty body" : `"${text}"`;
}

/** A text that somebody else wrote, fit for a sentence: no control characters, and not longer than it bears. */
function onOneLine(text: string, most: number): string {
  // Cut first: a page may be long.
  const line = text.slice(0, 4 * most).replace(/[\s\x00-\x1f\x7f-\x9f]+/g, " ").trim();
  return line.length > most || text.length > 4 * most ? `${line.slice(0, most)}…` : line;
}

/** The error text of a `status: error` body, if it is one. */
export function errorIn(body: unknown): string | undefined {
  const said = failure.safeParse(body).data?.error;
  return said === undefined ? undefined : onOneLine(said, 300).replace(/\.$/, "");
}

/**
 * Series of a successful body of `/api/v1/query`. Anything that is not exactly the documented shape is `query-failed`: an HTML page of a
 * proxy, a missing field, native histograms (which have no float samples), or a NaN sample, which has no meaning for a gate.
 */
export function readAnswer(body: unknown, server: string, query: string): Reading<Series[]> {
  const error = errorIn(body);
  if (error !== undefined) return queryFailed(`${server} refused the query ${query}: ${error}.`);
  const parsed = success.safeParse(body);
  if (!parsed.success) return queryFailed(`${server} answered ${glimpse(body)} instead of a Prometheus result to ${query}: check the address.`);
  const data = parsed.data.data;
  if (data.resultType === "string") return queryFailed(`${server} answered a string to ${query}: ask for numbers.`);
  const series: Series[] =
    data.resultType === "scalar"
      ? [{ labels: {}, samples: [toSample(data.result)] }]
      : data.resultType === "vector"
        ? data.result.flatMap((r) => (r.value ? [{ labels: r.metric, samples: [toSample(r.value)] }] : []))
        : data.result.flatMap((r) => (r.values && r.values.length > 0 ? [{ labels: r.metric, samples: r.values.map(toSample) }] : []));
  if (data.resultType !== "scalar" && series.length < data.result.length)
    return queryFailed(`${server} answered native histograms to ${query}: ask for classic series.`);
  if (series.some((s) => s.samples.some((p) => Number.isNaN(p.v))))
    return queryFailed(`${server} answered NaN to ${query} (0/0, or a quantile of no requests).`);
  return series.length > 0 ? valueOf(series) : noSeries(query);
}
