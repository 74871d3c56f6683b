import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import { PATCHED_LIVE, SKIP_AWAIT } from "./annotations";
import { trackName } from "./names";
import { canaryAnnotations, mainAnnotations } from "./routing/ingress-annotations";
import { labelsOfSplit, refuse, type Split, type SplitArgs, type SplitObjects } from "./routing/split";
import { unsupportedByIngress } from "./routing/support";

export interface TrafficSplitArgs extends SplitArgs {
  /** `spec.ingressClassName`. */
  readonly ingressClass: string;
  /**
   * Name of the newest revision that serves: the canary's, or stable's where there is none. The session cookie gets its name from it, so
   * that cookies of an earlier rollout mean nothing in this one. Default empty, for a split without sessions.
   */
  readonly newestRevision?: string;
}

/**
 * The weighted split of a service on ingress-nginx annotations: a main and a canary Ingress, both always there, so that a weight is
 * a change of one annotation on one object. The canary repeats host, path and path type of the main one, or the controller ignores it.
 * Its name is the service's.
 *
 * @throws RunError with a sentence for each thing in `routing` that annotations cannot do
 */
export class TrafficSplit extends pulumi.ComponentResource implements Split {
  readonly stable: k8s.networking.v1.Ingress;
  readonly canary: k8s.networking.v1.Ingress;
  readonly objects: pulumi.Output<SplitObjects>;

  constructor(name: string, args: TrafficSplitArgs, opts?: pulumi.ComponentResourceOptions) {
    super("canary:traffic:TrafficSplit", name, {}, opts);
    refuse(`TrafficSplit ${name}`, unsupportedByIngress(args.routing));
    const { routing } = args;
    const declare = (
      track: "stable" | "canary",
      service: pulumi.Input<string>,
      annotations: Readonly<Record<string, string>>,
      options: pulumi.CustomResourceOptions,
    ) => new k8s.networking.v1.Ingress(trackName(name, track), {
      metadata: { name: trackName(name, track), namespace: args.namespace, labels: labelsOfSplit(name), annotations: { ...SKIP_AWAIT, ...annotations } },
      spec: {
        ingressClassName: args.ingressClass,
        // The canary's hosts are the main one's already, certificates included.
        ...(track === "canary" || routing.tls.length === 0 ? {} : { tls: routing.tls.map(({ hosts, secretName }) => ({ hosts: [...hosts], secretName })) }),
        rules: args.hosts.map((host) => ({
          host,
          http: {
            paths: args.paths.map((path) => ({
              path,
              pathType: routing.pathType,
              backend: { service: { name: service, port: { number: args.servicePort } } },
            })),
          },
        })),
      },
    }, { ...options, parent: this });
    this.stable = declare("stable", args.stableService, mainAnnotations(routing, args.newestRevision ?? ""), {});
    this.canary = declare("canary", args.canaryService, { ...PATCHED_LIVE, ...canaryAnnotations(routing, args.weight) }, { dependsOn: [this.stable] });
    this.objects = pulumi.all([this.stable.id, this.canary.id])
      .apply(() => ({ stableIngress: trackName(name, "stable"), canaryIngress: trackName(name, "canary") }));
    this.registerOutputs({ stable: this.stable.metadata.name, canary: this.canary.metadata.name });
  }
}
