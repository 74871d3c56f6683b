import { ConfigError, type EnvValue, type Overrides, type ServiceConfig, type StackConfig, type VersionSpec } from "./config";
import { versionTag } from "./names";
import { revisionOf, type PodSpec } from "./pod";

/** One Deployment to declare. */
export interface RevisionPlan {
  readonly name: string;
  readonly spec: PodSpec;
  readonly replicas: number;
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
export function planService(name: string, service: ServiceConfig, versions: Versions, partOf: string): ServicePlan {
  const revise = (version: VersionSpec) => planRevision(name, service, version, partOf);
  const stable = revise(installed(versions));
  const canary = versions.canary && revise(versions.canary);
  const previous = versions.previous && revise(versions.previous);
  return {
    revisions: distinct([stable, canary, previous].filter((revision) => revision !== undefined)),
    stable: stable.name,
    canaryTarget: canary === undefined || versions.canary?.withdrawn === true ? stable.name : canary.name,
    ...(canary === undefined ? {} : { canary: canary.name }),
    ...(previous === undefined ? {} : { previous: previous.name }),
  };
}

function planRevision(name: string, service: ServiceConfig, version: VersionSpec, partOf: string): RevisionPlan {
  const { workload, health, port } = service;
  const overrides: Overrides = { ...version, ...version.services?.[name] };
  const env = { ...workload.env, ...version.env, ...version.services?.[name]?.env };
  const spec: PodSpec = {
    service: name,
    partOf,
    version: version.version,
    image: imageOf(overrides.image ?? service.image, version.version),
    port,
    health,
    env: Object.fromEntries(Object.entries(env).map(([key, value]) => [key, opened(name, key, value)])),
    resources: overrides.resources ?? workload.resources,
    terminationGraceSeconds: workload.terminationGraceSeconds,
    drainSeconds: workload.drainSeconds,
  };
  return { name: revisionOf(spec), spec, replicas: overrides.replicas ?? workload.replicas };
}

/** A tag follows the last slash; a colon before it belongs to a registry's port. */
function imageOf(image: string, version: string): string {
  return /(:[^/]*|@.*)$/.test(image) ? image : `${image}:${versionTag(version)}`;
}

function opened(service: string, key: string, value: EnvValue): string {
  if (typeof value === "string") return value;
  throw new ConfigError([`The environment variable ${key} of ${service} is encrypted: it must be opened by the Pulumi engine before the program runs.`]);
}

/** A promotion step names one revision as stable and as canary; where their sizes differ, nobody loses pods. */
function distinct(revisions: readonly RevisionPlan[]): RevisionPlan[] {
  const byName = new Map<string, RevisionPlan>();
  for (const revision of revisions) {
    const twin = byName.get(revision.name);
    byName.set(revision.name, twin === undefined || twin.replicas < revision.replicas ? revision : twin);
  }
  return [...byName.values()];
}
