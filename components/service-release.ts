import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import type { ServiceConfig } from "./config";
import { trackName } from "./names";
import { planService, type ServicePlan, type Versions } from "./plan";
import { Revision } from "./revision";
import { declareSplit, type RouterChoice } from "./routing";
import type { SplitObjects } from "./routing/split";
import { Track } from "./track";

export interface ServiceReleaseArgs extends Versions, RouterChoice {
  readonly namespace: pulumi.Input<string>;
  /** What `serviceConfig` makes of the keys of a stack file. */
  readonly service: ServiceConfig;
  /** Percent of new requests to the canary, a whole number 0 … 100. */
  readonly weight: number;
  /** The label `app.kubernetes.io/part-of`. */
  readonly partOf: string;
  /** Keep the values of environment variables and ConfigMaps encrypted in the state, as those of Secrets always are. Default false. */
  readonly secretEnv?: boolean;
}

/** Where a service is found; `stableIngress` and `canaryIngress`, or `httpRoute`, name the objects that split the traffic. */
export interface ServiceOutputs extends SplitObjects {
  /** URL of the first host and path on the controller's standard port; https where the host has a certificate. */
  readonly url: string;
  readonly stableService: string;
  readonly canaryService: string;
  readonly revisions: { readonly stable: string; readonly canary?: string; readonly previous?: string };
}

/**
 * One service of a release: its revisions, a track each for stable and canary, and the split between them. Its name is the service's, a DNS
 * label of at most 40 characters.
 *
 * @example
 * const service = serviceConfig("shop", { image: "registry.example/shop", port: 8080, hosts: ["shop.example"] });
 * new ServiceRelease("shop", {
 *   namespace: "web", partOf: "web", service, router: "ingress-nginx", ingressClass: "nginx",
 *   stable: { version: "v1.2.0" }, canary: { version: "v1.3.0", withdrawn: false }, weight: 5,
 * });
 *
 * @throws ConfigError with one sentence where there is no stable version, or an encrypted value that the engine has not opened.
 */
export class ServiceRelease extends pulumi.ComponentResource {
  /** Known when all of the service is deployed: a failed update must not announce what it failed to do. */
  readonly outputs: pulumi.Output<ServiceOutputs>;

  constructor(name: string, args: ServiceReleaseArgs, opts?: pulumi.ComponentResourceOptions) {
    super("canary:release:ServiceRelease", name, {}, opts);
    const { service, namespace } = args;
    const plan = planService(name, service, args, args.partOf);
    const account = this.declareServiceAccount(name, args);
    const revisions = new Map(plan.revisions.map((revision) => [revision.name, new Revision(revision.name, {
      namespace,
      spec: revision.spec,
      size: revision.size,
      maxUnavailable: revision.maxUnavailable,
      ...(revision.autoscale === undefined ? {} : { autoscale: revision.autoscale }),
      secretEnv: args.secretEnv ?? false,
    }, { parent: this, dependsOn: account })]));
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
    const split = declareSplit(name, {
      namespace,
      router: args.router,
      ingressClass: args.ingressClass,
      gateway: args.gateway,
      newestRevision: plan.canary ?? plan.stable,
      hosts: service.hosts,
      paths: service.paths,
      routing: service.routing,
      weight: args.weight,
      stableService: stable.service.metadata.name,
      canaryService: canary.service.metadata.name,
      servicePort: service.servicePort,
    }, { parent: this, dependsOn: [stable, canary] });
    const deployments = [...revisions.values()].map(({ deployed }) => deployed);
    this.outputs = pulumi.all(deployments).apply(() => split.objects).apply((objects) => ({ ...describe(name, service, plan), ...objects }));
    this.registerOutputs({ outputs: this.outputs });
  }

  /** All revisions share it: what a service may do is no matter of its version. */
  private declareServiceAccount(service: string, { service: { workload: { serviceAccount } }, namespace, partOf }: ServiceReleaseArgs): k8s.core.v1.ServiceAccount[] {
    if (!serviceAccount.create) return [];
    const name = serviceAccount.name ?? service;
    const labels = { "app.kubernetes.io/name": service, "app.kubernetes.io/part-of": partOf, "app.kubernetes.io/managed-by": "pulumi" };
    return [new k8s.core.v1.ServiceAccount(name, {
      metadata: { name, namespace, labels, annotations: serviceAccount.annotations },
      automountServiceAccountToken: serviceAccount.token,
    }, { parent: this })];
  }
}

function describe(name: string, { hosts, paths, routing }: ServiceConfig, { stable, canary, previous }: ServicePlan): ServiceOutputs {
  return {
    url: `http${routing.tls.some((each) => each.hosts.includes(hosts[0]!)) ? "s" : ""}://${hosts[0]}${paths[0]}`,
    stableService: trackName(name, "stable"),
    canaryService: trackName(name, "canary"),
    revisions: { stable, ...(canary === undefined ? {} : { canary }), ...(previous === undefined ? {} : { previous }) },
  };
}
