import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import { SKIP_AWAIT } from "../annotations";
import type { DashboardConfig, MonitoringConfig, ScrapeConfig } from "../config";
import { monitoring as schema } from "../config/schema/monitoring";
import { dashboardOf, type DashboardSource } from "./dashboard-file";
import { OPERATOR_API } from "./operator";
import { rulesOf } from "./rules";
import { guardMonitorSpec, METRICS_LABEL, metricsService, podMonitorSpec, type GuardMetrics } from "./scrape";

/** A service as its monitoring needs it. */
export interface MonitoredService {
  /** Port its container listens on, 1 … 65535; scraped unless `scrape.port` names another. */
  readonly port: number;
  /** Port of its Services, 1 … 65535, by which the router's counters name it. */
  readonly servicePort: number;
  /** Its sessions stick to a track, so that its share of requests is not held against the weight. Default false. */
  readonly sticky?: boolean;
}

/** What {@link MonitoringConfig} says, each key with the default that it has there; but for `operator`, which a program must decide or find out. */
type Settings = Partial<Omit<MonitoringConfig, "operator" | "scrape" | "dashboard">>;

export interface MonitoringArgs extends Settings {
  /** Whether the cluster has the Prometheus operator. `auto` is settled by {@link findOperator}; where nobody did it counts as `false`, with a warning. */
  readonly operator: MonitoringConfig["operator"];
  /** How pods are scraped: path /metrics, the service's port, every 15 s; or false for not at all. */
  readonly scrape?: false | Partial<ScrapeConfig>;
  /** The dashboard's ConfigMap: in the services' namespace, label `grafana_dashboard: "1"`; or false for none. */
  readonly dashboard?: false | Partial<DashboardConfig>;
  /** Namespace of the services. */
  readonly namespace: pulumi.Input<string>;
  /** Services by name: those with Services `<name>-stable` and `<name>-canary`, whose pods carry the label `app.kubernetes.io/name: <name>`. */
  readonly services: Readonly<Record<string, MonitoredService>>;
  /** Whose counters the router-side alerts, records and panels read. */
  readonly source: DashboardSource;
  /** Label `stack` of the driver's metrics. Default the name of the Pulumi stack. */
  readonly stack?: string;
  /** The guard, where there is one: it is scraped, and its absence is an alert. */
  readonly guard?: GuardMetrics;
}

type Complete = Omit<MonitoringArgs, keyof MonitoringConfig> & MonitoringConfig;

function completed(args: MonitoringArgs): Complete {
  const defaults = schema.parse({});
  const over = <T extends object>(own: Partial<T> | false | undefined, fallback: T | false): T | false => (own === false || fallback === false ? false : { ...fallback, ...own });
  return { ...defaults, ...args, scrape: over(args.scrape, defaults.scrape), dashboard: over(args.dashboard, defaults.dashboard) };
}

/** Lower-case letters, digits and dashes, which Pulumi's names of stacks and projects need not be. */
const dnsName = (...parts: readonly string[]): string => parts.join("-").toLowerCase().replace(/[^a-z0-9]+/g, "-").replace(/^-|-$/g, "");

/**
 * How people watch a release: a ServiceMonitor for the pods of each service and for the guard, and a PrometheusRule, where the Prometheus
 * operator runs; and a Grafana dashboard as a ConfigMap that Grafana's sidecar finds by its label. Its name, with the stack's, names them.
 */
export class Monitoring extends pulumi.ComponentResource {
  /** Absent without the operator, or with `alerts: false`. */
  readonly rules?: k8s.apiextensions.CustomResource;
  /** Absent with `dashboard: false`. */
  readonly dashboard?: k8s.core.v1.ConfigMap;
  readonly monitors: readonly k8s.apiextensions.CustomResource[];
  private readonly labels: Record<string, string>;
  private readonly args: Complete;

