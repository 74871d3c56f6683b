import { HTTP_ROUTE } from "../../../components/routing/http-route";
import { trackName } from "../../../components/names";
import type { KubernetesClient } from "../client";
import { ifThere } from "../answers";
import { FIELD_MANAGER, INTENT, managerOf, type ManagedMetadata, type SplitAt, type TrafficRouter } from "./router";

interface BackendRef {
  readonly name: string;
  readonly weight?: number;
}

interface HttpRoute {
  readonly metadata: ManagedMetadata & { readonly annotations?: Readonly<Record<string, string>> };
  readonly spec?: { readonly rules?: readonly { readonly backendRefs?: readonly BackendRef[] }[] };
}

/** A ref without a weight has 1, by the API's default. */
const weightOf = ({ weight }: BackendRef): number => weight ?? 1;

const coordinates = ({ namespace, service }: SplitAt) => ({ ...HTTP_ROUTE, namespace, name: service });

/** The rules that split between both tracks, by their index; the header rules name one track only and stay. */
function splitsOf(route: HttpRoute | undefined, service: string): { rule: number; refs: readonly BackendRef[]; canary: number; stable: number }[] {
  return (route?.spec?.rules ?? []).flatMap(({ backendRefs: refs = [] }, rule) => {
    const [stable, canary] = (["stable", "canary"] as const).map((track) => refs.findIndex(({ name }) => name === trackName(service, track)));
    return stable! < 0 || canary! < 0 ? [] : [{ rule, refs, stable: stable!, canary: canary! }];
  });
}

async function read({ custom }: KubernetesClient, at: SplitAt): Promise<HttpRoute | undefined> {
  return ifThere(custom.getNamespacedCustomObject(coordinates(at)) as Promise<HttpRoute>);
}

/** Each replacement follows a test of the name it is meant for: a list has no keys, and somebody may have changed it since it was read. */
function operations(route: HttpRoute, service: string, intent: string): object[] {
  const weights = splitsOf(route, service).flatMap(({ rule, refs, stable, canary }) =>
    ([[stable, 100], [canary, 0]] as const).flatMap(([index, value]) => {
      const path = `/spec/rules/${rule}/backendRefs/${index}`;
      return [{ op: "test", path: `${path}/name`, value: refs[index]!.name }, { op: "add", path: `${path}/weight`, value }];
    }));
  if (weights.length === 0) throw new Error(`no rule of it splits between ${trackName(service, "stable")} and ${trackName(service, "canary")}`);
  const annotation = route.metadata.annotations === undefined
    ? { op: "add", path: "/metadata/annotations", value: { [INTENT]: intent } }
    : { op: "add", path: `/metadata/annotations/${INTENT.replaceAll("/", "~1")}`, value: intent };
  return [...weights, annotation];
}

/** The weights are those of an HTTPRoute's two backendRefs. */
export const gatewayApi: TrafficRouter = {
  object: (service) => `HTTPRoute ${service}`,

  async home(client, at, intent) {
    const { PatchStrategy, setHeaderOptions } = await import("@kubernetes/client-node");
    const header = setHeaderOptions("Content-Type", PatchStrategy.JsonPatch);
    for (let tries = 0; ; tries++) {
      const route = await client.custom.getNamespacedCustomObject(coordinates(at)) as HttpRoute;
      try {
        await client.custom.patchNamespacedCustomObject({ ...coordinates(at), fieldManager: FIELD_MANAGER, body: operations(route, at.service, intent) }, header);
        return;
      } catch (error) {
        // 422 is a failed test: the rules changed under us.
        if (!([409, 422] as unknown[]).includes((error as { code?: unknown }).code) || tries >= 3) throw error;
      }
    }
  },

  async read(client, at) {
    const route = await read(client, at);
    const shares = splitsOf(route, at.service).map(({ refs, canary }) => {
      const total = refs.reduce((sum, ref) => sum + weightOf(ref), 0);
      return total === 0 ? 0 : (100 * weightOf(refs[canary]!)) / total;
    });
    // Where somebody made the rules differ, the highest share is the one that is not home.
    return { weight: shares.length === 0 ? undefined : Math.max(...shares), weightManager: managerOf(route?.metadata, ["spec", "rules"]) };
  },
};
