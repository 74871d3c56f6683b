import * as fs from "node:fs";
import * as path from "node:path";
import { ConfigError, parseConfig, parseStackFile, type StackConfig, type VersionValue } from "../../components/config";
import { planService } from "../../components/plan";
import type { RecordedKeys, RolloutRecord } from "../../components/record/format";
import { inWords, rolloutInHands, sameKeys, sameVersion, underWay, versionIn } from "../../components/record/stale";
import { BusyError, DriverError, EXIT, UsageError } from "../errors";
import { projectOf } from "../stack/engine";
import type { StackFile, Written } from "../stack/file";
import { commit, openSession, type CommonOptions, type Opened } from "./session";

/** What should be in the stack file and in the record. */
export interface Truth extends Written {
  /** `file`: the stack file says it already, or says what somebody wants next. */
  readonly from: "file" | "record" | "state";
  /** What a person should know of it; a sentence. */
  readonly note?: string;
}

type Outputs = Readonly<Record<string, unknown>>;

/** What the stack's outputs say is deployed: versions without their overrides. Undefined when nothing is. */
function deployedIn(outputs: Outputs): Written | undefined {
  const { stable, canary, previous, withdrawn, weight = 0, generation = 0 } = outputs as Partial<Record<string, string>>;
  if (stable === undefined) return undefined;
  const rest = { ...(canary === undefined ? {} : { canary: withdrawn ? { version: canary, withdrawn: true } : canary }), ...(previous === undefined ? {} : { previous }) };
  return { generation: Number(generation), keys: { stable, ...rest, weight: Number(weight) } };
}

const KEYS = ["stable", "canary", "previous"] as const;
const isWithdrawn = (value: VersionValue | undefined): boolean => typeof value === "object" && value.withdrawn === true;
const bare = (value: VersionValue | undefined): VersionValue | undefined =>
  value === undefined ? undefined : isWithdrawn(value) ? { version: versionIn(value), withdrawn: true } : versionIn(value);

/** The same without overrides, which outputs do not tell. */
function versionsOf({ stable, canary, previous, weight }: RecordedKeys): RecordedKeys {
  return { ...(stable === undefined ? {} : { stable: bare(stable)! }), ...(canary === undefined ? {} : { canary: bare(canary)! }), ...(previous === undefined ? {} : { previous: bare(previous)! }), weight };
}

/** What is deployed, with the overrides that the same version has in one of `sources`, the first one first. */
function withOverrides({ keys }: Written, sources: readonly RecordedKeys[]): RecordedKeys {
  const known = sources.flatMap((source) => KEYS.flatMap((key) => source[key] ?? []));
  const full = (value: VersionValue): VersionValue => {
    const same = known.find((each) => versionIn(each) === versionIn(value)) ?? versionIn(value);
    const { withdrawn: _, ...spec } = typeof same === "object" ? same : { version: String(same) };
    if (isWithdrawn(value)) return { ...spec, withdrawn: true };
    return Object.keys(spec).length === 1 ? spec.version : spec;
  };
  return { ...Object.fromEntries(KEYS.flatMap((key) => (keys[key] === undefined ? [] : [[key, full(keys[key])]]))), weight: keys.weight };
}

/**
 * Which of the stack file, the rollout record and the stack's state tells the truth, when they do not agree:
 *
 * 1. Nothing is deployed: the newer one of file and record.
 * 2. The traffic is on its way home: the newer one of file and record. The state learns of it last, and nothing of it may raise a weight.
 * 3. The record says what is deployed: the record, unless the file is as new. What a file of the same age says otherwise was written by
 *    hand and is not deployed yet: it counts.
 * 4. The record does not, or there is none: what is deployed counts. Somebody forced an update, or deployed a file by hand, or a driver
 *    died between what it announced and the update. But a file as new as both that differs from both was written by hand, as in 3.
 *
 * The generation is the newest of the three, so that nothing older passes for new. The versions of a state come with the overrides that
 * record or file have for them.
 *
 * @param outputs of the stack; empty when it was never deployed
 * @param file what the stack file says
 */