  constructor(name: string, args: MonitoringArgs, opts?: pulumi.ComponentResourceOptions) {
    super("canary:monitoring:Monitoring", name, {}, opts);
    this.args = completed(args);
    const { operator, alerts, scrape, guard, dashboard } = this.args;
    const stack = args.stack ?? pulumi.getStack();
    this.labels = { "app.kubernetes.io/part-of": name, "app.kubernetes.io/managed-by": "pulumi" };
    if (operator === "auto")
      void pulumi.log.warn("Nobody asked the cluster for the Prometheus operator: alerts and scraping are left out. Call findOperator, or say operator: true or false.", this);
    this.monitors = operator !== true ? [] : [
      ...(scrape === false ? [] : Object.entries(args.services).map(([service, { port }]) => this.scrapePods(service, port, scrape))),
      ...(guard === undefined ? [] : [this.custom("ServiceMonitor", guard.service, guardMonitorSpec(guard))]),
    ];
    if (operator === true && alerts) this.rules = this.custom("PrometheusRule", dnsName(name, stack), this.ruleSpec(stack));
    if (dashboard !== false) this.dashboard = this.declareDashboard(name, stack, dashboard);
    this.registerOutputs({});
  }

  private ruleSpec(stack: string): pulumi.Output<object> {
    const { services, source, stuckAfterSeconds, alertLabels, guard } = this.args;
    const named = Object.entries(services);
    return pulumi.output(this.args.namespace).apply((namespace) => rulesOf({
      stack, namespace, stuckAfterSeconds, alertLabels, guard: guard !== undefined,
      services: named.map(([service, { servicePort }]) => ({ service, port: servicePort })),
      sticky: named.filter(([, { sticky }]) => sticky).map(([service]) => service),
      ...(source === "app" ? {} : { profile: source }),
    }));
  }

  /** Of a Service without an address, over every pod of the service: a pod is on both tracks, on one, or, kept for an undo, on none. */
  private scrapePods(service: string, port: number, scrape: ScrapeConfig): k8s.apiextensions.CustomResource {
    const name = metricsService(service);
    const headless = new k8s.core.v1.Service(name, {
      metadata: {
        name,
        namespace: this.args.namespace,
        labels: { ...this.labels, "app.kubernetes.io/name": service, [METRICS_LABEL]: "true" },
        annotations: SKIP_AWAIT,
      },
      spec: { clusterIP: "None", selector: { "app.kubernetes.io/name": service }, ports: [{ name: "metrics", port: scrape.port ?? port, targetPort: scrape.port ?? port }] },
    }, { parent: this });
    return this.custom("ServiceMonitor", name, podMonitorSpec(service, scrape), [headless]);
  }

  private custom(kind: string, name: string, spec: pulumi.Input<object>, dependsOn: pulumi.Resource[] = []): k8s.apiextensions.CustomResource {
    const metadata = { name, namespace: this.args.namespace, labels: { ...this.labels, ...this.args.labels } };
    return new k8s.apiextensions.CustomResource(name, { apiVersion: `${OPERATOR_API.group}/${OPERATOR_API.version}`, kind, metadata, spec }, { parent: this, dependsOn });
  }

  private declareDashboard(name: string, stack: string, { namespace, labels, annotations }: DashboardConfig): k8s.core.v1.ConfigMap {
    const { services, source } = this.args;
    const configMap = `${dnsName(name, stack)}-dashboard`;
    const json = pulumi.output(this.args.namespace).apply((watched) =>
      dashboardOf(source, { uid: dnsName(name, stack), title: `Canary ${name}/${stack}`, namespace: watched, service: Object.keys(services)[0] ?? "" }));
    return new k8s.core.v1.ConfigMap(configMap, {
      metadata: { name: configMap, namespace: namespace ?? this.args.namespace, labels: { ...this.labels, ...labels }, annotations },
      data: { [`${configMap}.json`]: json },
    }, { parent: this });
  }
}
