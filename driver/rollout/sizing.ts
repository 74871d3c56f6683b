import { setTimeout as sleep } from "node:timers/promises";
import { withFloors, type Floors, type StackConfig, type VersionValue } from "../../components/config";
import { canarySizes } from "../../components/size";
import { podReader } from "../cluster/pods";
import { within } from "../cluster/client";
import { apply, type RolloutContext } from "./context";
import { revisionsIn } from "./foreign";

const DEADLINE = 5000;
/** Seconds between two looks at pods that must become ready. */
const LOOK_EVERY = 1;

/** A canary that grows with its weight gets a disruption budget with its second pod. */
export const isProportional = ({ services }: StackConfig): boolean => Object.values(services).some((s) => s.workload.canarySize === "proportional");

/**
 * Pods that the stable revision of each autoscaled service has now. An autoscaler would shrink a stable that loses its traffic, and a
 * revert would then drown it: this is the floor under it until the rollout and its undo window are over.
 *
 * Empty where nothing is autoscaled; rejects when the cluster cannot be asked.
 */
export async function stableFloors({ updates, cluster }: RolloutContext, { services, namespace }: StackConfig): Promise<Floors> {
  const autoscaled = Object.entries(services).filter(([, s]) => s.workload.autoscale !== undefined).map(([name]) => name);
  if (autoscaled.length === 0) return {};
  const revisions = revisionsIn(await updates.outputs());
  const { apps } = await cluster();
  const sizes = await Promise.all(autoscaled.map(async (service) => {
    const name = revisions[service]?.stable;
    const replicas = name && (await within(DEADLINE, apps.readNamespacedDeployment({ name, namespace }))).spec?.replicas;
    return replicas ? [[service, replicas] as const] : [];
  }));
  return Object.fromEntries(sizes.flat());
}

/** A canary that shrinks with its weight keeps its pods until its traffic has left. */
export const keepingPods = (config: StackConfig, canary: VersionValue): VersionValue => (isProportional(config) ? withFloors(canary, canarySizes(config)) : canary);

/**
 * Pods before traffic: of a service that is sized by its weight *and* by an autoscaler, for whose pods Pulumi does not wait. Fixed sizes
 * need no more than the update that raises the weight.
 *
 * @returns what that update must write as the canary; undefined when it need not
 */
export async function podsFirst(context: RolloutContext, weight: number): Promise<VersionValue | undefined> {
  const { file, signal, cluster } = context;
  const config = file.read();
  const grows = Object.entries(config.services).filter(([, { workload }]) => workload.canarySize === "proportional" && workload.autoscale !== undefined).map(([name]) => name);
  const canary = file.version("canary");
  if (grows.length === 0 || canary === undefined || !config.canary) return undefined;
  const sizes = canarySizes(config, weight);
  await apply(context, { canary: withFloors(canary, sizes) }, `pods for weight ${weight}`, { signal, creates: true });
  const reader = podReader(cluster, config.namespace);
  for (const service of grows) {
    const deadline = Date.now() + config.services[service]!.workload.progressDeadlineSeconds * 1000;
    while (((await reader.health(service, config.canary.version))?.ready ?? 0) < sizes[service]! && Date.now() < deadline) await sleep(LOOK_EVERY * 1000, undefined, { signal });
  }
  return withFloors(canary, {});
}
