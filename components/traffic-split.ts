import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import { CANARY, CANARY_BY_HEADER, CANARY_WEIGHT, PATCHED_LIVE, SKIP_AWAIT } from "./annotations";
import type { Routing } from "./config";
import { trackName } from "./names";

export interface TrafficSplitArgs {
  readonly namespace: pulumi.Input<string>;
  /** `spec.ingressClassName`. */
  readonly ingressClass: string;
  readonly hosts: readonly string[];
  readonly paths: readonly string[];
  readonly routing: Routing;
  /** Percent of new requests to the canary, a whole number 0 … 100. */
  readonly weight: number;
  /** Service of each track, and the port of both. */
  readonly stableService: pulumi.Input<string>;
  readonly canaryService: pulumi.Input<string>;
  readonly servicePort: number;
}

/**
 * The weighted split of a service on ingress-nginx annotations: a main and a canary Ingress, both always there, so that a weight is
 * a change of one annotation on one object. The canary repeats host, path and path type of the main one, or the controller ignores it.
 */
export class TrafficSplit extends pulumi.ComponentResource {
  readonly stable: k8s.networking.v1.Ingress;
  readonly canary: k8s.networking.v1.Ingress;

  constructor(name: string, args: TrafficSplitArgs, opts?: pulumi.ComponentResourceOptions) {
    super("canary:traffic:TrafficSplit", name, {}, opts);
    const labels = { "app.kubernetes.io/name": name, "app.kubernetes.io/managed-by": "pulumi" };
    const declare = (
      track: "stable" | "canary",
      service: pulumi.Input<string>,
      annotations: Record<string, string>,
      options: pulumi.CustomResourceOptions,
    ) => new k8s.networking.v1.Ingress(trackName(name, track), {
      metadata: { name: trackName(name, track), namespace: args.namespace, labels, annotations: { ...SKIP_AWAIT, ...annotations } },
      spec: {
        ingressClassName: args.ingressClass,
        rules: args.hosts.map((host) => ({
          host,
          http: {
            paths: args.paths.map((path) => ({
              path,
              pathType: args.routing.pathType,
              backend: { service: { name: service, port: { number: args.servicePort } } },
            })),
          },
        })),
      },
    }, { ...options, parent: this });
    this.stable = declare("stable", args.stableService, {}, {});
    this.canary = declare("canary", args.canaryService, {
      ...PATCHED_LIVE,
      [CANARY]: "true",
      [CANARY_WEIGHT]: String(args.weight),
      [CANARY_BY_HEADER]: args.routing.header.name,
    }, { dependsOn: [this.stable] });
    this.registerOutputs({ stable: this.stable.metadata.name, canary: this.canary.metadata.name });
  }
}
