import type { ServiceConfig, StackConfig, VersionSpec } from "./config";

type Rollout = Pick<StackConfig, "stable" | "canary" | "previous" | "weight">;

/** Pods of a service by the part that a version plays; for an autoscaled service the fewest that its autoscaler may leave. */
export interface Sizes {
  readonly stable: number;
  readonly canary?: number;
  readonly previous?: number;
}

/**
 * How many pods a service's revisions are declared with.
 *
 * - A revision has the version's replicas, or else the workload's; with an autoscaler its `min`. Its `floor` lifts that, up to the
 *   autoscaler's `max`. The driver records a floor where an autoscaler would shrink pods that traffic may have to come back to.
 * - A full canary of an autoscaled service starts with what stable had: it must stand the same load, before its autoscaler has seen any.
 * - A proportional canary has its weight's share of its full size, rounded up and at least one pod; at weight 100 its full size.
 */
export function sizesOf(name: string, service: ServiceConfig, { stable, canary, previous, weight }: Rollout): Sizes {
  const { replicas, autoscale, canarySize } = service.workload;
  const floorOf = (version: VersionSpec): number => version.services?.[name]?.floor ?? 0;
  const bounded = (size: number): number => (autoscale === undefined ? size : Math.min(Math.max(size, 1), autoscale.max));
  const own = (version: VersionSpec): number => version.services?.[name]?.replicas ?? version.replicas ?? replicas;
  const full = (version: VersionSpec): number => bounded(Math.max(own(version), floorOf(version)));
  const ofStable = stable === undefined ? 0 : full(stable);
  const ofCanary = (version: VersionSpec): number => {
    const whole = bounded(Math.max(own(version), autoscale === undefined ? 0 : ofStable));
    const share = canarySize === "full" || whole === 0 ? whole : Math.max(1, Math.ceil((whole * weight) / 100));
    return bounded(Math.max(share, floorOf(version)));
  };
  return {
    stable: ofStable,
    ...(canary === undefined ? {} : { canary: ofCanary(canary) }),
    ...(previous === undefined ? {} : { previous: full(previous) }),
  };
}

/**
 * Pods by service that a canary would be declared with at a weight. A canary that shrinks with its weight must keep its pods until the
 * traffic has left: record these as floors in the update that lowers the weight, and take them away in the next.
 */
export function canarySizes(config: StackConfig, weight: number = config.weight): Readonly<Record<string, number>> {
  if (config.canary === undefined) return {};
  return Object.fromEntries(Object.entries(config.services).map(([name, service]) => [name, sizesOf(name, service, { ...config, weight }).canary!]));
}
