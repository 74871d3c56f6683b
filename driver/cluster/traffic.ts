import { CANARY_WEIGHT } from "../../components/annotations";
import { trackName } from "../../components/names";
import { within, type ClusterAccess, type KubernetesClient } from "./client";

/** Names the driver among the field managers, so that `kubectl get --show-managed-fields` tells who moved the traffic. */
const FIELD_MANAGER = "canary-driver";
const DEADLINE = 5000;

/**
 * Sends one service's traffic home on the live objects, at once: weight 0, and the canary Service on the pods of the stable one.
 *
 * Merge patches of just these fields: a server-side apply of a fragment would prune every field that it leaves out. The next
 * `pulumi up` declares the same and forces it (`pulumi.com/patchForce`).
 */
async function sendServiceHome({ core, networking }: KubernetesClient, namespace: string, service: string): Promise<void> {
  const { PatchStrategy, setHeaderOptions } = await import("@kubernetes/client-node");
  const merge = setHeaderOptions("Content-Type", PatchStrategy.MergePatch);
  const canary = { name: trackName(service, "canary"), namespace, fieldManager: FIELD_MANAGER };
  const weight = networking.patchNamespacedIngress({ ...canary, body: { metadata: { annotations: { [CANARY_WEIGHT]: "0" } } } }, merge);
  const selector = core
    .readNamespacedService({ name: trackName(service, "stable"), namespace })
    .then((stable) => core.patchNamespacedService({ ...canary, body: { spec: { selector: stable.spec?.selector } } }, merge));
  await Promise.all([weight, selector]);
}

/** Sends the traffic of all services home at once. Rejects when one of them could not be patched in time; the others are home then. */
export async function sendHome(access: ClusterAccess, namespace: string, services: readonly string[]): Promise<void> {
  const client = await access();
  const results = await Promise.allSettled(services.map((service) => within(DEADLINE, sendServiceHome(client, namespace, service))));
  for (const result of results) if (result.status === "rejected") throw result.reason;
}

/**
 * Says who set another weight on the live Ingresses than the stack last did, in one sentence; undefined when nobody did. Rejects when
 * the cluster cannot be asked.
 */
export async function foreignWeight(access: ClusterAccess, namespace: string, services: readonly string[], expected: number): Promise<string | undefined> {
  const { networking } = await access();
  for (const service of services) {
    const name = trackName(service, "canary");
    const { metadata } = await within(DEADLINE, networking.readNamespacedIngress({ name, namespace }));
    const live = metadata?.annotations?.[CANARY_WEIGHT];
    if (live === String(expected)) continue;
    const manager = metadata?.managedFields?.filter((f) => JSON.stringify(f.fieldsV1 ?? {}).includes(CANARY_WEIGHT)).at(-1)?.manager;
    return `the live weight of Ingress ${name} is ${live ?? "gone"} where this rollout left ${expected}${manager ? ` (changed by ${manager})` : ""}`;
  }
  return undefined;
}
