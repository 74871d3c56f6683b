import { z } from "zod";
import { flag, label, path, port, text, wholeSeconds } from "./common";

const NAMESPACE_RULE = 'it must be a Kubernetes namespace: lower-case letters, digits and "-", at most 63 characters';
const LABEL_KEY = /^([a-z0-9]([-.a-z0-9]*[a-z0-9])?\/)?[A-Za-z0-9]([-_.A-Za-z0-9]*[A-Za-z0-9])?$/;
const LABEL_VALUE = /^([A-Za-z0-9]([-_.A-Za-z0-9]*[A-Za-z0-9])?)?$/;

export const namespace = label(NAMESPACE_RULE);
export const labels = z.record(
  text(LABEL_KEY, "it must be the name of a Kubernetes label"),
  text(LABEL_VALUE, "it must be the value of a Kubernetes label, in quotes where YAML would read a number or a truth value", 63),
);
/** Prometheus' labels have other names than Kubernetes', and any text as value. */
const alertLabels = z.record(text(/^[A-Za-z_][A-Za-z0-9_]*$/, "it must be the name of a Prometheus label"), z.string());

/** Prometheus reads its own format of durations, without fractions. */
const atLeast = (fallback: string, least: number, rule: string) =>
  wholeSeconds.refine((value) => value >= least, { error: rule }).prefault(fallback);

const scrape = z.strictObject({
  path: path.default("/metrics").describe("Path of the pods' metrics."),
  port: port.optional().describe("Port of the pods' metrics; by default the service's own."),
  interval: atLeast("15s", 1, "it must be at least 1s").describe("Time between two scrapes."),
}).transform(({ interval, ...rest }) => ({ ...rest, intervalSeconds: interval }));

const dashboard = z.strictObject({
  namespace: namespace.optional().describe("Where Grafana's sidecar looks for dashboards; by default the release's namespace."),
  labels: labels.default({ grafana_dashboard: "1" }).describe("Labels by which the sidecar finds the ConfigMap."),
  annotations: z.record(text(LABEL_KEY, "it must be the name of a Kubernetes annotation"), z.string()).default({})
    .describe("Annotations of the ConfigMap, e.g. `{grafana_folder: Canary}` where the sidecar reads the folder from it."),
});

/** `false`, as a branch of a union: a literal would claim that a map was meant to be it. */
const off = z.boolean().refine((value) => !value, { error: "it must be false or a map" }).transform(() => false as const);

/** How a stack is watched by people: scraping, alerts and a dashboard. */
export const monitoring = z.strictObject({
  operator: z.union([z.literal("auto"), z.boolean()], { error: "it must be auto, true or false" }).default("auto")
    .describe("Whether the cluster has the Prometheus operator; auto asks the cluster. Without it there is a dashboard, but no ServiceMonitor and no PrometheusRule."),
  labels: labels.default({}).describe("Labels of ServiceMonitors and PrometheusRules, by which the operator selects them, e.g. `{release: kube-prometheus-stack}`."),
  scrape: z.union([off, scrape], { error: "it must be false or a map" }).prefault({}).describe("How the pods of the services are scraped; false when they have no metrics or something else scrapes them."),
  alerts: flag(true).describe("Declare alert and recording rules."),
  alertLabels: alertLabels.default({}).describe("Labels of every alert, by which Alertmanager routes it, e.g. `{team: shop}`; severity replaces ours."),
  stuckAfter: atLeast("2h", 900, "it must be at least 15m").describe("Time for which a canary's weight may stand still before somebody is told; longer than rollout.cap."),
  dashboard: z.union([off, dashboard], { error: "it must be false or a map" }).prefault({}).describe("A Grafana dashboard in a ConfigMap; false for none."),
}).transform(({ stuckAfter, ...rest }) => ({ ...rest, stuckAfterSeconds: stuckAfter }));
