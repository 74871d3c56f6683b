import type { VNode } from "preact";
import { chart, type ChartOptions, type Ink } from "./chart";
import { clock } from "./format";

export interface Key {
  readonly ink: Ink;
  readonly dashed?: boolean;
  readonly dotted?: boolean;
  readonly name: string;
}

/** Rows of the table behind a chart. */
const ROWS = 12;

export interface FigureOptions extends Omit<ChartOptions, "alt"> {
  /** Unique on the page: what a reader has opened stays open on a live one. */
  readonly id: string;
  readonly title: string;
  readonly keys: readonly Key[];
}

/** Evenly chosen times, the last one included. */
function chosen(times: readonly number[]): number[] {
  const every = Math.max(1, Math.ceil(times.length / ROWS));
  return times.filter((_, i) => (times.length - 1 - i) % every === 0);
}

/** The curves in figures, for who cannot see them or wants to copy them. */
function Table({ lines, keys, unit }: Pick<FigureOptions, "lines" | "keys" | "unit">): VNode {
  const times = chosen([...new Set(lines.flatMap(({ points }) => points.map(([t]) => t)))].sort((a, b) => a - b));
  const at = (points: FigureOptions["lines"][number]["points"], t: number): string => {
    const value = points.filter(([when]) => when <= t).at(-1)?.[1];
    return value === undefined ? "–" : unit(value);
  };
  return (
    <table>
      <thead><tr><th scope="col">UTC</th>{lines.map((_, i) => <th key={i} scope="col">{keys[i]?.name}</th>)}</tr></thead>
      <tbody>{times.map((t) => <tr key={t}><th scope="row">{clock(t)}</th>{lines.map(({ points }, i) => <td key={i}>{at(points, t)}</td>)}</tr>)}</tbody>
    </table>
  );
}

const Swatch = ({ ink, dashed, dotted }: Key): VNode => <svg class="swatch" viewBox="0 0 24 8" aria-hidden="true"><path d="M0 4H24" stroke={`var(--${ink})`} stroke-width="2.5" {...(dashed ? { "stroke-dasharray": "6 3" } : dotted ? { "stroke-dasharray": "2 3" } : {})} /></svg>;

/** A chart with its title, its keys and its figures. */
export function Figure({ id, title, keys, ...options }: FigureOptions): VNode {
  const empty = options.lines.every(({ points }) => points.every(([, value]) => value === undefined));
  const last = options.lines.map(({ points }, i) => `${keys[i]?.name}: ${points.length > 0 && points.at(-1)![1] !== undefined ? options.unit(points.at(-1)![1]!) : "nothing"} last`).join("; ");
  return (
    <figure>
      <figcaption>
        <strong>{title}</strong>
        <span class="keys">{keys.map((key) => <span key={key.name}><Swatch {...key} />{key.name}</span>)}</span>
      </figcaption>
      {empty ? <p class="nothing">No data.</p> : <div class="chart" dangerouslySetInnerHTML={{ __html: chart({ ...options, alt: `${title}. ${last}.` }) }} />}
      {empty ? null : <details id={id}><summary>Figures</summary><Table lines={options.lines} keys={keys} unit={options.unit} /></details>}
    </figure>
  );
}
