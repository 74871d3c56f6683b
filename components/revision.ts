import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import type { Autoscale, Workload } from "./config";
import { sorted } from "./container";
import { dataNameOf, labelsOf, REVISION_LABEL, selectorOf, templateOf, type PodSpec } from "./pod";
import { declareAutoscaler, declareBudget } from "./scaling";

export interface RevisionArgs {
  readonly namespace: pulumi.Input<string>;
  /** What the pods are; `podSpecOf` makes it of a service's config and a version. */
  readonly spec: PodSpec;
  /** Pods, 0 or more; with an autoscaler the fewest it may leave, 1 or more, and the number that a new revision starts with. */
  readonly size: number;
  /** Bounds and metrics of an autoscaler of its own. Default none: the number of pods is `size`. */
  readonly autoscale?: Autoscale;
  /** Pods, or a percentage of them, that a drained node may take away at the same time; false for no disruption budget. Default 25%. */
  readonly maxUnavailable?: Workload["maxUnavailable"];
  /** Keep the values of environment variables and ConfigMaps encrypted in the state, as those of Secrets always are. Default false. */
  readonly secretEnv?: boolean;
}

/**
 * One version of one service, as an immutable Deployment with its own ConfigMaps, Secrets, autoscaler and disruption budget. Whether it is
 * stable, canary or kept for an undo is nowhere in it: Services point at it, so that promotion and rollback restart no pod and change no
 * resource of it. Only its size may change.
 *
 * Its name, which is also that of its objects, must be `revisionOf(args.spec)`: then a changed spec is another revision.
 *
 * @example
 * const shop = serviceConfig("shop", { image: "registry.example/shop", port: 8080, hosts: ["shop.example"] });
 * const spec = podSpecOf("shop", shop, { version: "v1.2.0" }, "web");
 * new Revision(revisionOf(spec), { namespace: "web", spec, size: 3 });
 *
 * @throws (as an update that fails) when the pods are not ready within `spec.workload.progressDeadlineSeconds`.
 */
export class Revision extends pulumi.ComponentResource {
  readonly deployment: k8s.apps.v1.Deployment;
  readonly autoscaler?: k8s.autoscaling.v2.HorizontalPodAutoscaler;
  readonly budget?: k8s.policy.v1.PodDisruptionBudget;
  /** Name of the Deployment, known when all objects of the revision are there and its pods ready. */
  readonly deployed: pulumi.Output<string>;

  constructor(name: string, args: RevisionArgs, opts?: pulumi.ComponentResourceOptions) {
    super("canary:workload:Revision", name, {}, opts);
    const { spec, namespace, size, autoscale } = args;
    const labels = { ...labelsOf(spec), [REVISION_LABEL]: name };
    const selector = selectorOf(spec.service, name);
    const data = this.declareData(name, args, labels);
    this.deployment = this.declareDeployment(name, args, labels, data);
    const scaling = {
      namespace, labels, selector, size, autoscale,
      deployment: this.deployment.metadata.name,
      maxUnavailable: args.maxUnavailable ?? "25%",
    };
    this.autoscaler = declareAutoscaler(name, scaling, { parent: this });
    this.budget = declareBudget(name, scaling, { parent: this });
    const all = [this.deployment, this.autoscaler, this.budget].flatMap((each) => (each === undefined ? [] : [each.id]));
    this.deployed = pulumi.all([this.deployment.metadata.name, ...all]).apply(([first]) => first!);
    this.registerOutputs({ deployment: this.deployed });
  }

  private declareDeployment(name: string, args: RevisionArgs, labels: Record<string, string>, data: pulumi.Resource[]): k8s.apps.v1.Deployment {
    const { spec, namespace, size, autoscale } = args;
    const { progressDeadlineSeconds, terminationGraceSeconds } = spec.workload;
    // The provider waits until its own timeout even when Kubernetes has given up: without this a bad image costs ten minutes.
    const patience = `${progressDeadlineSeconds + 10}s`;
    return new k8s.apps.v1.Deployment(name, {
      metadata: {
        name,
        namespace,
        labels,
        // Where an autoscaler was taken away the number of pods is still its own: this is the change by which the stack takes it back.
        annotations: autoscale === undefined ? { [SCALED_BY]: "stack", "pulumi.com/patchForce": "true" } : { [SCALED_BY]: "autoscaler" },
      },
      spec: {
        replicas: size,
        progressDeadlineSeconds,
        // The template never changes, so that nothing is ever rolled; but by this the Deployment counts as available only with all its pods,
        // and the provider, which may see an old ReplicaSet after a scale, waits for that.
        strategy: { type: "RollingUpdate", rollingUpdate: { maxUnavailable: 0, maxSurge: 1 } },
        selector: { matchLabels: selectorOf(spec.service, name) },
        template: templateOf(spec, name, args.secretEnv === true ? (value) => pulumi.secret(value ?? "") : undefined),
      },
    }, {
      parent: this,
      dependsOn: data,
      // A new revision starts with its size, so that it has its pods before it gets traffic; from then on the number is the autoscaler's.
      ...(autoscale === undefined ? {} : { ignoreChanges: ["spec.replicas"] }),
      customTimeouts: { create: patience, update: patience, delete: `${terminationGraceSeconds + 60}s` },
    });
  }

  /** ConfigMaps and Secrets of this revision alone: a rollback finds the old contents, and nobody else's pods see new ones. */
  private declareData(name: string, { spec, namespace, secretEnv }: RevisionArgs, labels: Record<string, string>): pulumi.Resource[] {
    const meta = (own: string) => ({ name: dataNameOf(name, own), namespace, labels });
    const configMaps = sorted(spec.workload.config).map(([own, data]) =>
      new k8s.core.v1.ConfigMap(dataNameOf(name, own), { metadata: meta(own), immutable: true, data: secretEnv === true ? pulumi.secret({ ...data }) : data }, { parent: this }));
    const secrets = sorted(spec.workload.secrets).map(([own, data]) =>
      new k8s.core.v1.Secret(dataNameOf(name, own), { metadata: meta(own), immutable: true, data: pulumi.secret(encoded(data)) }, { parent: this }));
    return [...configMaps, ...secrets];
  }
}

const SCALED_BY = "canary.dev/scaled-by";

const encoded = (data: Readonly<Record<string, string>>): Record<string, string> =>
  Object.fromEntries(Object.entries(data).map(([key, value]) => [key, Buffer.from(value).toString("base64")]));
