import type { StackConfig, VersionValue } from "../config";
import type { RecordedKeys, RecordedRollout, RolloutRecord } from "./format";

/** Who holds the stack's Lease. */
export interface LeaseView {
  /** Absent when it is free. */
  readonly holder?: string;
  /** The holder has not renewed it in time. */
  readonly expired: boolean;
}

/** The part of a Lease's spec that says who holds it. */
export interface LeaseSpec {
  readonly holderIdentity?: string;
  readonly renewTime?: Date;
  readonly leaseDurationSeconds?: number;
}

/** Seconds by which the clocks of two machines may differ. */
export const CLOCKS_DIFFER = 300;

/** Seconds that count where a Lease names no duration: the default of `canary:rollout.lease`. */
const LEASE_SECONDS = 30;

/** The holder's own duration counts, and a second more, by which two clocks may differ. */
export function leaseView({ holderIdentity, renewTime, leaseDurationSeconds }: LeaseSpec, now = Date.now()): LeaseView {
  if (typeof holderIdentity !== "string" || holderIdentity === "") return { expired: true };
  const age = now - timeOf(renewTime).getTime();
  // One from the future says nothing; that its holder is alive is seen when it renews.
  return { holder: holderIdentity, expired: age > (lifeOf(leaseDurationSeconds) + 1) * 1000 || age < -CLOCKS_DIFFER * 1000 };
}

/** When a Lease was renewed; one that says no time has run out. */
export function timeOf(renewTime: Date | undefined): Date {
  const at = new Date(renewTime ?? 0);
  return Number.isNaN(at.getTime()) ? new Date(0) : at;
}

/** Seconds that a Lease lives, a day at most: one written by hand must not lock a stack for ever. */
export const lifeOf = (seconds: number | undefined, fallback = LEASE_SECONDS): number =>
  (typeof seconds === "number" && seconds > 0 ? Math.min(seconds, 86_400) : fallback);

/** What a stack file is held against. */
export interface StaleCheck {
  /** Pulumi's name of the stack. */
  readonly stack: string;
  readonly config: Pick<StackConfig, "generation" | "force">;
  /** The rollout keys as they are written, overrides included. */
  readonly keys: RecordedKeys;
  /** Absent when the driver has never written one. */
  readonly record?: RolloutRecord;
  /** Absent when there is none. */
  readonly lease?: LeaseView;
  /** The driver on whose behalf the program runs. */
  readonly holder?: string;
}

/** `Pulumi.<stack>.yaml` of a stack; of a fully qualified name, org/project/stack, the last part counts. */
export const stackFileName = (stack: string): string => `Pulumi.${stack.split("/").pop()}.yaml`;

/** Holder names of guards begin so: a guard watches what nobody else does, and steps back for everybody. */
export const GUARD_PREFIX = "guard/";

/** The rollout that is under way in the hands of a live driver. One that is held, or whose driver is dead, waits for anybody. */
export function rolloutInHands(record: RolloutRecord | undefined, lease: LeaseView | undefined): (RecordedRollout & { readonly holder: string }) | undefined {
  const rollout = record?.rollout;
  if (!rollout || rollout.phase === "held" || lease?.holder === undefined || lease.expired || lease.holder.startsWith(GUARD_PREFIX)) return undefined;
  return { ...rollout, holder: lease.holder };
}

/**
 * Says in one sentence why a stack file must not be deployed, and what to do instead; undefined when it may be.
 *
 * A file is refused while somebody else's rollout is under way; when it sends traffic to a canary whose traffic was sent home and nobody
 * has recorded that yet; and when it is older than the rollout record and says something else: deploying it would undo a promotion or a
 * rollback. `canary:force: true` lets any file through.
 */
export function staleness({ stack, config, keys, record, lease, holder }: StaleCheck): string | undefined {
  if (config.force || !record || (holder !== undefined && holder === lease?.holder)) return undefined;
  const rollout = rolloutInHands(record, lease);
  if (rollout)
    return `${underWay(rollout)}: wait for its end, stop it with \`canary hold --stack ${stack}\` or \`canary rollback --stack ${stack}\`, or set canary:force: true to override once.`;
  const { version, sentHome } = record.rollout ?? {};
  if (sentHome && keys.weight > 0 && keys.canary !== undefined && versionIn(keys.canary) === version)
    return `${stackFileName(stack)} sends ${keys.weight} % of the traffic to ${version}, which ${sentHome.by} sent home at ${sentHome.at}: ` +
      `run \`canary rollback --stack ${stack}\` to record that, or set canary:force: true to override once.`;
  if (config.generation >= record.generation || sameKeys(keys, record.keys)) return undefined;
  return `${stackFileName(stack)} is older than the rollout record (generation ${config.generation}, the record has ${record.generation}: ${inWords(record.keys)}) and would undo what the driver did: ` +
    `run \`canary sync --stack ${stack}\` to write the record into the file, or set canary:force: true to override once.`;
}

/** Who rolls what out, and how far; a clause. */
export const underWay = ({ version, weight, holder }: { readonly version: string; readonly weight: number; readonly holder: string }): string =>
  `A rollout of ${version} is under way at weight ${weight}, driven by ${holder}`;

/** The version of a rollout key, without its overrides. YAML makes a number of a version such as 7. */
export const versionIn = (value: VersionValue): string => (typeof value === "object" ? value.version : String(value));

/** Versions and weight in words, e.g. `v1 stable, v2 at weight 25`. */
export function inWords({ stable, canary, weight }: RecordedKeys): string {
  const withdrawn = typeof canary === "object" && canary.withdrawn === true;
  return [
    stable === undefined ? "nothing stable" : `${versionIn(stable)} stable`,
    ...(canary === undefined ? [] : [withdrawn ? `${versionIn(canary)} withdrawn` : `${versionIn(canary)} at weight ${weight}`]),
  ].join(", ");
}

/**
 * Whether two sets of rollout keys deploy the same. An encrypted value equals only the same ciphertext: the program sees it opened and
 * cannot tell, so that such a file counts as different.
 */
export const sameKeys = (a: RecordedKeys, b: RecordedKeys): boolean =>
  a.weight === b.weight && (["stable", "canary", "previous"] as const).every((key) => sameVersion(a[key], b[key]));

export const sameVersion = (a: VersionValue | undefined, b: VersionValue | undefined): boolean => canonical(spec(a)) === canonical(spec(b));

const spec = (version: VersionValue | undefined): unknown => (typeof version === "object" || version === undefined ? version : { version });

/** One text for what YAML and the engine write differently: the order of keys, numbers and flags as texts, a default that is written out. */
function canonical(value: unknown): string {
  if (typeof value !== "object" || value === null) return JSON.stringify(String(value));
  if (Array.isArray(value)) return `[${value.map(canonical).join()}]`;
  const entries = Object.entries(value).filter(([key, v]) => v !== undefined && !(key === "withdrawn" && v === false));
  return `{${entries.sort(([a], [b]) => (a < b ? -1 : 1)).map(([key, v]) => `${JSON.stringify(key)}:${canonical(v)}`).join()}}`;
}
