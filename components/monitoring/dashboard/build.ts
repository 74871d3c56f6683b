import * as dashboard from "@grafana/grafana-foundation-sdk/dashboard";
import type { DashboardSource } from "../dashboard-file";
import { QUANTILES, TRACKS } from "../promql";
import { bars, DATASOURCE, lines, number, ranking, steps, verdict, verdicts, type Panel, type Query } from "./panels";
import { APP, DRIVER, routerQueries, routerShare } from "./queries";

const percentile = (quantile: number): string => `P${Math.round(quantile * 100)}`;
const byVersion = (expr: string): Query[] => [{ expr, legend: "{{version}}" }];

const variable = (name: string, label: string, query: string): dashboard.QueryVariableBuilder =>
  new dashboard.QueryVariableBuilder(name).label(label).datasource(DATASOURCE).query({ query, refId: name }).definition(query)
    .refresh(dashboard.VariableRefresh.OnTimeRangeChanged).sort(dashboard.VariableSort.AlphabeticalAsc);

/** Share of requests: by the router where it tells the tracks apart, otherwise as the driver saw it. */
const share = (source: DashboardSource): Query =>
  source === "app" ? { expr: DRIVER.served, legend: "served {{version}}" } : { expr: routerShare(source), legend: "served" };

function now(source: DashboardSource): ReturnType<typeof number>[] {
  return [
    number({ title: "Weight", about: "Percent of new requests that the canary is meant to get.", unit: "percent", width: 5, queries: byVersion(DRIVER.weight) }),
    number({ title: "Served", about: "Share of requests that the canary gets.", unit: "percentunit", width: 5, queries: [share(source)] }),
    verdict({ title: "Latest verdict", about: "Nothing before the first stage has ended.", unit: "none", width: 5, queries: byVersion(DRIVER.success) }),
    number({ title: "Rollbacks", about: "In the chosen period.", unit: "none", width: 4, queries: [{ expr: DRIVER.rollbacks, legend: "rollbacks" }] }).decimals(0),
    number({ title: "Time to promotion", about: "Mean of the rollouts that were promoted in the chosen period.", unit: "s", width: 5, queries: [{ expr: DRIVER.timeToPromotion, legend: "mean" }] }),
  ];
}

/** Both tracks in one panel a measure, so that they are compared at a glance. */
function comparison(source: Exclude<DashboardSource, "app">): Panel[] {
  const tracks = TRACKS.map((track) => ({ track, of: routerQueries(source, track) }));
  const both = (expr: (of: (typeof tracks)[number]["of"]) => string): Query[] => tracks.map(({ track, of }) => ({ expr: expr(of), legend: track }));
  return [
    { title: "Requests", about: "Requests a second.", unit: "reqps", width: 12, queries: both((of) => of.rate) },
    { title: "Errors", about: "Share of requests that were answered with 5xx.", unit: "percentunit", width: 12, queries: both((of) => of.errorShare) },
    ...QUANTILES.map((quantile): Panel => ({ title: percentile(quantile), about: "Time in which so many requests were answered, from the histogram's buckets.", unit: "s", width: 8, queries: both((of) => of.latency(quantile)) })),
  ];
}

const VERSIONS: readonly Panel[] = [
  { title: "Requests by version", about: "http_requests_total of the pods.", unit: "reqps", width: 12, queries: byVersion(APP.rate) },
  { title: "Errors by version", about: "Share of requests that the pods answered with 5xx.", unit: "percentunit", width: 12, queries: byVersion(APP.errorShare) },
  ...QUANTILES.map((quantile): Panel => ({ title: `${percentile(quantile)} by version`, about: "http_request_duration_seconds of the pods.", unit: "s", width: 8, queries: byVersion(APP.latency(quantile)) })),
];

const HISTORY = "30d";

/** The dashboard of one source of counters, with its variables unset; a stack's component sets them, and gives it the stack's name. */
export function buildDashboard(source: DashboardSource): dashboard.Dashboard {
  // The first schema, because every Grafana reads it from a file; the second one needs Grafana 12 with dynamic dashboards.
  const made = new dashboard.DashboardBuilder("Canary")
    .uid(`canary-${source}`).tags(["canary"]).description("Rollouts of canaries: what is set, what is served, and how both versions do.")
    .refresh("10s").time({ from: "now-3h", to: "now" }).timezone("browser").tooltip(dashboard.DashboardCursorSync.Crosshair).editable()
    .withVariable(new dashboard.DatasourceVariableBuilder("datasource").label("Data source").type("prometheus"))
    .withVariable(variable("namespace", "Namespace", "label_values(canary_weight, namespace)"))
    .withVariable(variable("service", "Service", 'label_values(canary_weight{namespace="$namespace"}, service)'));
  const row = (title: string): void => void made.withRow(new dashboard.RowBuilder(title));

  row("Now");
  now(source).forEach((panel) => made.withPanel(panel));
  row("Split");
  made.withPanel(steps({
    title: "Set and served", about: "The weight as it is set, dashed, and the share of requests that the canary gets.", unit: "percentunit", width: 24,
    queries: [{ expr: DRIVER.weightFraction, legend: "set {{version}}" }, share(source), ...(source === "app" ? [] : [{ expr: DRIVER.served, legend: "as the driver saw it" }])],
  }));
  if (source !== "app") {
    row("Stable and canary, as the router counts");
    comparison(source).forEach((panel) => made.withPanel(lines(panel)));
  }
  row("Versions, as the pods count");
  VERSIONS.forEach((panel) => made.withPanel(lines(panel)));
  row("Gates");
  made.withPanel(lines({
    title: "Evidence", about: "Natural logarithm of each sequential gate's evidence, and, dashed, where the gate decides.", unit: "none", width: 16,
    queries: [{ expr: DRIVER.evidence, legend: "{{metric}} {{gate}}" }, { expr: DRIVER.evidenceLimit, legend: "limit {{metric}} {{gate}}" }],
  }));
  made.withPanel(verdicts({ title: "Verdicts", about: "The latest verdict over time.", unit: "none", width: 8, queries: byVersion(DRIVER.success) }));
  row("History");
  made.withPanel(steps({ title: "Weights", about: "Every rollout of the last 30 days.", unit: "percent", width: 12, period: HISTORY, queries: byVersion(DRIVER.weight) }));
  made.withPanel(bars({ title: "Rollbacks a day", about: "By the kind of reason, over the last 30 days.", unit: "none", width: 12, period: HISTORY, queries: [{ expr: DRIVER.rollbacksByReason, legend: "{{reason}}" }] }));
  made.withPanel(ranking({ title: "Time to promotion by version", about: "From a rollout's start to its promotion, over the last 30 days.", unit: "s", width: 12, period: HISTORY, queries: byVersion(DRIVER.timeToPromotionByVersion) }));
  made.withPanel(ranking({ title: "Time a stage took", about: "Mean of a version's stages.", unit: "s", width: 12, queries: byVersion(DRIVER.stageSeconds) }));
  const built = made.build();
  built.panels?.forEach((panel, index) => (panel.id = index + 1));
  return built;
}