export function reconcile({ record }: { readonly record?: RolloutRecord }, outputs: Outputs, file: Written): Truth {
  const recorded = record?.keys.stable === undefined ? undefined : record;
  const deployed = deployedIn(outputs);
  const generation = Math.max(file.generation, recorded?.generation ?? 0, deployed?.generation ?? 0);
  const older = recorded !== undefined && file.generation < recorded.generation;
  const newer: Truth = older ? { keys: recorded.keys, generation, from: "record" } : { keys: file.keys, generation, from: "file" };
  if (!deployed) return newer;
  if (record?.rollout && (record.rollout.phase === "reverting" || record.rollout.sentHome)) return newer;
  const isDeployed = (keys: RecordedKeys): boolean => sameKeys(versionsOf(keys), deployed.keys);
  const byHand = (): Truth => ({ keys: file.keys, generation, from: "file", ...(isDeployed(file.keys) ? {} : { note: `The stack file asks for ${changes(deployed.keys, versionsOf(file.keys)).join(", ")}, which is not deployed yet: the next update does it.` }) });
  if (recorded ? isDeployed(recorded.keys) : isDeployed(file.keys)) return older ? newer : byHand();
  const announced = recorded !== undefined && recorded.generation > deployed.generation && sameKeys(file.keys, recorded.keys);
  if (!older && file.generation >= deployed.generation && !announced && !isDeployed(file.keys)) return byHand();
  const keys = isDeployed(file.keys) ? file.keys : withOverrides(deployed, [...(recorded ? [recorded.keys] : []), file.keys]);
  const rest = recorded ? ` where the rollout record says ${inWords(recorded.keys)} (generation ${recorded.generation})` : "";
  return { keys, generation, from: "state", note: `Deployed is ${inWords(keys)} (generation ${deployed.generation})${rest}: what is deployed counts.` };
}

/** The keys that differ, each with its old and its new value, e.g. `weight 0 → 25`. */
export function changes(from: RecordedKeys, to: RecordedKeys): string[] {
  const text = (value: VersionValue | undefined): string => (value === undefined ? "none" : isWithdrawn(value) ? `${versionIn(value)} (withdrawn)` : versionIn(value));
  const versions = KEYS.flatMap((key) => {
    if (sameVersion(from[key], to[key])) return [];
    return [text(from[key]) === text(to[key]) ? `${key} ${text(to[key])} with other overrides` : `${key} ${text(from[key])} → ${text(to[key])}`];
  });
  return [...versions, ...(from.weight === to.weight ? [] : [`weight ${from.weight} → ${to.weight}`])];
}

/**
 * The versions among what is deployed whose overrides nobody knows: neither file nor record names them, and the pods that they would
 * have without overrides are not those that run. Pure.
 *
 * @param config of the file, with the keys of `truth`
 * @param project Pulumi's name of it
 */
export function unknownOverrides(truth: Truth, outputs: Outputs, sources: readonly RecordedKeys[], config: StackConfig, project: string): string[] {
  const named = sources.flatMap((source) => KEYS.flatMap((key) => (source[key] === undefined ? [] : [versionIn(source[key])])));
  const strangers = KEYS.filter((key) => truth.keys[key] !== undefined && !named.includes(versionIn(truth.keys[key])));
  const run = (outputs.services ?? {}) as Readonly<Record<string, { readonly revisions?: Partial<Record<string, string>> }>>;
  const runs = (key: (typeof KEYS)[number]): boolean => {
    try {
      return Object.entries(config.services).every(([name, service]) => planService(name, service, config, project)[key] === run[name]?.revisions?.[key]);
    } catch (cause) {
      // An encrypted value is part of the revision's name, and only the engine can open it.
      if (cause instanceof ConfigError) return false;
      throw cause;
    }
  };
  return strangers.filter((key) => !runs(key)).map((key) => versionIn(truth.keys[key]!));
}

/**
 * What `canary sync` writes. Pure.
 *
 * @param name of the stack file
 * @throws UsageError with one sentence when the file has something that would be lost, or when nobody knows better
 */
