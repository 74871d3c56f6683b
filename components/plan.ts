import { ConfigError, type Autoscale, type EnvValue, type ServiceConfig, type ServiceOverrides, type StackConfig, type VersionSpec, type Workload } from "./config";
import type { PlainEnv, PlainEnvValue } from "./container";
import { versionTag } from "./names";
import { revisionOf, type PodSpec } from "./pod";
import { IDENTITY } from "./routing/identity";
import { sizesOf } from "./size";
import type { PlainData } from "./volumes";

/** One revision to declare. */
export interface RevisionPlan {
  readonly name: string;
  readonly spec: PodSpec;
  /** Pods, 0 or more; with an autoscaler the fewest it may leave. */
  readonly size: number;
  readonly autoscale?: Autoscale;
  readonly maxUnavailable: Workload["maxUnavailable"];
}

/** What one service needs: its revisions, each once, and which of them plays which part. */
export interface ServicePlan {
  readonly revisions: readonly RevisionPlan[];
  /** Revision behind the stable Service. */
  readonly stable: string;
  /** Revision under rollout, withdrawn or not. */
  readonly canary?: string;
  readonly previous?: string;
  /** Revision behind the canary Service: the canary's, or the stable one while there is none or it is withdrawn. */
  readonly canaryTarget: string;
}

/** The keys of {@link StackConfig} that say which versions run. */
export type Versions = Pick<StackConfig, "stable" | "canary" | "previous">;

/** The stable version. @throws ConfigError with one sentence when nothing is installed yet. */
export function installed({ stable }: Versions): VersionSpec {
  if (stable !== undefined) return stable;
  throw new ConfigError(["canary:stable is missing: run `canary deploy VERSION`, or set canary:stable to the version to install."]);
}

/**
 * Plans a service.
 *
 * @throws ConfigError with one sentence when nothing is installed yet, or when an encrypted value was not opened by the engine.
 */
export function planService(name: string, service: ServiceConfig, versions: Versions & Pick<StackConfig, "weight">, partOf: string): ServicePlan {
  const { autoscale, maxUnavailable } = service.workload;
  const sizes = sizesOf(name, service, versions);
  const revise = (version: VersionSpec, size: number): RevisionPlan => {
    const spec = podSpecOf(name, service, version, partOf);
    return { name: revisionOf(spec), spec, size, maxUnavailable, ...(autoscale === undefined ? {} : { autoscale }) };
  };
  const stable = revise(installed(versions), sizes.stable);
  const canary = versions.canary && revise(versions.canary, sizes.canary!);
  const previous = versions.previous && revise(versions.previous, sizes.previous!);
  return {
    revisions: distinct([stable, canary, previous].filter((revision) => revision !== undefined)),
    stable: stable.name,
    canaryTarget: canary === undefined || versions.canary?.withdrawn === true ? stable.name : canary.name,
    ...(canary === undefined ? {} : { canary: canary.name }),
    ...(previous === undefined ? {} : { previous: previous.name }),
  };
}

/**
 * The pods of a service in a version.
 *
 * @param partOf name of the whole that the service is a part of; the label `app.kubernetes.io/part-of`.
 * @throws ConfigError with one sentence when an encrypted value was not opened by the engine.
 */
export function podSpecOf(name: string, service: ServiceConfig, version: VersionSpec, partOf: string): PodSpec {
  const own: ServiceOverrides = version.services?.[name] ?? {};
  const overrides: ServiceOverrides = { ...version, ...own };
  const { replicas: _replicas, autoscale: _autoscale, canarySize: _canarySize, maxUnavailable: _maxUnavailable, ...workload } = service.workload;
  const merged = (key: "config" | "secrets"): PlainData => openedData(name, key, workload[key], version[key], own[key]);
  return {
    service: name,
    partOf,
    version: version.version,
    image: imageOf(overrides.image ?? service.image, version.version),
    port: service.port,
    health: service.health,
    workload: {
      ...workload,
      command: overrides.command ?? workload.command,
      args: overrides.args ?? workload.args,
      env: openedEnv(name, { ...IDENTITY, ...workload.env, ...version.env, ...own.env }),
      resources: overrides.resources ?? workload.resources,
      config: merged("config"),
      secrets: merged("secrets"),
      initContainers: workload.initContainers.map((each) => ({ ...each, env: openedEnv(name, each.env) })),
    },
  };
}

/** A tag follows the last slash; a colon before it belongs to a registry's port. */
function imageOf(image: string, version: string): string {
  return /(:[^/]*|@.*)$/.test(image) ? image : `${image}:${versionTag(version)}`;
}

type Data = Workload["config"];

/** The maps in order, later ones over earlier ones, name by name and key by key. */
function openedData(service: string, what: "config" | "secrets", base: Data, ...over: readonly (Data | undefined)[]): PlainData {
  const keysOf = (name: string) => Object.assign({}, base[name], ...over.map((data) => data?.[name])) as Data[string];
  return Object.fromEntries(Object.keys(base).map((name) => [name, mapValues(keysOf(name), (key, value) => {
    if (typeof value === "string") return value;
    throw unopened(`The key ${key} of ${what}.${name} of ${service}`);
  })]));
}

function openedEnv(service: string, env: Readonly<Record<string, EnvValue>>): PlainEnv {
  return mapValues<EnvValue, PlainEnvValue>(env, (key, value) => {
    if (typeof value === "string" || !("secure" in value)) return value;
    throw unopened(`The environment variable ${key} of ${service}`);
  });
}

const unopened = (what: string): ConfigError => new ConfigError([`${what} is encrypted: it must be opened by the Pulumi engine before the program runs.`]);

const mapValues = <T, U>(map: Readonly<Record<string, T>>, change: (key: string, value: T) => U): Record<string, U> =>
  Object.fromEntries(Object.entries(map).map(([key, value]) => [key, change(key, value)]));

/** A promotion step names one revision as stable and as canary; where their sizes differ, nobody loses pods. */
function distinct(revisions: readonly RevisionPlan[]): RevisionPlan[] {
  const byName = new Map<string, RevisionPlan>();
  for (const revision of revisions) {
    const twin = byName.get(revision.name);
    byName.set(revision.name, twin === undefined || twin.size < revision.size ? revision : twin);
  }
  return [...byName.values()];
}
