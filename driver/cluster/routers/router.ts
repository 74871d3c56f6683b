import type { KubernetesClient } from "../client";

/** Names the driver among the field managers, so that `kubectl get --show-managed-fields` tells who moved the traffic. */
export const FIELD_MANAGER = "canary-driver";

/** Annotation with the reason of the latest live patch of an object, written by that patch. Pulumi declares none and leaves it. */
export const INTENT = "canary.dev/intent";

/** A service's split in the cluster. */
export interface SplitAt {
  readonly namespace: string;
  readonly service: string;
}

/** What a router's object says now. */
export interface LiveSplit {
  /** Percent to the canary; undefined where the object is gone or says something that is no weight. */
  readonly weight?: number;
  /** Field manager that wrote the weight last. */
  readonly weightManager?: string;
}

/** The live side of a router: only ever lowers, because weights rise by `pulumi up` alone. */
export interface TrafficRouter {
  /** The object that holds a service's weight, as a person names it: `Ingress shop-canary`. */
  object(service: string): string;
  /** Sets weight 0 at once, with the intent in the same patch. Rejects when the object could not be patched. */
  home(client: KubernetesClient, at: SplitAt, intent: string): Promise<void>;
  /** Rejects when the cluster cannot be asked; an object that is not there is no failure. */
  read(client: KubernetesClient, at: SplitAt): Promise<LiveSplit>;
}

export interface ManagedMetadata {
  readonly managedFields?: readonly { readonly manager?: string; readonly time?: Date | string; readonly fieldsV1?: object }[];
}

/** The field manager that wrote a field last, by the keys that lead to it: `["spec", "selector"]`. */
export function managerOf(metadata: ManagedMetadata | undefined, field: readonly string[]): string | undefined {
  const owns = (fields: object | undefined): boolean =>
    field.reduce<unknown>((inside, key) => (inside as Record<string, unknown> | undefined)?.[`f:${key}`], fields) !== undefined;
  const owners = (metadata?.managedFields ?? []).filter(({ fieldsV1 }) => owns(fieldsV1));
  return owners.sort((a, b) => Number(new Date(a.time ?? 0)) - Number(new Date(b.time ?? 0))).at(-1)?.manager;
}