export function syncPlan(name: string, record: RolloutRecord | undefined, outputs: Outputs, file: Written): Truth {
  const truth = reconcile({ ...(record ? { record } : {}) }, outputs, file);
  if (truth.from !== "file") return truth;
  const deployed = deployedIn(outputs);
  const known = record?.keys.stable === undefined ? deployed : record;
  if (!known) throw new UsageError(`There is nothing to write into ${name}: the stack has no rollout record and nothing is deployed.`);
  const says = known === deployed ? versionsOf(file.keys) : file.keys;
  if (sameKeys(says, known.keys) || (deployed && sameKeys(versionsOf(file.keys), deployed.keys))) return truth;
  const what = known === deployed ? "what is deployed" : "the rollout record";
  throw new UsageError(`${name} is ${file.generation > known.generation ? "newer than" : "as new as"} ${what} (generation ${file.generation}, ${known.generation}) and differs from it (${changes(known.keys, says).join(", ")}): ` +
    "deploy it with `pulumi up`, or take the edit back; nothing is written.");
}

export type SyncOptions = CommonOptions;

/**
 * `canary sync`: writes the rollout record, or what is deployed where that is the truth, into the stack file. Returns the exit code.
 *
 * @throws BusyError while a driver works on a rollout: what it writes next would make the file old again
 * @throws UsageError as {@link syncPlan}
 */
export async function sync(options: SyncOptions): Promise<number> {
  const session = await openSession(options, { verb: "sync", lease: false });
  try {
    return await syncIn(session, options);
  } finally {
    await session.close();
  }
}

async function syncIn({ config, context: { file, updates, ledger, report } }: Opened, options: SyncOptions): Promise<number> {
  const [record, lease] = await Promise.all([ledger.look(), ledger.lease()]).catch((cause: Error) => {
    if (cause instanceof DriverError) throw cause;
    throw new DriverError(`The rollout record cannot be read (${cause.message.split("\n")[0]}): nothing is written.`, undefined, { cause });
  });
  const rollout = rolloutInHands(record, lease);
  if (rollout) throw new BusyError(`${underWay(rollout)}: run \`canary sync\` when it has ended; nothing is written.`);
  const name = path.basename(file.path);
  const before: Written = { generation: config.generation, keys: file.keys() };
  const outputs = await updates.outputs();
  const truth = syncPlan(name, record, outputs, before);
  const unknown = truth.from === "state" ? unknownOverrides(truth, outputs, [before.keys, ...(record ? [record.keys] : [])], configWith(file, truth.keys), projectOf(options.cwd).name) : [];
  if (unknown.length > 0)
    throw new UsageError(`Deployed is ${inWords(truth.keys)}, but the overrides of ${unknown.join(" and ")} are nowhere: write them into ${name} by hand, with canary:generation: ${truth.generation}; nothing is written.`);
  if (truth.note) report({ event: "note", message: truth.note });
  const said = adopt(file, truth);
  for (const message of said) report({ event: "note", message });
  await commit(options, { file, report });
  report({ event: "end", message: `${name} ${said.length > 0 ? "is" : "was"} up to date: ${inWords(truth.keys)}, generation ${truth.generation}${said.length > 0 ? "" : "; nothing is changed"}.` });
  return EXIT.done;
}

/** The file's config with other rollout keys. */
function configWith(file: StackFile, keys: RecordedKeys): StackConfig {
  const { stable: _stable, canary: _canary, previous: _previous, ...rest } = parseStackFile(fs.readFileSync(file.path, "utf8"));
  return parseConfig({ ...rest, ...keys });
}

/** Writes it into the file and removes canary:force; returns what that changed, key by key. Nothing is written where nothing changes. */
export function adopt(file: StackFile, truth: Written): string[] {
  const { generation, force } = file.read();
  const said = [
    ...changes(file.keys(), truth.keys),
    ...(generation === truth.generation ? [] : [`generation ${generation} → ${truth.generation}`]),
    ...(force ? ["force removed"] : []),
  ].map((change) => `canary:${change}`);
  if (said.length > 0) file.adopt(truth);
  return said;
}
