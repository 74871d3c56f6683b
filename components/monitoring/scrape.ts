import type { ScrapeConfig } from "../config";

/** Name of a service's headless Service for scraping. */
export const metricsService = (service: string): string => `${service}-metrics`;

/** Label that tells it from the tracks' Services: those share pods, and would have a pod scraped twice. */
export const METRICS_LABEL = "canary.dev/metrics";

const VERSION = "__meta_kubernetes_pod_label_app_kubernetes_io_version";

/** `spec` of the ServiceMonitor for all pods of a service, whichever track they are on or none. */
export function podMonitorSpec(service: string, { path, intervalSeconds }: Omit<ScrapeConfig, "port">): object {
  return {
    selector: { matchLabels: { "app.kubernetes.io/name": service, [METRICS_LABEL]: "true" } },
    endpoints: [{
      port: "metrics",
      path,
      interval: `${intervalSeconds}s`,
      relabelings: [
        { sourceLabels: [VERSION], targetLabel: "pod_version", action: "replace" },
        { sourceLabels: ["__meta_kubernetes_pod_label_canary_dev_revision"], targetLabel: "revision", action: "replace" },
      ],
      // A version that the app states itself stays; otherwise it is the pod's.
      metricRelabelings: [
        { sourceLabels: ["version", "pod_version"], separator: ";", regex: ";(.+)", targetLabel: "version", replacement: "$1", action: "replace" },
        { regex: "pod_version", action: "labeldrop" },
      ],
    }],
  };
}

/** Where the guard serves its metrics. */
export interface GuardMetrics {
  /** Name of its Service, and a label set that selects this Service alone. */
  readonly service: string;
  readonly labels: Readonly<Record<string, string>>;
  /** Name of the Service's port. */
  readonly port: string;
}

/** `spec` of the ServiceMonitor for the guard, whose own labels `service` and `namespace` say which service it speaks of. */
export const guardMonitorSpec = ({ labels, port }: GuardMetrics): object => ({
  selector: { matchLabels: labels },
  endpoints: [{ port, path: "/metrics", interval: "15s", honorLabels: true }],
});
