import type { V1ContainerStatus, V1Pod } from "@kubernetes/client-node";
import type { PodHealth } from "../../analysis";
import { versionLabel } from "../../components/names";
import { within, type ClusterAccess } from "./client";

/** What the driver asks the cluster about a version's pods. A cluster that cannot be asked answers undefined: it is no evidence of anything. */
export interface PodReader {
  /** Readiness and restarts of one service's pods of a version. */
  health(service: string, version: string): Promise<PodHealth | undefined>;
  /** Why a version's pods are not ready, in one clause; undefined also when they are. */
  explain(version: string): Promise<string | undefined>;
}

const DEADLINE = 5000;

const statusesOf = (pod: V1Pod): V1ContainerStatus[] => [...(pod.status?.initContainerStatuses ?? []), ...(pod.status?.containerStatuses ?? [])];
const isReady = (pod: V1Pod): boolean => pod.status?.conditions?.some((c) => c.type === "Ready" && c.status === "True") ?? false;

/** What keeps a pod from being ready, by what the kubelet or the scheduler says. */
function troubleOf(pod: V1Pod): string | undefined {
  for (const { name, image, state, lastState, restartCount } of statusesOf(pod)) {
    const waiting = state?.waiting;
    if (waiting?.reason === "ErrImagePull" || waiting?.reason === "ImagePullBackOff") return `the image ${image} cannot be pulled (${waiting.reason})`;
    if (waiting?.reason === "CreateContainerConfigError") return `container ${name} cannot start: ${waiting.message}`;
    const ended = lastState?.terminated ?? state?.terminated;
    if (ended && restartCount > 0) return `container ${name} keeps crashing: it ended with exit code ${ended.exitCode} and was restarted ${restartCount} times`;
  }
  const scheduled = pod.status?.conditions?.find((c) => c.type === "PodScheduled");
  if (scheduled?.status === "False") return `pod ${pod.metadata?.name} finds no node: ${scheduled.message}`;
  return isReady(pod) ? undefined : `pod ${pod.metadata?.name} runs but its readiness probe does not succeed`;
}

class KubernetesPods implements PodReader {
  constructor(private readonly access: ClusterAccess, private readonly namespace: string) {}

  private async pods(labelSelector: string): Promise<V1Pod[]> {
    const { items } = await within(DEADLINE, (await this.access()).core.listNamespacedPod({ namespace: this.namespace, labelSelector }));
    return items.filter((p) => p.metadata?.deletionTimestamp === undefined);
  }

  async health(service: string, version: string): Promise<PodHealth | undefined> {
    const labelSelector = `app.kubernetes.io/name=${service},app.kubernetes.io/version=${versionLabel(version)}`;
    try {
      const { apps } = await this.access();
      const [pods, deployments] = await Promise.all([this.pods(labelSelector), within(DEADLINE, apps.listNamespacedDeployment({ namespace: this.namespace, labelSelector }))]);
      const desired = deployments.items.reduce((sum, d) => sum + (d.spec?.replicas ?? 1), 0);
      const restarts = pods.flatMap(statusesOf).reduce((sum, s) => sum + s.restartCount, 0);
      return { desired, restarts, ready: pods.filter(isReady).length, reason: pods.map(troubleOf).find((t) => t !== undefined) };
    } catch {
      return undefined;
    }
  }

  async explain(version: string): Promise<string | undefined> {
    try {
      return (await this.pods(`app.kubernetes.io/version=${versionLabel(version)}`)).map(troubleOf).find((t) => t !== undefined);
    } catch {
      return undefined;
    }
  }
}

/** Pods of a namespace. */
export const podReader = (access: ClusterAccess, namespace: string): PodReader => new KubernetesPods(access, namespace);
