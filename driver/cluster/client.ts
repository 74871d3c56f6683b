import type { AppsV1Api, CoreV1Api, NetworkingV1Api } from "@kubernetes/client-node";

export interface KubernetesClient {
  readonly core: CoreV1Api;
  readonly apps: AppsV1Api;
  readonly networking: NetworkingV1Api;
}

let client: Promise<KubernetesClient> | undefined;

/** Clients of the current kubeconfig context, as kubectl and Pulumi see it. Loaded late and once: the library costs a second. */
export function kubernetes(): Promise<KubernetesClient> {
  client ??= import("@kubernetes/client-node").then((k8s) => {
    const config = new k8s.KubeConfig();
    config.loadFromDefault();
    return { core: config.makeApiClient(k8s.CoreV1Api), apps: config.makeApiClient(k8s.AppsV1Api), networking: config.makeApiClient(k8s.NetworkingV1Api) };
  });
  return client;
}
