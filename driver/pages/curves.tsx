import type { VNode } from "preact";
import type { Figures } from "../report/events";
import type { SeriesPoint, SeriesView, StoryView } from "../report/story-view";
import type { Span } from "./chart";
import { Figure, type Key } from "./figure";
import { count, duration, NONE, or, percent, plain } from "./format";

interface Curve {
  readonly name: string;
  readonly title: string;
  readonly unit: (value: number) => string;
  readonly of: (point: SeriesPoint) => number | undefined;
  readonly most?: number;
}

const CURVES: readonly Curve[] = [
  { name: "errors", title: "Failed requests", unit: percent, of: ({ requests, errors }) => (requests > 0 ? errors / requests : undefined), most: 0.01 },
  { name: "p95", title: "Latency, 95th percentile", unit: duration, of: ({ p95 }) => p95 },
  { name: "rate", title: "Requests a second", unit: plain, of: ({ requests, seconds }) => (seconds > 0 ? requests / seconds : undefined) },
];

/** A stable track that a promotion has moved to the canary's version goes on in that version's colour. */
const keyOf = ({ track, version }: SeriesView, own: readonly SeriesView[]): Key => {
  const moved = own.find((other) => other.track === track)?.version !== version;
  return { ink: moved ? "canary" : track, dashed: track === "stable", name: `${version} (${track}${moved ? ", later" : ""})` };
};

const dashOf = (key: Key): { dash?: readonly number[] } => (key.dashed ? { dash: [6, 3] } : {});

/** Both versions over time, for each service. */
export function Curves({ view, span }: { readonly view: StoryView; readonly span: Span }): VNode {
  const { facts, series } = view;
  const services = [...new Set([...facts.services, ...series.map(({ service }) => service)])];
  return (
    <section>
      <h2>Both versions over time</h2>
      <p class="note">Shaded bands are the stages, named by their weight; an upright rule is where traffic was sent home, or the promotion began. A point stands for 100 requests at least where the traffic allows it. All times are UTC.</p>
      {services.map((service) => {
        const own = series.filter((s) => s.service === service);
        const keys = own.map((one) => keyOf(one, own));
        return (
          <div key={service}>
            {services.length > 1 ? <h3>{service}</h3> : null}
            <div class="grid">
              {CURVES.map(({ name, title, unit, of, most }) => (
                <Figure key={name} id={`figures-${services.indexOf(service)}-${name}`} title={title} span={span} unit={unit} keys={keys} {...(most === undefined ? {} : { most })}
                  lines={own.map((one, i) => ({ ink: keys[i]!.ink, ...dashOf(keys[i]!), points: one.points.map((p) => [p.t, of(p)] as const) }))} />
              ))}
            </div>
          </div>
        );
      })}
    </section>
  );
}

interface Row {
  readonly name: string;
  readonly of: (figures: Figures) => number | undefined;
  readonly show: (value: number) => string;
}

const ROWS: readonly Row[] = [
  { name: "Requests", of: ({ requests }) => requests, show: count },
  { name: "Failed", of: ({ errors }) => errors, show: count },
  { name: "Failed share", of: ({ requests, errors }) => (requests > 0 ? errors / requests : undefined), show: percent },
  { name: "P50", of: ({ p50 }) => p50, show: duration },
  { name: "P95", of: ({ p95 }) => p95, show: duration },
  { name: "P99", of: ({ p99 }) => p99, show: duration },
];

/** How the canary's figure stands to stable's; of counts it says nothing. */
function ratio(name: string, stable: number | undefined, canary: number | undefined): string {
  if (name === "Requests" || name === "Failed" || !stable || canary === undefined) return "";
  return `${plain(Math.round((100 * canary) / stable) / 100)}×`;
}

/** Both versions in figures, over the time in which both could be compared. */
export function Comparison({ view }: { readonly view: StoryView }): VNode {
  const { comparison, facts } = view;
  return (
    <section>
      <h2>Comparison</h2>
      {comparison.length === 0 ? <p class="nothing">The canary has got no request.</p> : null}
        {comparison.map(({ service, stable, canary }) => (
          <div class="scroll" key={service}>
            <table class="figures">
              <caption>{`${service}, while the canary got requests`}</caption>
              <thead><tr><td></td><th scope="col">{facts.from ?? "stable"}<small>stable</small></th><th scope="col">{facts.version ?? "canary"}<small>canary</small></th><th scope="col">ratio</th></tr></thead>
              <tbody>
                {ROWS.map(({ name, of, show }) => (
                  <tr key={name}>
                    <th scope="row">{name}</th>
                    <td>{or(of(stable), show)}</td>
                    <td>{or(of(canary), show)}</td>
                    <td>{ratio(name, of(stable), of(canary)) || NONE}</td>
                  </tr>
                ))}
              </tbody>
            </table>
          </div>
        ))}
    </section>
  );
}
