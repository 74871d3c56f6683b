import * as bargauge from "@grafana/grafana-foundation-sdk/bargauge";
import * as common from "@grafana/grafana-foundation-sdk/common";
import * as dashboard from "@grafana/grafana-foundation-sdk/dashboard";
import * as prometheus from "@grafana/grafana-foundation-sdk/prometheus";
import * as stat from "@grafana/grafana-foundation-sdk/stat";
import * as statetimeline from "@grafana/grafana-foundation-sdk/statetimeline";
import * as timeseries from "@grafana/grafana-foundation-sdk/timeseries";

/** The data source that the person looking chooses. */
export const DATASOURCE: common.DataSourceRef = { type: "prometheus", uid: "${datasource}" };

export interface Query {
  readonly expr: string;
  readonly legend: string;
}

export interface Panel {
  readonly title: string;
  /** What one sees, in a sentence or two. */
  readonly about: string;
  /** Of Grafana, e.g. `percentunit`, `reqps`, `s`. */
  readonly unit: string;
  readonly queries: readonly Query[];
  /** Columns of 24. */
  readonly width: number;
  /** Period instead of the dashboard's, e.g. `7d`. */
  readonly period?: string;
}

const LETTERS = "ABCDEFGH";

function targets(queries: readonly Query[], instant: boolean): prometheus.DataqueryBuilder[] {
  return queries.map(({ expr, legend }, i) => {
    const query = new prometheus.DataqueryBuilder().refId(LETTERS[i]!).datasource(DATASOURCE).expr(expr).legendFormat(legend);
    return instant ? query.instant() : query.range();
  });
}

interface AnyPanel<T> {
  title(title: string): T;
  description(description: string): T;
  datasource(datasource: common.DataSourceRef): T;
  unit(unit: string): T;
  span(width: number): T;
  height(height: number): T;
  timeFrom(period: string): T;
  targets(targets: prometheus.DataqueryBuilder[]): T;
}

function filled<T extends AnyPanel<T>>(panel: T, { title, about, unit, queries, width, period }: Panel, { height, instant = false }: { height: number; instant?: boolean }): T {
  const made = panel.title(title).description(about).datasource(DATASOURCE).unit(unit).span(width).height(height).targets(targets(queries, instant));
  return period === undefined ? made : made.timeFrom(period);
}

const legend = () => new common.VizLegendOptionsBuilder().showLegend(true).displayMode(common.LegendDisplayMode.List).placement(common.LegendPlacement.Bottom);

/** Stable and canary have the same colour in every panel; limits are dashed. */
const colour = (panel: timeseries.PanelBuilder): timeseries.PanelBuilder =>
  panel
    .overrideByName("stable", [{ id: "color", value: { mode: "fixed", fixedColor: "green" } }])
    .overrideByName("canary", [{ id: "color", value: { mode: "fixed", fixedColor: "orange" } }])
    .overrideByRegexp("/^(set|limit) /", [{ id: "custom.lineStyle", value: { fill: "dash", dash: [10, 10] } }]);

/** Lines over time. */
export const lines = (panel: Panel): timeseries.PanelBuilder =>
  colour(filled(new timeseries.PanelBuilder(), panel, { height: 8 }).legend(legend()).lineWidth(2).fillOpacity(5).showPoints(common.VisibilityMode.Never));

/** The same as steps, for what holds until it is changed. */
export const steps = (panel: Panel): timeseries.PanelBuilder => lines(panel).lineInterpolation(common.LineInterpolation.StepAfter);

/** Bars over time, on top of each other. */
export const bars = (panel: Panel): timeseries.PanelBuilder =>
  filled(new timeseries.PanelBuilder(), panel, { height: 8 }).legend(legend()).drawStyle(common.GraphDrawStyle.Bars).fillOpacity(80).decimals(0).interval("1d")
    .stacking(new common.StackingConfigBuilder().mode(common.StackingMode.Normal));

/** The latest value, large. */
export const number = (panel: Panel): stat.PanelBuilder =>
  filled(new stat.PanelBuilder(), panel, { height: 4 }).colorMode(common.BigValueColorMode.None).reduceOptions(new common.ReduceDataOptionsBuilder().calcs(["lastNotNull"]));

/** One bar a series. */
export const ranking = (panel: Panel): bargauge.PanelBuilder =>
  filled(new bargauge.PanelBuilder(), panel, { height: 8, instant: true }).orientation(common.VizOrientation.Horizontal);

const GOES_ON: dashboard.ValueMapping[] = [{
  type: dashboard.MappingType.ValueToText,
  options: { "0": { text: "hold or rollback", color: "red", index: 0 }, "1": { text: "goes on", color: "green", index: 1 } },
}];

/** A verdict: 1 or 0. */
export const verdict = (panel: Panel): stat.PanelBuilder => number(panel).mappings(GOES_ON).colorMode(common.BigValueColorMode.Value);

/** Verdicts over time. */
export const verdicts = (panel: Panel): statetimeline.PanelBuilder =>
  filled(new statetimeline.PanelBuilder(), panel, { height: 8 }).mappings(GOES_ON).mergeValues(true).showValue(common.VisibilityMode.Auto);
