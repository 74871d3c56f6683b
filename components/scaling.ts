import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import type { Autoscale, Workload } from "./config";

export interface ScalingArgs {
  readonly namespace: pulumi.Input<string>;
  readonly labels: Readonly<Record<string, string>>;
  /** What selects the revision's pods. */
  readonly selector: Readonly<Record<string, string>>;
  /** Name of the Deployment. */
  readonly deployment: pulumi.Input<string>;
  /** Pods, 0 or more; with an autoscaler the fewest it may leave, 1 or more. */
  readonly size: number;
  readonly autoscale?: Autoscale;
  /** Pods, or a percentage of them such as `25%`, that a drained node may take away at the same time; false for no budget. */
  readonly maxUnavailable: Workload["maxUnavailable"];
}

/** Declares the autoscaler of a revision, where it has one. */
export function declareAutoscaler(name: string, args: ScalingArgs, opts: pulumi.CustomResourceOptions): k8s.autoscaling.v2.HorizontalPodAutoscaler | undefined {
  const { namespace, labels, deployment, size, autoscale } = args;
  if (autoscale === undefined) return undefined;
  const { max, cpuUtilization, memoryUtilization, metrics, behavior } = autoscale;
  const resource = (resourceName: string, utilization: number | undefined): object[] => utilization === undefined ? [] : [{
    type: "Resource",
    resource: { name: resourceName, target: { type: "Utilization", averageUtilization: Math.round(utilization * 100) } },
  }];
  return new k8s.autoscaling.v2.HorizontalPodAutoscaler(name, {
    metadata: { name, namespace, labels },
    spec: {
      scaleTargetRef: { apiVersion: "apps/v1", kind: "Deployment", name: deployment },
      minReplicas: size,
      maxReplicas: max,
      metrics: [...resource("cpu", cpuUtilization), ...resource("memory", memoryUtilization), ...metrics] as unknown as k8s.types.input.autoscaling.v2.MetricSpec[],
      ...(behavior === undefined ? {} : { behavior }),
    },
  }, opts);
}

/** Declares the disruption budget of a revision, where it can have more than one pod: one pod alone must be allowed to move. */
export function declareBudget(name: string, args: ScalingArgs, opts: pulumi.CustomResourceOptions): k8s.policy.v1.PodDisruptionBudget | undefined {
  const { namespace, labels, selector, size, autoscale, maxUnavailable } = args;
  if (maxUnavailable === false || (autoscale?.max ?? size) <= 1) return undefined;
  return new k8s.policy.v1.PodDisruptionBudget(name, {
    metadata: { name, namespace, labels },
    // A pod that is not ready serves nobody: it must not keep a node from being drained.
    spec: { maxUnavailable, unhealthyPodEvictionPolicy: "AlwaysAllow", selector: { matchLabels: selector } },
  }, opts);
}
