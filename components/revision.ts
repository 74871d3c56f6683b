import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import { labelsOf, REVISION_LABEL, selectorOf, templateOf, type PodSpec } from "./pod";

export interface RevisionArgs {
  readonly namespace: pulumi.Input<string>;
  readonly spec: PodSpec;
  /** Pods, 0 or more. The only thing about a revision that may change. */
  readonly replicas: number;
  /** Seconds in which all pods must be ready, or the deployment fails; at least 1. */
  readonly progressDeadlineSeconds: number;
  /** Keep the values of environment variables encrypted in the state. Default false. */
  readonly secretEnv?: boolean;
}

/**
 * One version of one service, as an immutable Deployment. Whether it is stable, canary or kept for an undo is nowhere in it:
 * Services point at it, so that promotion and rollback restart no pod and change no resource of it.
 *
 * Its name, which is also the Deployment's, must be `revisionOf(args.spec)`: then a changed spec is another revision.
 */
export class Revision extends pulumi.ComponentResource {
  readonly deployment: k8s.apps.v1.Deployment;

  constructor(name: string, args: RevisionArgs, opts?: pulumi.ComponentResourceOptions) {
    super("canary:workload:Revision", name, {}, opts);
    const { spec, namespace } = args;
    const template = templateOf(spec, args.secretEnv === true ? (value) => pulumi.secret(value) : undefined);
    const labels = { ...labelsOf(spec), [REVISION_LABEL]: name };
    // The provider waits until its own timeout even when Kubernetes has given up: without this a bad image costs ten minutes.
    const patience = `${args.progressDeadlineSeconds + 10}s`;
    this.deployment = new k8s.apps.v1.Deployment(name, {
      metadata: { name, namespace, labels },
      spec: {
        replicas: args.replicas,
        progressDeadlineSeconds: args.progressDeadlineSeconds,
        selector: { matchLabels: selectorOf(spec.service, name) },
        template: { ...template, metadata: { ...template.metadata, labels } },
      },
    }, {
      parent: this,
      customTimeouts: { create: patience, update: patience, delete: `${spec.terminationGraceSeconds + 60}s` },
    });
    this.registerOutputs({ deployment: this.deployment.metadata.name });
  }
}
