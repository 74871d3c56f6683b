import { CANARY_WEIGHT } from "../../components/annotations";
import { trackName } from "../../components/names";
import { kubernetes } from "./client";

/** Names the driver among the field managers, so that `kubectl get --show-managed-fields` tells who moved the traffic. */
const FIELD_MANAGER = "canary-driver";

/**
 * Sends one service's traffic home on the live objects, at once: weight 0, and the canary Service on the pods of the stable one.
 *
 * Merge patches of just these fields: a server-side apply of a fragment would prune every field that it leaves out. The next
 * `pulumi up` declares the same and forces it (`pulumi.com/patchForce`).
 */
async function sendServiceHome(namespace: string, service: string): Promise<void> {
  const { PatchStrategy, setHeaderOptions } = await import("@kubernetes/client-node");
  const { core, networking } = await kubernetes();
  const merge = setHeaderOptions("Content-Type", PatchStrategy.MergePatch);
  const canary = { name: trackName(service, "canary"), namespace, fieldManager: FIELD_MANAGER };
  const weight = networking.patchNamespacedIngress({ ...canary, body: { metadata: { annotations: { [CANARY_WEIGHT]: "0" } } } }, merge);
  const selector = core
    .readNamespacedService({ name: trackName(service, "stable"), namespace })
    .then((stable) => core.patchNamespacedService({ ...canary, body: { spec: { selector: stable.spec?.selector } } }, merge));
  await Promise.all([weight, selector]);
}

/** Sends the traffic of all services home at once. Rejects when one of them could not be patched; the others are home then. */
export async function sendHome(namespace: string, services: readonly string[]): Promise<void> {
  const results = await Promise.allSettled(services.map((service) => sendServiceHome(namespace, service)));
  for (const result of results) if (result.status === "rejected") throw result.reason;
}
