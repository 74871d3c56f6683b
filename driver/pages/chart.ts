import type * as ECharts from "echarts";
import { clock, machineTime } from "./format";

/** Loaded late, because a driver draws nothing before its end; and as the whole bundle, whose single modules take many times as long. */
const echarts = (): typeof ECharts => require("echarts") as typeof ECharts;

/** One size for every screen: pages lay charts out in columns of about this width, so that their text is scaled by little. */
const WIDTH = 380;
const HEIGHT = 190;

/** Names of CSS variables, which follow the colour scheme. */
export type Ink = "stable" | "canary" | "limit" | "good" | "bad" | "plain";

export interface Line {
  readonly ink: Ink;
  readonly dash?: readonly number[];
  /** Keeps its value until the next point. */
  readonly step?: boolean;
  /** Time in seconds since the epoch, and value. */
  readonly points: readonly (readonly [t: number, value: number | undefined])[];
}

/** What all charts of a page share. */
export interface Span {
  readonly from: number;
  readonly to: number;
  /** Stages, by which the ground is shaded. */
  readonly bands: readonly { readonly from: number; readonly to: number; readonly label: string }[];
  /** Instants of a revert or a promotion. */
  readonly marks: readonly { readonly t: number; readonly ink: Ink }[];
}

export interface ChartOptions {
  readonly span: Span;
  readonly lines: readonly Line[];
  /** How a value is written at the axis. */
  readonly unit: (value: number) => string;
  /** A level that decides something. */
  readonly limit?: number;
  /** The axis reaches at least to here. */
  readonly most?: number;
  /** No value lies beyond. */
  readonly ceiling?: number;
  /** For who cannot see it. */
  readonly alt: string;
}

const colour = (ink: Ink): string => `var(--${ink})`;

/** Fraction of the width below which a stage has no room for its label. */
const LABELLED = 0.09;

