import { servedShare, TrackQueries, type RouterProfile, type Track } from "../promql";

/** The window that Grafana finds fit for the scrape interval and the zoom. */
export const WINDOW = "$__rate_interval";

// Names as the code that makes selectors takes them, letters only, which it leaves as they are; then they become Grafana's variables.
const NAMESPACE = "NAMESPACETOKEN";
const SERVICE = "SERVICETOKEN";
const PORT = "PORTTOKEN";
const ANY_SERVICE = { namespace: NAMESPACE, service: SERVICE, port: PORT };

/** The port of a Service is no variable of the dashboard: any number will do, but no more than a number, or `-canary` would be part of it. */
const withVariables = (expr: string): string =>
  expr
    .replace(new RegExp(`(\\w+)="([^"]*${PORT}[^"]*)"`, "g"), '$1=~"$2"')
    .replaceAll(PORT, "[0-9]+")
    .replaceAll(NAMESPACE, "$namespace")
    .replaceAll(SERVICE, "$service");

/** What the router counted of a track. */
export function routerQueries(profile: RouterProfile, track: Track) {
  const of = new TrackQueries(profile, ANY_SERVICE, track);
  return {
    rate: withVariables(of.rate(WINDOW)),
    errorShare: withVariables(of.errorShare(WINDOW)),
    latency: (quantile: number): string => withVariables(of.latency(quantile, WINDOW)),
  };
}

/** Fraction of requests that the router sent to the canary. */
export const routerShare = (profile: RouterProfile): string => withVariables(servedShare(profile, ANY_SERVICE, WINDOW));

const OURS = 'namespace="$namespace",service="$service"';

/** A metric of the driver or the guard, for the chosen service. */
export const driverMetric = (name: string, matchers = ""): string => `${name}{${OURS}${matchers && `,${matchers}`}}`;

/** Pods of the chosen service where series name their pod; where they do not, all of the namespace. */
const PODS = 'namespace="$namespace",pod=~"$service-.+|"';

/** What the pods counted themselves, by version. */
export const APP = {
  rate: `sum by (version) (rate(http_requests_total{${PODS}}[${WINDOW}]))`,
  errorShare:
    `(sum by (version) (rate(http_requests_total{${PODS},status=~"5.."}[${WINDOW}])) or 0 * sum by (version) (rate(http_requests_total{${PODS}}[${WINDOW}])))`
    + ` / (sum by (version) (rate(http_requests_total{${PODS}}[${WINDOW}])) > 0)`,
  latency: (quantile: number): string =>
    `histogram_quantile(${quantile}, sum by (le, version) (rate(http_request_duration_seconds_bucket{${PODS}}[${WINDOW}])))`,
} as const;

const PROMOTED = 'outcome="promoted"';
/** Seconds from start to promotion of each version, whoever told of it: a CI job's metrics end with the job. */
const promotedSeconds = (what: "sum" | "count"): string =>
  `max by (version) (max_over_time(${driverMetric(`canary_rollout_duration_seconds_${what}`, PROMOTED)}[$__range]))`;

export const DRIVER = {
  weight: `max by (version) (${driverMetric("canary_weight")})`,
  weightFraction: `max by (version) (${driverMetric("canary_weight")}) / 100`,
  served: `max by (version) (${driverMetric("canary_served_share")})`,
  success: `min by (version) (${driverMetric("canary_validation_success")})`,
  /** Of several exporters that tell of the same rollbacks the one that knows most of them counts. */
  rollbacks: `sum(max by (reason) (sum by (reason, job) (increase(${driverMetric("canary_rollback_total")}[$__range]))))`,
  rollbacksByReason: `max by (reason) (sum by (reason, job) (increase(${driverMetric("canary_rollback_total")}[1d])))`,
  evidence: `max by (metric, gate) (${driverMetric("canary_gate_log_evidence")})`,
  evidenceLimit: `max by (metric, gate) (${driverMetric("canary_gate_log_evidence_limit")})`,
  timeToPromotion: `sum(${promotedSeconds("sum")}) / (sum(${promotedSeconds("count")}) > 0)`,
  timeToPromotionByVersion: `${promotedSeconds("sum")} > 0`,
  stageSeconds: `max by (version) (${driverMetric("canary_stage_duration_seconds_sum")}) / (max by (version) (${driverMetric("canary_stage_duration_seconds_count")}) > 0)`,
} as const;
