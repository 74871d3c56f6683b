import type { Series } from "../prometheus/answer";
import type { PrometheusSource } from "../prometheus/client";
import { type Reading, noSeries, tooFewSamples, valueOf } from "../reading";
import { overdispersion } from "../statistics/eprocess";
import type { Share } from "../traffic";
import { CounterReader, counted } from "./counters";
import { isFailure } from "./meter";
import { type TrafficTarget, selectorsOf } from "./profiles";

/** Where the errors of one window and half went. */
interface Halves {
  first: Share;
  second: Share;
}

const podOf = ({ labels }: Series): string => labels["pod"] ?? labels["instance"] ?? "";

/**
 * Overdispersion φ ≥ 1 of the baseline against itself: the errors of its pods, parted into two halves, in windows of `window` seconds over the
 * last `seconds`. Only profiles whose series are the pods' own can tell (`app`, or the user's); for a router's counters, or a single pod,
 * the answer is `too-few-samples`. Rejects only on abort.
 */
export async function measureOverdispersion(source: PrometheusSource, target: TrafficTarget, { seconds = 1800, window = 60, signal }: { seconds?: number; window?: number; signal?: AbortSignal } = {}): Promise<Reading<number>> {
  const selectors = selectorsOf(target);
  const selector = selectors.stable.requests[0] as string;
  if (!selectors.perPod) return tooFewSamples(selector);
  const reading = counted(await source.query(`${selector}[${seconds}s]`, signal ? { signal } : {}), selector);
  if (reading.kind !== "value") return reading;
  const pods = [...new Set(reading.value.map(podOf))].sort();
  if (pods.length < 2) return tooFewSamples(selector);
  const half = (series: Series): keyof Halves => (pods.indexOf(podOf(series)) % 2 === 0 ? "first" : "second");
  const newest = Math.max(...reading.value.map((s) => s.samples.at(-1)?.t ?? -Infinity));
  if (!Number.isFinite(newest)) return noSeries(selector);
  const counters = new CounterReader();
  const windows: Halves[] = [];
  // The first round only sets the base.
  for (let end = newest - seconds; end <= newest; end += window) {
    const seen = reading.value.map((s) => ({ labels: s.labels, samples: s.samples.filter((p) => p.t <= end) }));
    const rises = counters.read({ first: seen.filter((s) => half(s) === "first"), second: seen.filter((s) => half(s) === "second") });
    const share = (which: keyof Halves): Share => ({
      x: rises[which].reduce((sum, r) => sum + (isFailure(r.labels[selectors.statusLabel], target.success) ? r.delta : 0), 0),
      n: rises[which].reduce((sum, r) => sum + r.delta, 0),
    });
    windows.push({ first: share("first"), second: share("second") });
  }
  return valueOf(overdispersion(windows));
}
