import { duration, percent } from "../../analysis/units";
import type { ServiceLook, TrackLook } from "./monitor";
import type { Colours } from "./render";

/** One version's numbers in one line. */
function trackText({ track, version, traffic, pods }: TrackLook, blind: boolean, c: Colours): string {
  const numbers =
    traffic === undefined ? blind ? [] : [c.dim("no samples yet")] :
    traffic.requests === 0 ? [c.yellow("no requests")] :
    [`${traffic.rate.toFixed(1)} req/s`, `errors ${percent(traffic.errorShare ?? 0)}`, traffic.p95 === undefined ? "P95 not known" : `P95 ${duration(traffic.p95)}`];
  const ready = pods === undefined ? c.yellow("pods not known") : `pods ${pods.ready}/${pods.desired}${pods.restarts > 0 ? `, ${pods.restarts} restarts` : ""}${pods.reason ? ` (${pods.reason})` : ""}`;
  return `${version} ${c.dim(`(${track})`)} ${[...numbers, ready].join(", ")}`;
}

/** A service at one look: one line for each version, and one for what is not known. The version that exceeds a threshold is marked. Pure. */
export function renderLook({ service, tracks, missing, breaches }: ServiceLook, c: Colours): string[] {
  // The watched version comes last; its breaches have been told of in full.
  const mark = (i: number): string => (i === tracks.length - 1 && breaches.length > 0 ? c.red("✘") : " ");
  return [
    ...tracks.map((look, i) => `${mark(i)} ${service}  ${trackText(look, missing !== undefined, c)}`),
    ...(missing === undefined ? [] : [`${c.yellow("!")} ${service}  ${c.yellow("no data, which is no health:")} ${missing}`]),
  ];
}
