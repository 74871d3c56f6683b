import { KubeConfig, NetworkingV1Api } from "@kubernetes/client-node";

/** The class that the stack's Ingresses name, marked as ingress-nginx's because Traefik's provider looks for that controller. */
export async function createIngressClass(kubeconfig: string): Promise<void> {
  const config = new KubeConfig();
  config.loadFromFile(kubeconfig);
  await config.makeApiClient(NetworkingV1Api).createIngressClass({
    body: { metadata: { name: "nginx" }, spec: { controller: "k8s.io/ingress-nginx" } },
  });
}
