import { isDeepStrictEqual } from "node:util";
import { withFloors, type StackConfig } from "../../components/config";
import { podReader } from "../cluster/pods";
import { stableHome } from "../cluster/traffic";
import { UsageError } from "../errors";
import { versionOf } from "../stack/file";
import { apply, done, type Ending, type RolloutContext } from "./context";
import { rolloutId } from "./rollout";
import { stableFloors } from "./sizing";

/** Names of a version's revisions by service, as the stack's outputs have them: previous, or stable where an undo had come so far. */
function revisionsOf(outputs: Readonly<Record<string, unknown>>, version: string): Record<string, string> {
  const services = (outputs.services ?? {}) as Readonly<Record<string, { revisions?: { stable?: string; previous?: string } }>>;
  const track = outputs.stable === version ? "stable" : "previous";
  return Object.fromEntries(Object.entries(services).flatMap(([name, { revisions }]) => (revisions?.[track] ? [[name, revisions[track]!]] : [])));
}

/** @throws UsageError when the way back would not be instant: nothing is kept, the window is over, or its pods are gone */
async function refuse({ cluster, ledger }: RolloutContext, config: StackConfig, version: string): Promise<void> {
  const again = `roll it out again with \`canary deploy ${version}\``;
  const until = ledger.record?.undo?.until;
  if (until !== undefined && Date.parse(until) < Date.now()) throw new UsageError(`The undo window of ${version} ended at ${until}: ${again}.`);
  const reader = podReader(cluster, config.namespace);
  for (const service of Object.keys(config.services)) {
    const health = await reader.health(service, version);
    if (health && health.ready === 0) throw new UsageError(`${service} has no ready pod of ${version} any more: ${again}.`);
  }
}

/**
 * Goes back to the previous revision after a promotion, inside the undo window: the stable Services move to its pods, which run
 * already, first live and then by `pulumi up`. The revision that is left becomes the previous one.
 */
export async function undo(context: RolloutContext): Promise<Ending> {
  const { file, updates, ledger, cluster, report } = context;
  const config = file.read();
  const [stable, previous] = [file.version("stable"), file.version("previous")];
  if (config.canary) throw new UsageError(`A rollout of ${config.canary.version} is under way: end it with \`canary rollback\` first.`);
  if (stable === undefined || previous === undefined) throw new UsageError("There is no previous revision to go back to: roll the version out that you want with `canary deploy VERSION`.");
  // One that stopped half way has swapped them already: a second swap would lead back to what is left.
  const unfinished = ledger.record?.undo?.version === versionOf(stable);
  const [leaving, back] = unfinished ? [previous, stable] : [stable, previous];
  const [left, to] = [versionOf(leaving), versionOf(back)];
  const [outputs] = await Promise.all([updates.outputs(), refuse(context, config, to)]);
  const startedAt = new Date();
  report({ event: "start", message: `going back from ${left} to ${to}` });
  try {
    await stableHome(cluster, config, revisionsOf(outputs, to), `undo: back to ${to}`);
    report({ event: "revert", message: `the stable Services are on the pods of ${to}; recording it with pulumi up` });
  } catch (cause) {
    report({ event: "note", message: `${(cause as Error).message} pulumi up moves the traffic instead.` });
  }
  const after = await apply(context, { stable: back, previous: withFloors(leaving, await stableFloors(context, config)) }, `undo: back to ${to}`, { lowers: true });
  const entry = { id: rolloutId(to, startedAt), version: to, from: left, kind: "undo", outcome: "promoted", reason: "asked for by hand", startedAt: startedAt.toISOString(), endedAt: new Date().toISOString(), by: ledger.holder, generation: after.generation } as const;
  const until = ledger.record?.undo?.until;
  await ledger.anyway(ledger.close({ entry, ...(until ? { undo: { version: left, until } } : {}) }));
  return done(`${to} is stable again; ${left} is kept, and gets no traffic.`);
}

/** Removes what a rollout left: a canary, and a previous revision whose undo window is over (or at once, when asked for). */
export async function cleanUp(context: RolloutContext, now: boolean): Promise<string[]> {
  const { file, ledger } = context;
  const config = file.read();
  const said = await dropFloors(context);
  if (!config.previous) return said;
  const until = ledger.record?.undo?.until;
  if (!now && until !== undefined && Date.parse(until) > Date.now()) return [`${config.previous.version} is kept until ${until}, so that \`canary undo\` can go back to it (--now removes it at once)`];
  await apply(context, { previous: null }, `remove ${config.previous.version}`, { lowers: true });
  await ledger.anyway(ledger.amend(({ undo: _, ...record }) => record));
  return [...said, `${config.previous.version} is removed`];
}

/** The pods that stable had to keep for a rollout are its autoscaler's again. */
async function dropFloors(context: RolloutContext): Promise<string[]> {
  const stable = context.file.version("stable");
  const lowered = stable === undefined ? undefined : withFloors(stable, {});
  if (lowered === undefined || isDeepStrictEqual(lowered, stable)) return [];
  await apply(context, { stable: lowered }, "no floor under the stable revision", { lowers: true });
  return [`${versionOf(lowered)} may be scaled down again`];
}
