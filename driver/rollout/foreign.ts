import type { StackConfig } from "../../components/config";
import { FIELD_MANAGER } from "../cluster/routers/router";
import { isHome, liveTraffic, type LiveTraffic } from "../cluster/traffic";
import type { Outputs } from "../stack/engine";
import type { Updates } from "../stack/updates";
import { apply, type RolloutContext } from "./context";

interface Revisions {
  readonly stable?: string;
  readonly canary?: string;
}

/** Names of the revisions behind each service's tracks, by the stack's outputs. */
export function revisionsIn(outputs: Outputs): Readonly<Record<string, Revisions>> {
  const services = (outputs.services ?? {}) as Readonly<Record<string, { revisions?: Revisions }>>;
  return Object.fromEntries(Object.entries(services).map(([name, { revisions = {} }]) => [name, revisions]));
}

const by = (manager: string | undefined): string => (manager ? ` (changed by ${manager})` : "");

/** What differs on one service's live objects from what the latest update left, in a clause. Pure. */
export function strayOf(live: LiveTraffic, weights: readonly number[], { stable, canary }: Revisions): string | undefined {
  if (live.weight === undefined || !weights.includes(live.weight)) return `the live weight of ${live.object} is ${live.weight ?? "gone"} where this rollout left ${weights.join(" or ")}${by(live.weightManager)}`;
  if (canary !== undefined && live.canaryRevision !== canary) return `the live Service ${live.service}-canary selects ${live.canaryRevision ?? "nothing"} where this rollout left ${canary}${by(live.selectorManager)}`;
  if (stable !== undefined && live.stableRevision !== stable) return `the live Service ${live.service}-stable selects ${live.stableRevision ?? "nothing"} where this rollout left ${stable}`;
  return undefined;
}

/**
 * Says who changed what since this driver's latest update: the live objects, the stack file, the Lease. Pulumi would overwrite the
 * objects (patchForce), and nobody's emergency stop is ever overruled by a raise.
 *
 * @param weights percent that the live objects may have; by default the one that this driver wrote last into the stack file
 *
 * Rejects when the cluster cannot be asked, or the Lease is lost: nothing may be raised then either.
 */
export async function foreignChange(context: RolloutContext, config: StackConfig, weights?: readonly number[]): Promise<string | undefined> {
  const { file, ledger, cluster, updates } = context;
  const [live, last] = await Promise.all([liveTraffic(cluster, config), updates.outputs(), ledger.confirm()]);
  const expected = weights ?? [file.known.weight];
  const revisions = revisionsIn(last);
  return live.map((l) => strayOf(l, expected, revisions[l.service] ?? {})).find((s) => s !== undefined) ?? file.editedByOthers();
}

/**
 * Why a rollout that is gone on with was on its way home already, by the journal or by the live objects: a driver patches these before it
 * says so, because users come first. Undefined where it was not, or where the cluster cannot be asked.
 */
export async function wasGoingHome({ ledger, cluster }: RolloutContext, config: StackConfig): Promise<string | undefined> {
  const last = ledger.journal.at(-1);
  if (last?.kind === "verdict" && last.verdict === "rollback") return last.message;
  if (config.canary?.withdrawn) return ledger.journal.filter(({ kind, verdict }) => kind === "verdict" && verdict === "rollback").at(-1)?.message ?? "its canary is withdrawn already";
  const live = await liveTraffic(cluster, config).catch(() => []);
  return live.some((l) => isHome(l) && l.selectorManager === FIELD_MANAGER) ? "its driver had sent the traffic home already" : undefined;
}

/** Where the stack's history was, and how many of its updates were ours. */
export interface UpdateMark {
  readonly count: number;
  readonly version: number;
}

/** Marks where the history is now; undefined before this driver's first update. */
export const markOf = async (updates: Updates): Promise<UpdateMark | undefined> => (updates.count > 0 ? { count: updates.count, version: await updates.version() } : undefined);

/** Says that somebody else updated the stack between two marks; undefined when nobody did. */
export const foreignUpdate = (before: UpdateMark | undefined, after: UpdateMark | undefined): string | undefined =>
  before && after && after.version - before.version > after.count - before.count ? "somebody else updated the stack in between" : undefined;

/**
 * Takes over a lower weight that somebody set on the live objects by hand: where a person lets a rollout go on after an emergency stop,
 * it goes on from there. Rejects when the cluster cannot be asked.
 */
export async function takeOverLower(context: RolloutContext): Promise<void> {
  const config = context.file.read();
  const lowest = Math.min(...(await liveTraffic(context.cluster, config)).map((l) => l.weight ?? 0));
  if (lowest < config.weight) await apply(context, { weight: lowest }, `weight ${lowest}, as it was set by hand`, { lowers: true });
}
