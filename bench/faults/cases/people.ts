import type { FaultCase } from "../case";

const WEIGHT = "nginx.ingress.kubernetes.io/canary-weight";
const LONG = { rollout: { stages: [{ weight: 20, dwell: "15s" }, { weight: 50, dwell: "1s" }] } };
/** Long enough for gates that compare to be passed, too. */
const LONGER = { rollout: { stages: [{ weight: 20, dwell: "15s" }, { weight: 50, dwell: "10s" }] } };
/** The split is verified: what comes before may be overtaken by the update that is under way. */
const isServed = ({ event }: { readonly event: string }): boolean => event === "split";
const HELD = { exits: [3], ends: ["v1"], when: isServed, next: () => ["rollback"] } as const;

/** People, scripts and controllers who change things while a rollout runs. */
export const PEOPLE_CASES: readonly FaultCase[] = [
  { name: "somebody patches the live weight to 0", ...HELD, says: /the live weight of .* is 0 where this rollout left 20 \(changed by kubectl-patch\)/, fault: (s) => s.patchIngress("shop-canary", { metadata: { annotations: { [WEIGHT]: "0" } } }) },
  { name: "somebody patches the live weight to 90", ...HELD, values: LONG, says: /the live weight of .* is 90 where this rollout left 20/, fault: (s) => s.patchIngress("shop-canary", { metadata: { annotations: { [WEIGHT]: "90" } } }) },
  { name: "somebody deletes the canary Ingress", ...HELD, values: LONG, says: /Ingress shop-canary/, fault: (s) => s.networking.deleteNamespacedIngress({ name: "shop-canary", namespace: s.project.stack }) },
  { name: "the router stops serving the canary Ingress", ...HELD, values: LONG, says: /The split changed during the stage|not what is served/, fault: (s) => s.patchIngress("shop-canary", { spec: { ingressClassName: "nobody" } }) },
  {
    name: "somebody scales the canary to 0", exits: [2, 3], ends: ["v1"], hurts: true, values: LONG, says: /rolled back|held/, next: (code) => (code === 3 ? ["rollback"] : undefined),
    async fault(s) {
      const { items } = await s.apps.listNamespacedDeployment({ namespace: s.project.stack, labelSelector: "app.kubernetes.io/version=v2" });
      await s.apps.patchNamespacedDeploymentScale({ name: items[0]!.metadata!.name!, namespace: s.project.stack, body: [{ op: "replace", path: "/spec/replicas", value: 0 }] });
    },
  },
  { name: "all canary pods are deleted", exits: [0, 2, 3], ends: ["v1", "v2"], hurts: true, values: LONGER, says: /rolled back|held/, fault: (s) => s.deletePods("v2") },
  { name: "all stable pods are deleted", exits: [0, 2, 3], ends: ["v1", "v2"], hurts: true, values: LONGER, says: /rolled back|held/, fault: (s) => s.deletePods("v1") },
  { name: "somebody edits the weight in the stack file", ...HELD, says: /Pulumi\..*yaml|stack file/, fault: async (s) => s.edit(/canary:weight: \d+/, "canary:weight: 70") },
  { name: "somebody breaks the stack file", ...HELD, says: /Pulumi\..*yaml|stack file/, fault: async (s) => s.edit("config:", "config: ["), mend: async (s) => s.edit("config: [", "config:") },
  { name: "another version is deployed while the rollout runs", exits: [0], ends: ["v2"], says: /promoted/, values: LONGER, fault: async (s) => {
    const other = await s.canary(["deploy", "v3", "--yes"]);
    if (other.exitCode !== 4) throw new Error(`the second driver ended with ${other.exitCode}`);
  } },
  {
    name: "the same bad version is offered again", version: "bad", exits: [64], ends: ["v1"], says: /bad was rolled back at .*--retry/, next: () => undefined,
    prepare: async (s) => void (await s.canary(["deploy", "bad", "--yes"])),
  },
];
