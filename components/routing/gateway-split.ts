import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import { PATCHED_LIVE, SKIP_AWAIT } from "../annotations";
import type { StackConfig } from "../config";
import { HTTP_ROUTE, httpRouteSpec } from "./http-route";
import { labelsOfSplit, refuse, type Split, type SplitArgs, type SplitObjects } from "./split";
import { unsupportedByGateway } from "./support";

export interface GatewaySplitArgs extends SplitArgs {
  /** The Gateway that the route attaches to. */
  readonly gateway: NonNullable<StackConfig["gateway"]>;
}

/**
 * The weighted split of a service on Gateway API: one HTTPRoute with a rule for the canary header and one with two weighted backends.
 * Its name, which is also the route's, is the service's.
 *
 * @throws RunError with a sentence for each thing in `routing` that an HTTPRoute cannot do, cookies and sessions among them
 */
export class GatewaySplit extends pulumi.ComponentResource implements Split {
  readonly route: k8s.apiextensions.CustomResource;
  readonly objects: pulumi.Output<SplitObjects>;

  constructor(name: string, args: GatewaySplitArgs, opts?: pulumi.ComponentResourceOptions) {
    super("canary:traffic:GatewaySplit", name, {}, opts);
    refuse(`GatewaySplit ${name}`, unsupportedByGateway(args.routing));
    this.route = new k8s.apiextensions.CustomResource(name, {
      apiVersion: `${HTTP_ROUTE.group}/${HTTP_ROUTE.version}`,
      kind: "HTTPRoute",
      metadata: {
        name,
        namespace: args.namespace,
        labels: labelsOfSplit(name),
        annotations: { ...args.routing.annotations, ...SKIP_AWAIT, ...PATCHED_LIVE },
      },
      spec: httpRouteSpec({ ...args, service: name }),
    }, { parent: this });
    this.objects = this.route.id.apply(() => ({ httpRoute: name }));
    this.registerOutputs({ route: this.route.metadata.name });
  }
}
