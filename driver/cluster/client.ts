import type { AppsV1Api, AuthorizationV1Api, CoordinationV1Api, CoreV1Api, CustomObjectsApi, NetworkingV1Api } from "@kubernetes/client-node";

export interface KubernetesClient {
  readonly core: CoreV1Api;
  readonly apps: AppsV1Api;
  readonly networking: NetworkingV1Api;
  readonly coordination: CoordinationV1Api;
  readonly authorization: AuthorizationV1Api;
  readonly custom: CustomObjectsApi;
}

/** Where the stack's provider finds its cluster; both absent means the current context of the default kubeconfig. */
export interface ClusterChoice {
  /** Value of `kubernetes:context`. */
  readonly context?: string;
  /** Value of `kubernetes:kubeconfig`: a file's path or its contents. */
  readonly kubeconfig?: string;
}

/** Gives the clients of the stack's cluster; loaded late and once, because the library costs a second. */
export type ClusterAccess = () => Promise<KubernetesClient>;

/** The cluster that Pulumi's Kubernetes provider would use with the same config. */
export function clusterAccess({ context, kubeconfig }: ClusterChoice): ClusterAccess {
  let client: Promise<KubernetesClient> | undefined;
  const connect = async (): Promise<KubernetesClient> => {
    const k8s = await import("@kubernetes/client-node");
    const config = new k8s.KubeConfig();
    if (kubeconfig === undefined) config.loadFromDefault();
    else if (kubeconfig.includes("\n")) config.loadFromString(kubeconfig);
    else config.loadFromFile(kubeconfig);
    if (context !== undefined) config.setCurrentContext(context);
    return {
      core: config.makeApiClient(k8s.CoreV1Api),
      apps: config.makeApiClient(k8s.AppsV1Api),
      networking: config.makeApiClient(k8s.NetworkingV1Api),
      coordination: config.makeApiClient(k8s.CoordinationV1Api),
      authorization: config.makeApiClient(k8s.AuthorizationV1Api),
      custom: config.makeApiClient(k8s.CustomObjectsApi),
    };
  };
  return () => (client ??= connect());
}

/** Rejects when an answer takes longer: the client library has no time limit of its own, and nothing may wait for a deaf API server. */
export async function within<T>(ms: number, answer: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`the API server did not answer within ${ms / 1000} s`)), ms);
  });
  try {
    return await Promise.race([answer, late]);
  } finally {
    clearTimeout(timer);
  }
}
