import * as k8s from "@pulumi/kubernetes";
import * as ingressNginx from "@pulumi/kubernetes-ingress-nginx";
import * as pulumi from "@pulumi/pulumi";
import { CHARTS, controllerClass, mergeValues, VALUES, type Controller, type Values } from "./charts";

export interface IngressControllerArgs {
  /** Both serve the annotations of ingress-nginx; which one to choose is in docs/ingress-controller.md. */
  readonly install: Controller;
  /** Name of the IngressClass that it serves, and that is declared with it. Default nginx. */
  readonly ingressClass?: string;
  /** Its namespace; made where it is not there, and never removed. Default the controller's name. */
  readonly namespace?: string;
  /** Exact version of the Helm chart. Default 4.15.1 of ingress-nginx (controller 1.15.1), 41.5.0 of Traefik (Traefik 3.7.13). */
  readonly chartVersion?: string;
  /** URL of the Helm repository. Default the project's own. */
  readonly repository?: string;
  /** Pods, 1 or more. Default 2. */
  readonly replicas?: number;
  /** Values of the chart, merged over those that a rollout needs. */
  readonly values?: Values;
  /** Keep the values encrypted in the state. Default false. */
  readonly secretValues?: boolean;
  /** Declare a ServiceMonitor for its metrics, with these labels. Only where the Prometheus operator is. Default none. */
  readonly serviceMonitor?: Readonly<Record<string, string>>;
  /** Serve HTTPRoutes too; Traefik only, and the cluster must have the Gateway API's resources. Default false. */
  readonly gatewayApi?: boolean;
}

/** Seconds in which a controller's pods must be ready; an image may have to be pulled. */
const PATIENCE = 600;

/**
 * An ingress controller with the metrics that gates read: request counters a service, and a latency histogram with an edge at 1 s.
 * Whatever declares Ingresses should depend on it: until it is ready its admission webhook refuses them.
 */
export class IngressController extends pulumi.ComponentResource {
  /** Name of the IngressClass, known when the controller serves it. */
  readonly ingressClass: pulumi.Output<string>;

  constructor(name: string, args: IngressControllerArgs, opts?: pulumi.ComponentResourceOptions) {
    super("canary:ingress:IngressController", name, {}, opts);
    const { install, ingressClass = "nginx", replicas = 2, gatewayApi = false, serviceMonitor, values = {} } = args;
    const { chart, repository, version } = CHARTS[install];
    const ours = VALUES[install]({ ingressClass, replicas, gatewayApi, ...(serviceMonitor === undefined ? {} : { serviceMonitor }) });
    const merged = mergeValues(ours, values) as Record<string, unknown>;
    const release = {
      name: install,
      chart,
      version: args.chartVersion ?? version,
      namespace: args.namespace ?? install,
      createNamespace: true,
      repositoryOpts: { repo: args.repository ?? repository },
      values: args.secretValues === true ? pulumi.secret(merged) : merged,
      timeout: PATIENCE,
    };
    const controller = install === "ingress-nginx"
      // Everything as Helm values: the component's own arguments would replace, not merge, what `values` says of the same key.
      ? new ingressNginx.IngressController(name, { helmOptions: release }, { parent: this })
      : new k8s.helm.v3.Release(name, release, { parent: this });
    if (install === "traefik") this.declareClass(ingressClass);
    this.ingressClass = controller.urn.apply(() => ingressClass);
    this.registerOutputs({ ingressClass: this.ingressClass });
  }

  private declareClass(name: string): void {
    new k8s.networking.v1.IngressClass(name, { metadata: { name }, spec: { controller: controllerClass(name) } }, { parent: this });
  }
}
