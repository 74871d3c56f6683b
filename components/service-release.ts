import * as pulumi from "@pulumi/pulumi";
import type { ServiceConfig } from "./config";
import { trackName } from "./names";
import { planService, type ServicePlan, type Versions } from "./plan";
import { Revision } from "./revision";
import { Track } from "./track";
import { TrafficSplit } from "./traffic-split";

export interface ServiceReleaseArgs extends Versions {
  readonly namespace: pulumi.Input<string>;
  readonly service: ServiceConfig;
  /** Percent of new requests to the canary, a whole number 0 … 100. */
  readonly weight: number;
  readonly ingressClass: string;
  /** The label `app.kubernetes.io/part-of`. */
  readonly partOf: string;
  /** Keep the values of environment variables encrypted in the state. Default false. */
  readonly secretEnv?: boolean;
}

/** Where a service is found. */
export interface ServiceOutputs {
  /** URL of the first host and path, over plain HTTP on the controller's standard port. */
  readonly url: string;
  readonly stableService: string;
  readonly canaryService: string;
  readonly stableIngress: string;
  readonly canaryIngress: string;
  readonly revisions: { readonly stable: string; readonly canary?: string; readonly previous?: string };
}

/** One service of a release: its revisions, a track each for stable and canary, and the split between them. Its name is the service's. */
export class ServiceRelease extends pulumi.ComponentResource {
  /** Known when all of the service is deployed: a failed update must not announce what it failed to do. */
  readonly outputs: pulumi.Output<ServiceOutputs>;

  constructor(name: string, args: ServiceReleaseArgs, opts?: pulumi.ComponentResourceOptions) {
    super("canary:release:ServiceRelease", name, {}, opts);
    const { service, namespace } = args;
    const plan = planService(name, service, args, args.partOf);
    const revisions = new Map(plan.revisions.map((revision) => [revision.name, new Revision(revision.name, {
      namespace,
      spec: revision.spec,
      replicas: revision.replicas,
      progressDeadlineSeconds: service.workload.progressDeadlineSeconds,
      secretEnv: args.secretEnv ?? false,
    }, { parent: this })]));
    // Capacity before traffic: a Service moves only when the pods it moves to are ready. Deletions come last by themselves.
    const track = (kind: "stable" | "canary", revision: string) => new Track(trackName(name, kind), {
      namespace,
      service: name,
      revision,
      servicePort: service.servicePort,
      port: service.port,
    }, { parent: this, dependsOn: [revisions.get(revision)!] });
    const stable = track("stable", plan.stable);
    const canary = track("canary", plan.canaryTarget);
    const split = new TrafficSplit(name, {
      namespace,
      ingressClass: args.ingressClass,
      hosts: service.hosts,
      paths: service.paths,
      routing: service.routing,
      weight: args.weight,
      stableService: stable.service.metadata.name,
      canaryService: canary.service.metadata.name,
      servicePort: service.servicePort,
    }, { parent: this, dependsOn: [stable, canary] });
    const deployments = [...revisions.values()].map(({ deployment }) => deployment.id);
    this.outputs = pulumi.all([split.stable.id, split.canary.id, ...deployments]).apply(() => describe(name, service, plan));
    this.registerOutputs({ outputs: this.outputs });
  }
}

function describe(name: string, { hosts, paths }: ServiceConfig, { stable, canary, previous }: ServicePlan): ServiceOutputs {
  return {
    url: `http://${hosts[0]}${paths[0]}`,
    stableService: trackName(name, "stable"),
    canaryService: trackName(name, "canary"),
    stableIngress: trackName(name, "stable"),
    canaryIngress: trackName(name, "canary"),
    revisions: { stable, ...(canary === undefined ? {} : { canary }), ...(previous === undefined ? {} : { previous }) },
  };
}
