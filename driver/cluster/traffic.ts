import type { StackConfig } from "../../components/config";
import { trackName } from "../../components/names";
import { REVISION_LABEL, selectorOf } from "../../components/pod";
import { DriverError } from "../errors";
import { clauseOf, ifThere } from "./answers";
import { urgently, within, type ClusterAccess, type KubernetesClient } from "./client";
import { ROUTERS } from "./routers";
import { FIELD_MANAGER, INTENT, managerOf, type SplitAt } from "./routers/router";

/** Milliseconds for one service: nothing may wait for a deaf API server. */
const DEADLINE = 5000;

/** What says where a stack's traffic is. */
export type Routed = Pick<StackConfig, "namespace" | "services" | "router">;

/** Where one service's traffic goes by the live objects, and who wrote that last. What is not there is undefined. */
export interface LiveTraffic {
  readonly service: string;
  /** The object that holds the weight, e.g. `Ingress shop-canary`. */
  readonly object: string;
  /** Percent to the canary Service. */
  readonly weight: number | undefined;
  /** Field manager that wrote the weight last. */
  readonly weightManager?: string;
  /** Revisions that the two Services select. */
  readonly canaryRevision?: string;
  readonly stableRevision?: string;
  /** Field manager that wrote the canary Service's selector last. */
  readonly selectorManager?: string;
}

/** The live objects could not be patched or read; the message is one sentence. */
export class TrafficError extends DriverError {}

/** Does the same for every service at once, and only then says what failed: one service must not keep the others from going home. */
async function forAll<T>(access: ClusterAccess, { namespace, services }: Routed, failure: string, act: (client: KubernetesClient, at: SplitAt) => Promise<T>): Promise<T[]> {
  const client = await within(DEADLINE, access());
  const names = Object.keys(services);
  const results = await Promise.allSettled(names.map((service) => within(DEADLINE, act(client, { namespace, service }))));
  const failed = results.flatMap((result, i) => (result.status === "rejected" ? [{ service: names[i], reason: result.reason as unknown }] : []));
  if (failed.length > 0) {
    const clauses = failed.map(({ service, reason }) => `${service}: ${clauseOf(reason)}`);
    throw new TrafficError(`${failure} ${clauses.join("; ")}.`, undefined, { cause: failed[0]!.reason });
  }
  return results.flatMap((result) => (result.status === "fulfilled" ? [result.value] : []));
}

/** Points a track's Service at other pods, with the intent in the same patch. */
async function patchSelector({ core }: KubernetesClient, { namespace, service }: SplitAt, track: "stable" | "canary", selector: object | undefined, intent: string): Promise<void> {
  const { PatchStrategy, setHeaderOptions } = await import("@kubernetes/client-node");
  const body = { metadata: { annotations: { [INTENT]: intent } }, spec: { selector } };
  await core.patchNamespacedService({ name: trackName(service, track), namespace, fieldManager: FIELD_MANAGER, body }, setHeaderOptions("Content-Type", PatchStrategy.MergePatch));
}

/** Weight and selector at once: either of them alone sends new requests home, and the other must not wait for it. */
async function sendServiceHome(client: KubernetesClient, router: Routed["router"], at: SplitAt, intent: string): Promise<void> {
  const name = trackName(at.service, "stable");
  const selector = client.core.readNamespacedService({ name, namespace: at.namespace }).then((stable) => patchSelector(client, at, "canary", stable.spec?.selector, intent));
  const results = await Promise.allSettled([ROUTERS[router].home(client, at, intent), selector]);
  for (const result of results) if (result.status === "rejected") throw result.reason;
}

/**
 * Sends the traffic of all services home on the live objects, at once: weight 0, and the canary Service on the pods of the stable one.
 * The next `pulumi up` declares the same and forces it (`pulumi.com/patchForce`).
 *
 * @param intent the reason, kept on every patched object as the annotation `canary.dev/intent`
 * @throws TrafficError when a service could not be patched within 5 s; all others are home then
 */
export async function sendHome(access: ClusterAccess, config: Routed, intent = "all traffic home"): Promise<void> {
  await urgently(() => forAll(access, config, "The live objects could not be patched:", (client, at) => sendServiceHome(client, config.router, at, intent)));
}

/**
 * Points the *stable* Services at revisions whose pods run already, at once: what an undo does before it is recorded.
 *
 * @param revisions of every service that moves, by the service's name; the others stay
 * @throws TrafficError when a service could not be patched within 5 s; all others have moved then
 */
export async function stableHome(access: ClusterAccess, config: Routed, revisions: Readonly<Record<string, string>>, intent = "the stable Service goes back"): Promise<void> {
  const services = Object.fromEntries(Object.entries(config.services).filter(([name]) => revisions[name] !== undefined));
  await urgently(() => forAll(access, { ...config, services }, "The live objects could not be patched:", (client, at) =>
    patchSelector(client, at, "stable", selectorOf(at.service, revisions[at.service]!), intent)));
}

/**
 * Where the traffic of every service goes by the live objects.
 *
 * @throws TrafficError when one of them could not be read within 5 s
 */
export async function liveTraffic(access: ClusterAccess, config: Routed): Promise<readonly LiveTraffic[]> {
  const router = ROUTERS[config.router];
  return forAll(access, config, "The live objects could not be read:", async (client, at) => {
    const service = (track: "stable" | "canary") => ifThere(client.core.readNamespacedService({ name: trackName(at.service, track), namespace: at.namespace }));
    const [split, stable, canary] = await Promise.all([router.read(client, at), service("stable"), service("canary")]);
    return {
      service: at.service,
      object: router.object(at.service),
      weight: split.weight,
      weightManager: split.weightManager,
      canaryRevision: canary?.spec?.selector?.[REVISION_LABEL],
      stableRevision: stable?.spec?.selector?.[REVISION_LABEL],
      selectorManager: managerOf(canary?.metadata, ["spec", "selector"]),
    };
  });
}

/** Whether no request can reach a canary: weight 0, and the canary Service on the stable revision. An object that is gone routes nothing. */
export const isHome = ({ weight, canaryRevision, stableRevision }: LiveTraffic): boolean =>
  (weight === undefined || weight <= 0) && (canaryRevision === undefined || canaryRevision === stableRevision);
