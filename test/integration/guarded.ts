import { setTimeout as sleep } from "node:timers/promises";
import { PatchStrategy, setHeaderOptions } from "@kubernetes/client-node";
import { CANARY_WEIGHT } from "../../components/annotations";
import { recordName, type RecordedRollout } from "../../components/record/format";
import { clusterAccess, type ClusterAccess } from "../../driver/cluster/client";
import { rolloutLease, type Lease } from "../../driver/record/lease";
import { recordStore, type Book } from "../../driver/record/store";
import { GUARD_IMAGE } from "../../sandbox/demo/images";
import type { StackValues } from "../../sandbox/demo/project";
import { kubernetes, shopStack, type Shop } from "./harness";

export const merge = setHeaderOptions("Content-Type", PatchStrategy.MergePatch);
export const LEASE_SECONDS = 3;

/** Polls until a value is there; fails with what went wrong last. */
export async function eventually<T>(look: () => Promise<T | undefined>, what: string, seconds = 40): Promise<T> {
  let last: unknown;
  for (const deadline = Date.now() + seconds * 1000; Date.now() < deadline; await sleep(200)) {
    const seen = await look().catch((error: unknown) => void (last = error));
    if (seen !== undefined) return seen as T;
  }
  throw new Error(`${what} did not happen within ${seconds} s${last ? ` (${(last as Error).message})` : ""}`);
}

/** HTTP status of a call's answer. */
export const statusOf = (call: Promise<unknown>): Promise<number> => call.then(() => 200, (error: { code?: number }) => error.code ?? -1);

/** A stack with a guard and a canary at weight 50, as a driver may have left it. */
export async function guardedShop(name: string, guard: object = {}, values: StackValues = {}): Promise<Shop & { readonly up: { code: number; output: string } }> {
  const shop = await shopStack(name, {
    stable: "v1", canary: "v2", weight: 50,
    guard: { image: `${GUARD_IMAGE}:v1`, interval: "500ms", ...guard },
    rollout: { stages: [{ weight: 50, dwell: "1s" }, { weight: 100 }], lease: `${LEASE_SECONDS}s`, warmUp: "0s" },
    ...values,
  });
  return { ...shop, up: await shop.pulumi("up", "--yes", "--skip-preview") };
}

/** The driver's side of the cluster, in the hands of the test. */
export class Desk {
  readonly name: string;

  private constructor(readonly access: ClusterAccess, readonly namespace: string) {
    this.name = recordName("canary", namespace);
  }

  static async of({ namespace, cluster }: Shop): Promise<Desk> {
    return new Desk(clusterAccess({ kubeconfig: cluster.files.kubeconfig }), namespace);
  }

  lease = (holder: string): Lease => rolloutLease({ access: this.access, namespace: this.namespace, name: this.name, holder, seconds: LEASE_SECONDS });
  private store = () => recordStore(this.access, this.namespace, this.name);
  book = (): Promise<Book> => this.store().read();

  /** Writes a record, as a driver of this holder that then dies. */
  async rollOut(changes: Partial<RecordedRollout>): Promise<RecordedRollout> {
    const now = new Date().toISOString();
    const rollout: RecordedRollout = { id: "v2-test", version: "v2", from: "v1", phase: "observing", stage: 0, stages: [50, 100], weight: 50, startedAt: now, since: now, ...changes };
    await this.store().update((book) => ({ ...book, record: { format: 1, stack: this.namespace, generation: 0, keys: { stable: "v1", canary: rollout.version, weight: rollout.weight }, rollout } }));
    return rollout;
  }

  async live(): Promise<{ weight: string | undefined; home: boolean }> {
    const { core, networking } = await kubernetes();
    const service = (track: string) => core.readNamespacedService({ name: `shop-${track}`, namespace: this.namespace });
    const [ingress, stable, canary] = await Promise.all([networking.readNamespacedIngress({ name: "shop-canary", namespace: this.namespace }), service("stable"), service("canary")]);
    const weight = ingress.metadata?.annotations?.[CANARY_WEIGHT];
    return { weight, home: weight === "0" && JSON.stringify(stable.spec?.selector) === JSON.stringify(canary.spec?.selector) };
  }

  async setWeight(weight: string): Promise<void> {
    const { networking } = await kubernetes();
    await networking.patchNamespacedIngress({ name: "shop-canary", namespace: this.namespace, body: { metadata: { annotations: { [CANARY_WEIGHT]: weight } } } }, merge);
  }

  home = (): Promise<true | undefined> => this.live().then(({ home }) => home || undefined);
}
