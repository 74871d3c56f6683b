import { CANARY_WEIGHT, CANARY_WEIGHT_TOTAL } from "../../../components/annotations";
import { trackName } from "../../../components/names";
import { ifThere } from "../answers";
import { FIELD_MANAGER, INTENT, managerOf, type TrafficRouter } from "./router";

/** As ingress-nginx reads a total: one of at most 100 is ignored. */
const totalOf = (text: string | undefined): number => Math.max(100, Number(text) || 0);

/** The weight is an annotation of the canary Ingress. */
export const ingressNginx: TrafficRouter = {
  object: (service) => `Ingress ${trackName(service, "canary")}`,

  async home({ networking }, { namespace, service }, intent) {
    const { PatchStrategy, setHeaderOptions } = await import("@kubernetes/client-node");
    // Of just these fields: a server-side apply of a fragment would prune every field that it leaves out.
    const body = { metadata: { annotations: { [CANARY_WEIGHT]: "0", [INTENT]: intent } } };
    const request = { name: trackName(service, "canary"), namespace, fieldManager: FIELD_MANAGER, body };
    await networking.patchNamespacedIngress(request, setHeaderOptions("Content-Type", PatchStrategy.MergePatch));
  },

  async read({ networking }, { namespace, service }) {
    const ingress = await ifThere(networking.readNamespacedIngress({ name: trackName(service, "canary"), namespace }));
    const text = ingress?.metadata?.annotations?.[CANARY_WEIGHT];
    const weight = text === undefined || !/^-?\d+$/.test(text) ? undefined : (100 * Number(text)) / totalOf(ingress?.metadata?.annotations?.[CANARY_WEIGHT_TOTAL]);
    return { weight, weightManager: managerOf(ingress?.metadata, ["metadata", "annotations", CANARY_WEIGHT]) };
  },
};
