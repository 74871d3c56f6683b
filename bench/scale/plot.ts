import * as echarts from "echarts";

export interface GrowthLine {
  readonly name: string;
  /** How many, and what it costs. */
  readonly points: readonly (readonly [x: number, y: number])[];
}

export interface GrowthOptions {
  readonly title: string;
  readonly x: string;
  readonly y: string;
  readonly lines: readonly GrowthLine[];
}

const SIZE = { width: 640, height: 360 } as const;
/** Told apart also by who sees no red or green, and on white and dark ground. */
const INKS = ["#1f77b4", "#d9730d", "#7b5fb0", "#2a9d8f"];
const GREY = "#808080";

/** An SVG of growth on logarithmic axes, on which what grows in proportion is a line of slope one. */
export function growthChart({ title, x, y, lines }: GrowthOptions): string {
  const drawing = echarts.init(null, null, { renderer: "svg", ssr: true, ...SIZE });
  const text = { color: GREY, fontFamily: "sans-serif", fontSize: 12 };
  const xs = [...new Set(lines.flatMap(({ points }) => points.map(([value]) => value)))].sort((a, b) => a - b);
  try {
    drawing.setOption({
      animation: false, color: INKS,
      title: { text: title, left: 8, top: 4, textStyle: { ...text, fontSize: 14, fontWeight: "bold" } },
      // Below each other: on the server nobody knows how wide a text is.
      legend: { top: 26, left: 4, orient: "vertical", itemGap: 4, textStyle: text, icon: "roundRect" },
      grid: { left: 60, right: 24, top: 40 + 18 * lines.length, bottom: 48 },
      xAxis: { type: "log", name: x, nameLocation: "middle", nameGap: 28, nameTextStyle: text, axisLabel: text, min: xs[0], max: xs.at(-1), splitLine: { show: false } },
      yAxis: { type: "log", name: y, nameLocation: "middle", nameGap: 42, nameTextStyle: text, axisLabel: text, splitLine: { lineStyle: { color: GREY, opacity: 0.3 } } },
      series: lines.map(({ name, points }) => ({ type: "line", name, data: points.map(([a, b]) => [a, b]), symbol: "circle", symbolSize: 7, lineStyle: { width: 2 } })),
    } as Parameters<typeof drawing.setOption>[0]);
    return drawing.renderToSVGString();
  } finally {
    drawing.dispose();
  }
}