const escaped = (text: string): string => text.replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`);

/** Labels at the time axis say the day where several are shown, and the second where few minutes are. */
function timeLabel({ from, to }: Span): (ms: number) => string {
  const seconds = to - from;
  if (seconds > 86_400) return (ms) => `${machineTime(ms / 1000).slice(5, 10)} ${clock(ms / 1000).slice(0, 5)}`;
  return seconds > 900 ? (ms) => clock(ms / 1000).slice(0, 5) : (ms) => clock(ms / 1000);
}

/**
 * An SVG of lines over time, by ECharts on the server. It contains no text from outside but `alt`, which is escaped, takes its colours
 * from the page's CSS variables, and is as wide as its place.
 */
export function chart({ span, lines, unit, limit, most, ceiling = Infinity, alt }: ChartOptions): string {
  const drawing = echarts().init(null, null, { renderer: "svg", ssr: true, width: WIDTH, height: HEIGHT });
  const text = { color: colour("plain"), fontSize: 11, fontFamily: "sans-serif" };
  const values = [...lines.flatMap(({ points }) => points.flatMap(([, v]) => (v === undefined ? [] : [v]))), ...[limit, most].filter((v) => v !== undefined)];
  const ms = (t: number): number => t * 1000;
  const whole = Math.max(1, span.to - span.from);
  const ground = {
    silent: true,
    data: span.bands.map(({ from, to, label }, i) => [
      { xAxis: ms(from), itemStyle: { color: "var(--band)", opacity: i % 2 ? 0.45 : 1 }, name: (to - from) / whole >= LABELLED ? label : "" },
      { xAxis: ms(to) },
    ]),
    label: { ...text, position: "top", distance: 3, fontSize: 10 },
  };
  const rules = {
    silent: true, symbol: "none", label: { show: false },
    data: [
      ...(limit === undefined ? [] : [{ yAxis: limit, lineStyle: { color: colour("limit"), type: [2, 3], width: 1.5 } }]),
      ...span.marks.map(({ t, ink }) => ({ xAxis: ms(t), lineStyle: { color: colour(ink), type: "solid", width: 1.5 } })),
    ],
  };
  try {
    drawing.setOption({
      animation: false, useUTC: true,
      grid: { left: 0, right: 8, top: 18, bottom: 0, outerBoundsMode: "same", outerBounds: { left: 2, right: 2, top: 16, bottom: 2 } },
      xAxis: {
        type: "time", min: ms(span.from), max: ms(span.from + whole), splitNumber: 3,
        axisLabel: { ...text, hideOverlap: true, formatter: timeLabel(span), showMinLabel: false, showMaxLabel: false },
        axisLine: { lineStyle: { color: "var(--rule)" } }, axisTick: { lineStyle: { color: "var(--rule)" } },
      },
      yAxis: {
        type: "value", ...rounded(Math.min(0, ...values), Math.max(0, ...values), ceiling),
        axisLabel: { ...text, formatter: unit, hideOverlap: true }, splitLine: { lineStyle: { color: "var(--rule)" } },
      },
      series: [
        { type: "line", data: [], markArea: ground, markLine: rules },
        ...lines.map(({ ink, dash, step, points }) => ({
          type: "line", silent: true, emphasis: { disabled: true }, step: step ? "end" : false, connectNulls: false,
          symbol: "none", itemStyle: { color: colour(ink) },
          lineStyle: { color: colour(ink), width: 2, ...(dash ? { type: dash } : {}) },
          data: dataOf(step ? points : broken(points, whole / GAP)),
        })),
      ],
    } as Parameters<typeof drawing.setOption>[0]);
    return tidy(drawing.renderToSVGString(), alt);
  } finally {
    drawing.dispose();
  }
}

/** Part of the time shown in which nothing was measured, beyond which a line is broken. */
const GAP = 12;

type Points = Line["points"];

/** Without a line over a time of which nothing is known. */
const broken = (points: Points, longest: number): Points =>
  points.flatMap(([t, value], i) => {
    const before = points[i - 1]?.[0];
    return before !== undefined && t - before > longest ? [[before + 1e-3, undefined], [t, value]] as const : [[t, value]] as const;
  });

/** ECharts' data; a point without neighbours is no line, and is drawn as a dot. */
const dataOf = (points: Points): object[] =>
  points.map(([t, v], i) => {
    const alone = v !== undefined && points[i - 1]?.[1] === undefined && points[i + 1]?.[1] === undefined;
    return { value: [t * 1000, v ?? "-"], ...(alone ? { symbol: "circle", symbolSize: 5 } : {}) };
  });

/** Ends of an axis at round numbers, and the distance of its labels. */
function rounded(low: number, high: number, ceiling: number): { min: number; max: number; interval: number } {
  const range = high - low || 1;
  const size = 10 ** Math.floor(Math.log10(range));
  const interval = [0.2, 0.25, 0.5, 1, 2, 2.5, 5].map((step) => step * size).find((step) => range / step <= 4)!;
  const up = (value: number): number => Number((Math.ceil(value / interval - 1e-9) * interval).toPrecision(12));
  return { min: -up(-low), max: Math.min(ceiling, up(high) || interval), interval };
}

/** As wide as its place, named for who cannot see it, and without what only a script would need. */
function tidy(svg: string, alt: string): string {
  return svg
    .replace(/^<svg[^>]*>/, `<svg viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${escaped(alt)}">`)
    .replace(/ (class="zr\d+-cls-\d+"|pointer-events="visible"|xml:space="preserve"|style="font(?:-size:11px;font-family:sans-serif;|: normal normal 11px sans-serif)")/g, "")
    .replace(/style="font(?:-size:10px;font-family:sans-serif;|: normal normal 10px sans-serif)"/g, 'class="small"')
    .replace(/<style[^>]*>[^]*?<\/style>/g, "")
    .replace(/(\d+\.\d)\d+/g, "$1")
    .replace(/\n/g, "");
}
