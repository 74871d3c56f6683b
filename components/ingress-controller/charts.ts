/** What a Helm release is made of. */
export interface Chart {
  readonly chart: string;
  readonly repository: string;
  /** Tried with nothing newer and nothing older: a controller must not change by itself. */
  readonly version: string;
}

/**
 * ingress-nginx 1.15.1, the last release line before the project was retired in March 2026: no security fix will come.
 * Traefik 3.7.13: earlier releases up to 3.7.11 carry advisories for its ingress-nginx provider, and 3.7.12 others.
 */
export const CHARTS = {
  "ingress-nginx": { chart: "ingress-nginx", repository: "https://kubernetes.github.io/ingress-nginx", version: "4.15.1" },
  traefik: { chart: "traefik", repository: "https://traefik.github.io/charts", version: "41.5.0" },
} as const satisfies Record<string, Chart>;

export type Controller = keyof typeof CHARTS;

/** Helm values: any tree. */
export type Values = Readonly<Record<string, unknown>>;

export interface ValueOptions {
  /** Name of the IngressClass that the controller serves. */
  readonly ingressClass: string;
  readonly replicas: number;
  /** Labels of a ServiceMonitor for its metrics; without it none is declared. */
  readonly serviceMonitor?: Readonly<Record<string, string>>;
  /** Serve HTTPRoutes too (Traefik only). */
  readonly gatewayApi: boolean;
}

/**
 * What an IngressClass names its controller. A controller serves every class of its name, so a class of another name than the usual one
 * gets a controller of its own: two controllers in a cluster must not serve the same Ingresses.
 */
export const controllerClass = (ingressClass: string): string => (ingressClass === "nginx" ? "k8s.io/ingress-nginx" : `canary.dev/${ingressClass}`);

/** Edges of the latency histogram in seconds, as ingress-nginx has them; 1 is among them because the latency gate's default limit is 1000 ms. */
const BUCKETS = "0.005,0.01,0.025,0.05,0.1,0.25,0.5,1,2.5,5,10";

const ingressNginx = ({ ingressClass, replicas, serviceMonitor }: ValueOptions): Values => ({
  controller: {
    replicaCount: replicas,
    minAvailable: 1,
    ingressClass,
    ingressClassResource: { name: ingressClass, enabled: true, controllerValue: controllerClass(ingressClass) },
    // Two controllers that elect a leader by one name would share a status writer.
    ...(ingressClass === "nginx" ? {} : { electionID: `${ingressClass}-leader` }),
    metrics: {
      enabled: true,
      ...(serviceMonitor === undefined ? {} : { serviceMonitor: { enabled: true, additionalLabels: serviceMonitor } }),
    },
  },
});

const traefik = ({ ingressClass, replicas, serviceMonitor, gatewayApi }: ValueOptions): Values => ({
  deployment: { replicas },
  podDisruptionBudget: { enabled: true, maxUnavailable: 1 },
  // The chart's own class is of Traefik's other providers; ours is declared beside the chart.
  ingressClass: { enabled: false },
  providers: {
    kubernetesIngressNGINX: {
      enabled: true,
      ingressClass,
      controllerClass: controllerClass(ingressClass),
      // Pulumi and external-dns read an Ingress's address from its status.
      publishService: { enabled: true },
    },
    // Both providers would route the same Ingresses, and this one knows nothing of weights.
    kubernetesIngress: { enabled: false },
    ...(gatewayApi ? { kubernetesGateway: { enabled: true } } : {}),
  },
  ...(gatewayApi ? { gateway: { enabled: false } } : {}),
  ...(serviceMonitor === undefined ? {} : { metrics: { prometheus: { service: { enabled: true }, serviceMonitor: { enabled: true, additionalLabels: serviceMonitor } } } }),
  // Traefik's own options rather than the chart's names for them, because these are the ones that are tried here. Without service labels
  // the tracks cannot be told apart; the default buckets (0.1, 0.3, 1.2, 5) cannot answer a limit of 1000 ms.
  additionalArguments: ["--metrics.prometheus.addserviceslabels=true", `--metrics.prometheus.buckets=${BUCKETS}`],
});

/** Values that a rollout needs of each controller. */
export const VALUES: Readonly<Record<Controller, (options: ValueOptions) => Values>> = { "ingress-nginx": ingressNginx, traefik };

const isTree = (value: unknown): value is Values => typeof value === "object" && value !== null && !Array.isArray(value);

/** The user's values over ours: maps are merged, everything else is replaced, and arguments are added to ours. */
export function mergeValues(ours: Values, theirs: Values): Values {
  const merged: Record<string, unknown> = { ...ours };
  for (const [key, value] of Object.entries(theirs)) {
    const before = ours[key];
    if (isTree(before) && isTree(value)) merged[key] = mergeValues(before, value);
    else if (key === "additionalArguments" && Array.isArray(before) && Array.isArray(value)) merged[key] = [...(before as unknown[]), ...(value as unknown[])];
    else merged[key] = value;
  }
  return merged;
}
