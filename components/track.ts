import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import { PATCHED_LIVE, SKIP_AWAIT } from "./annotations";
import { selectorOf } from "./pod";

export interface TrackArgs {
  readonly namespace: pulumi.Input<string>;
  readonly service: string;
  /** Name of the revision that serves this track. It must be ready first: pass it in `opts.dependsOn`. */
  readonly revision: string;
  /** Port of the Service, 1 … 65535. */
  readonly servicePort: number;
  /** Port the pods listen on, 1 … 65535. */
  readonly port: number;
}

/**
 * A Service that points at one revision. Moving a track is a change of its selector alone.
 * Each track has a Service of its own, because a canary spreads to whatever shares the stable Service
 * (ingress-nginx #4667, traefik #12906).
 */
export class Track extends pulumi.ComponentResource {
  readonly service: k8s.core.v1.Service;

  constructor(name: string, args: TrackArgs, opts?: pulumi.ComponentResourceOptions) {
    super("canary:traffic:Track", name, {}, opts);
    this.service = new k8s.core.v1.Service(name, {
      metadata: {
        name,
        namespace: args.namespace,
        labels: { "app.kubernetes.io/name": args.service, "app.kubernetes.io/managed-by": "pulumi" },
        annotations: { ...SKIP_AWAIT, ...PATCHED_LIVE },
      },
      spec: {
        selector: selectorOf(args.service, args.revision),
        ports: [{ name: "http", port: args.servicePort, targetPort: args.port }],
      },
    }, { parent: this });
    this.registerOutputs({ service: this.service.metadata.name });
  }
}
