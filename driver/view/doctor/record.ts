import { recordName } from "../../../components/record/format";
import { ifThere } from "../../cluster/answers";
import { GUARD_PREFIX } from "../../record/lease";
import { ago } from "../times";
import { fail, ok, warn, type Check } from "./check";
import { reasonHere, type Facts } from "./facts";

const record = ({ book }: Facts): Check => ({
  name: "record",
  async run() {
    try {
      const { record: kept, history } = await book();
      if (!kept) return ok("There is no rollout record yet; the first rollout writes it.");
      const { rollout, generation } = kept;
      return ok(`The rollout record can be read: generation ${generation}, ${history.length} in its history, ${rollout ? `${rollout.version} is ${rollout.phase}` : "no rollout under way"}.`);
    } catch (error) {
      return fail(reasonHere(error));
    }
  },
});

const lease = ({ lease: read, book }: Facts): Check => ({
  name: "lease",
  async run() {
    const [{ holder, expired, renewedAt }, kept] = await Promise.all([read(), book().catch(() => undefined)]);
    const rollout = kept?.record?.rollout;
    const unfinished = rollout && rollout.phase !== "held" ? rollout : undefined;
    const seen = renewedAt ? `, seen ${ago(renewedAt, new Date())}` : "";
    if (holder !== undefined && !expired) return ok(`${holder} holds the Lease${seen}.`);
    const remedy = "Go on with `canary resume`, or send all traffic home with `canary rollback`.";
    if (unfinished) return fail(`The rollout of ${unfinished.version} is unfinished (${unfinished.phase}), and ${holder === undefined ? "nobody holds its Lease" : `the Lease of ${holder} has run out${seen}`}.`, remedy);
    return ok(holder === undefined ? "The Lease is free." : `The Lease of ${holder} has run out${seen}; the next verb takes it.`);
  },
});

const guard = ({ at, cluster, config, project, lease: read }: Facts): Check => ({
  name: "guard",
  async run() {
    const [{ apps }, own, name] = await Promise.all([cluster(), config(), project()]);
    if (!own.guard) return warn("The stack declares no guard: when a driver dies, its rollout waits for the next command.", "Set canary:guard.");
    const deployment = `${recordName(name, at.stack).replace(/-rollout$/, "")}-guard`;
    const found = await ifThere(apps.readNamespacedDeployment({ name: deployment, namespace: own.namespace }));
    if (!found) return fail(`The guard, Deployment ${deployment}, is not there.`, "`pulumi up` declares it.");
    if ((found.status?.readyReplicas ?? 0) === 0) return fail(`The guard, Deployment ${deployment}, has no ready pod.`, "Look at its pod.");
    const held = await read().catch(() => undefined);
    return ok(`The guard, Deployment ${deployment}, is ready${held?.holder?.startsWith(GUARD_PREFIX) && !held.expired ? " and at work" : ""}.`);
  },
});

/** What is shared by everybody who works on the stack. */
export const recordChecks = (facts: Facts): Check[] => [record(facts), lease(facts), guard(facts)];
