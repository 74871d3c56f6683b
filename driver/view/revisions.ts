import type { V1Deployment, V1Pod } from "@kubernetes/client-node";
import { REVISION_LABEL } from "../../components/pod";
import { within, type ClusterAccess } from "../cluster/client";
import { podReader } from "../cluster/pods";

/** One revision of a service as it runs. */
export interface LiveRevision {
  readonly service: string;
  /** Name of the Deployment. */
  readonly name: string;
  readonly version: string;
  readonly ready: number;
  readonly desired: number;
  /** Restarts of all containers of its pods. */
  readonly restarts: number;
  /** What keeps its pods from being ready, or made them restart, in one clause. */
  readonly trouble?: string;
}

const DEADLINE = 5000;
const VERSION_LABEL = "app.kubernetes.io/version";

const revisionLabel = (object: V1Deployment | V1Pod): string | undefined => object.metadata?.labels?.[REVISION_LABEL];

function restartsOf(pods: readonly V1Pod[]): number {
  const statuses = pods.flatMap(({ status }) => [...(status?.initContainerStatuses ?? []), ...(status?.containerStatuses ?? [])]);
  return statuses.reduce((sum, { restartCount }) => sum + restartCount, 0);
}

/** Every revision of the services that has a Deployment, in two requests and one more for each that is in trouble. Rejects when the cluster cannot be asked. */
export async function liveRevisions(access: ClusterAccess, namespace: string, services: readonly string[]): Promise<LiveRevision[]> {
  const { apps, core } = await within(DEADLINE, access());
  const labelSelector = `app.kubernetes.io/name in (${services.join(",")})`;
  const [deployments, pods] = await Promise.all([
    within(DEADLINE, apps.listNamespacedDeployment({ namespace, labelSelector })),
    within(DEADLINE, core.listNamespacedPod({ namespace, labelSelector })),
  ]);
  const reader = podReader(access, namespace);
  const describe = async (deployment: V1Deployment): Promise<LiveRevision> => {
    const labels = deployment.metadata?.labels ?? {};
    const own = pods.items.filter((pod) => revisionLabel(pod) === revisionLabel(deployment) && pod.metadata?.deletionTimestamp === undefined);
    const revision = {
      service: labels["app.kubernetes.io/name"] ?? "",
      name: deployment.metadata?.name ?? "",
      version: labels[VERSION_LABEL] ?? "",
      ready: deployment.status?.readyReplicas ?? 0,
      desired: deployment.spec?.replicas ?? 1,
      restarts: restartsOf(own),
    };
    if (revision.ready >= revision.desired && revision.restarts === 0) return revision;
    const trouble = (await reader.health(revision.service, revision.version))?.reason;
    return { ...revision, ...(trouble === undefined ? {} : { trouble }) };
  };
  // A Deployment of a service's name that is no revision is somebody else's.
  const revisions = await Promise.all(deployments.items.filter((d) => revisionLabel(d) !== undefined).map(describe));
  return revisions.sort((a, b) => a.service.localeCompare(b.service) || a.name.localeCompare(b.name));
}
