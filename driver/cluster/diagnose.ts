import { CANARY } from "../../components/annotations";
import type { StackConfig } from "../../components/config";
import { trackName } from "../../components/names";
import { within, type ClusterAccess, type KubernetesClient } from "./client";
import { ifThere } from "./answers";

const DEADLINE = 5000;

/** Controllers that read the canary annotations. */
export const NGINX_CONTROLLERS = ["k8s.io/ingress-nginx", "traefik.io/ingress-controller"];

async function behindService({ core }: KubernetesClient, namespace: string, name: string): Promise<string | undefined> {
  const service = await ifThere(core.readNamespacedService({ name, namespace }));
  if (!service) return `there is no Service ${name}`;
  const labelSelector = Object.entries(service.spec?.selector ?? {}).map(([k, v]) => `${k}=${v}`).join(",");
  const { items } = await core.listNamespacedPod({ namespace, labelSelector });
  const ready = items.filter((p) => p.metadata?.deletionTimestamp === undefined && p.status?.conditions?.some((c) => c.type === "Ready" && c.status === "True"));
  return ready.length > 0 ? undefined : `no pod behind Service ${name} is ready`;
}

async function ofIngress({ networking }: KubernetesClient, namespace: string, name: string): Promise<string | undefined> {
  const ingress = await ifThere(networking.readNamespacedIngress({ name, namespace }));
  if (!ingress) return `there is no Ingress ${name}`;
  if (ingress.metadata?.annotations?.[CANARY] !== "true") return `Ingress ${name} has lost the annotation ${CANARY}: "true"`;
  const className = ingress.spec?.ingressClassName;
  if (className === undefined) return `Ingress ${name} has no ingressClassName`;
  const ingressClass = await ifThere(networking.readIngressClass({ name: className }));
  if (!ingressClass) return `there is no IngressClass ${className}, so that no controller takes Ingress ${name} up`;
  const controller = ingressClass.spec?.controller ?? "";
  return NGINX_CONTROLLERS.includes(controller) ? undefined : `the controller of IngressClass ${className} is ${controller}, which may not know ingress-nginx's canary annotations`;
}

/**
 * Why a router does not serve the split that is set, in one clause, as far as the cluster's objects tell: no ready pods, objects that
 * are gone, a class that nobody serves. Undefined when they are all as they should be: the controller itself is then to be looked at.
 */
export async function whyNotServed(access: ClusterAccess, { namespace, services, router }: StackConfig): Promise<string | undefined> {
  try {
    const client = await access();
    for (const service of Object.keys(services)) {
      const looks = [behindService(client, namespace, trackName(service, "canary")), behindService(client, namespace, trackName(service, "stable"))];
      if (router === "ingress-nginx") looks.push(ofIngress(client, namespace, trackName(service, "canary")));
      const found = (await within(DEADLINE, Promise.all(looks))).find((clause) => clause !== undefined);
      if (found) return found;
    }
    return undefined;
  } catch {
    // It explains what failed; it must not fail itself.
    return undefined;
  }
}
