/**
 * What came back when something was asked of telemetry. The four answers are different things and are never folded into one number:
 * `value` (it is known), `no-series` (nothing by that name is recorded), `too-few-samples` (recorded, but nothing new yet),
 * `query-failed` (it could not be asked, or the answer makes no sense). Only `value` can ever lead to a pass or a failure.
 */
export type Reading<T> =
  | { readonly kind: "value"; readonly value: T }
  | { readonly kind: "no-series"; readonly query: string }
  | { readonly kind: "too-few-samples"; readonly query: string }
  | { readonly kind: "query-failed"; readonly reason: string };

export const valueOf = <T>(value: T): Reading<T> => ({ kind: "value", value });
export const noSeries = (query: string): Reading<never> => ({ kind: "no-series", query });
export const tooFewSamples = (query: string): Reading<never> => ({ kind: "too-few-samples", query });
export const queryFailed = (reason: string): Reading<never> => ({ kind: "query-failed", reason });

/** One sentence saying why a reading holds no value. */
export function whyMissing(reading: Exclude<Reading<unknown>, { kind: "value" }>): string {
  switch (reading.kind) {
    case "no-series":
      return `Prometheus has no series for ${reading.query}.`;
    case "too-few-samples":
      return `Prometheus has no new samples yet for ${reading.query}.`;
    case "query-failed":
      return reading.reason;
  }
}
