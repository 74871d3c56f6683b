import diff, { type Difference } from "microdiff";
import type { StackConfig, StackEdit, VersionValue } from "../../components/config";
import type { RecordedKeys } from "../../components/record/format";
import { versionOf } from "../stack/file";
import type { Planned } from "../stack/preview";
import { resourceOf } from "./state";

/** One update of a rollout: what it writes into the stack file. */
export interface PlannedStep {
  /** What the driver calls it: `start v2`, `weight 25`. */
  readonly name: string;
  readonly edit: Omit<StackEdit, "generation">;
}

/**
 * Every update that a rollout of a version makes, in their order; of one that has begun, those that are left. A stack without a stable
 * version is installed at once.
 *
 * @param keys the rollout keys as the stack file has them; a canary in them is of this version
 * @param undoIsOver the previous revision is no longer kept for an undo, so that the start removes it
 */
export function plannedSteps({ rollout }: Pick<StackConfig, "rollout">, keys: RecordedKeys, version: string, undoIsOver = false): PlannedStep[] {
  const { stable, canary: begun, previous, weight } = keys;
  if (stable === undefined) return [{ name: `install ${version}`, edit: { stable: version, weight: 0 } }];
  const canary: VersionValue = begun ?? version;
  const weights = rollout.stages.map((stage) => stage.weight).filter((w) => begun === undefined || w > weight);
  const moved = versionOf(stable) === version;
  return [
    ...(begun === undefined ? [{ name: `start ${version}`, edit: { canary, weight: 0, ...(undoIsOver && previous !== undefined ? { previous: null } : {}) } }] : []),
    ...(moved ? [] : [
      ...weights.map((w) => ({ name: `weight ${w}`, edit: { weight: w } })),
      ...(weight < 100 && weights.at(-1) !== 100 ? [{ name: "weight 100, to promote", edit: { weight: 100 } }] : []),
      { name: `stable Service to ${version}`, edit: { stable: canary, canary, weight: 100, previous: stable } },
    ]),
    { name: "weight 0, rollout closed", edit: { canary: null, weight: 0 } },
    { name: `${versionOf(moved ? (previous ?? stable) : stable)} removed, ${rollout.undoWindowSeconds > 0 ? "when its undo window is over" : "at once"}`, edit: { previous: null } },
  ];
}

/** A property that a step changes; `from` is absent where it comes, `to` where it goes. */
export interface PropertyChange {
  /** `metadata.annotations.canary-weight`: of a key with a domain only the name. */
  readonly path: string;
  readonly from?: unknown;
  readonly to?: unknown;
}

export interface ResourceChange {
  readonly op: "create" | "update" | "replace" | "delete";
  /** `Ingress shop-canary`. */
  readonly resource: string;
  readonly urn: string;
  /** Of an update or replacement. */
  readonly properties: readonly PropertyChange[];
}

/** What is declared, by URN. */
export type Declared = ReadonlyMap<string, Readonly<Record<string, unknown>>>;

const objects = (planned: readonly Planned[]): readonly Planned[] => planned.filter(({ component, urn }) => !component && !urn.includes("pulumi:providers:"));

/** What the state has, as the first preview compares with it. */
export const declaredBefore = (planned: readonly Planned[]): Declared => new Map(objects(planned).flatMap(({ urn, before }) => (before ? [[urn, before] as const] : [])));

/** What a stack file declares. */
export const declaredIn = (planned: readonly Planned[]): Declared => new Map(objects(planned).flatMap(({ urn, inputs }) => (inputs ? [[urn, inputs] as const] : [])));

const keyName = (key: string | number): string => String(key).split("/").pop()!;

function propertyOf(difference: Difference): PropertyChange {
  return {
    path: difference.path.map(keyName).join("."),
    ...("oldValue" in difference ? { from: difference.oldValue as unknown } : {}),
    ...("value" in difference ? { to: difference.value as unknown } : {}),
  };
}

/**
 * What one step changes of what the step before declared: every preview compares with the state that there is now, so that each by itself
 * would repeat all steps before it.
 */
export function changesBetween(before: Declared, planned: readonly Planned[]): ResourceChange[] {
  const after = declaredIn(planned);
  const replaced = new Set(planned.filter(({ op }) => op.includes("replace")).map(({ urn }) => urn));
  const change = (op: ResourceChange["op"], urn: string, properties: readonly PropertyChange[] = []): ResourceChange => ({ op, resource: resourceOf(urn), urn, properties });
  const coming = [...after].flatMap(([urn, inputs]): ResourceChange[] => {
    const old = before.get(urn);
    if (!old) return [change("create", urn)];
    const properties = diff(old, inputs).map(propertyOf);
    return properties.length === 0 ? [] : [change(replaced.has(urn) ? "replace" : "update", urn, properties)];
  });
  return [...coming, ...[...before.keys()].filter((urn) => !after.has(urn)).map((urn) => change("delete", urn))];
}
