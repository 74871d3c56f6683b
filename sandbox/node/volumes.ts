import * as fs from "node:fs";
import * as path from "node:path";
import type { V1Container, V1KeyToPath, V1Pod, V1ServiceAccountTokenProjection, V1Volume, V1VolumeProjection } from "@kubernetes/client-node";
import type { Api } from "./api";
import { downward, downwardResource, expand } from "./environment";
import type { Mount } from "./mounts";
import { ContainerConfigError, Sources, type Payload } from "./sources";

/** Files of all pods, below the cluster's private `/run`, which is memory: like a kubelet's, what is secret never reaches a disk. */
export const PODS = "/run/pods";
const DEFAULT_MODE = 0o644;
/** A token is replaced when this share of its life is over, as the kubelet does. */
const RENEW_AT = 0.8;
const RENEW_AGAIN_AFTER = 10_000;

/** One file of a volume, by its path in it. */
export interface VolumeFile {
  readonly path: string;
  readonly data: Buffer;
  readonly mode: number;
}

/** A volume that is there for the pod's containers. */
export interface Volume {
  readonly dir: string;
  /** Nobody but the agent writes into it. */
  readonly readOnly: boolean;
}

/** Which keys of a ConfigMap or Secret become which files: all of them, or those that `items` names. */
export interface Selection {
  readonly items?: readonly V1KeyToPath[];
  readonly optional?: boolean;
  readonly defaultMode?: number;
}

/** @throws ContainerConfigError when a key that `items` names is missing and the source not optional */
export function filesOf(name: string, payload: Payload, { items, optional, defaultMode = DEFAULT_MODE }: Selection): VolumeFile[] {
  if (!items || items.length === 0) return Object.entries(payload).map(([key, data]) => ({ path: key, data, mode: defaultMode }));
  return items.flatMap(({ key, path: to, mode }) => {
    const data = payload[key];
    if (data === undefined && !optional) throw new ContainerConfigError(`couldn't find key ${key} in ${name}`);
    return data === undefined ? [] : [{ path: to, data, mode: mode ?? defaultMode }];
  });
}

/**
 * What a container sees of its pod's volumes. A folder that `subPath` names is made in a volume that can be written to.
 * @throws ContainerConfigError when there is nothing to mount
 */
export function mountsOf({ name, volumeMounts = [] }: V1Container, volumes: ReadonlyMap<string, Volume>, env: Record<string, string>): Mount[] {
  return volumeMounts.map(({ name: of, mountPath, readOnly, subPath, subPathExpr }): Mount => {
    const volume = volumes.get(of);
    if (!volume) throw new ContainerConfigError(`container ${name} mounts the volume ${of}, which the pod does not have`);
    const source = path.join(volume.dir, subPathExpr === undefined ? (subPath ?? "") : expand(subPathExpr, env)).replace(/\/$/, "");
    if (!`${source}/`.startsWith(`${volume.dir}/`)) throw new ContainerConfigError(`the subPath of ${mountPath} leaves its volume`);
    if (!volume.readOnly) fs.mkdirSync(source, { recursive: true });
    else if (!fs.existsSync(source)) throw new ContainerConfigError(`the volume ${of} has no ${subPath ?? subPathExpr}`);
    return { source, target: mountPath, readOnly: volume.readOnly || readOnly === true };
  });
}

/** Writes a file whole or not at all: a reader never sees a part of a token. */
function write(dir: string, { path: to, data, mode }: VolumeFile): void {
  const file = path.join(dir, to);
  if (!file.startsWith(`${dir}/`)) throw new ContainerConfigError(`the path ${to} leaves its volume`);
  fs.mkdirSync(path.dirname(file), { recursive: true });
  const next = path.join(path.dirname(dir), `.${path.basename(dir)}.next`);
  fs.writeFileSync(next, data);
  fs.chmodSync(next, mode);
  fs.renameSync(next, file);
}

/** The volumes of one pod, from its start to its end. An emptyDir does not outlive the agent. */
export class PodVolumes {
  readonly dir: string;
  /** By name, once they are prepared. */
  made: ReadonlyMap<string, Volume> = new Map();
  private readonly timers = new Set<NodeJS.Timeout>();
  private readonly sources: Sources;
  private gone = false;

  constructor(private readonly pod: V1Pod, private readonly ip: string, private readonly api: Api, root = PODS) {
    this.dir = path.join(root, pod.metadata!.uid!);
    this.sources = new Sources(api, pod.metadata!.namespace!);
  }

  /**
   * Makes every volume and fills it.
   * @throws ContainerConfigError when something that it shall hold is not there, or its kind is not supported
   */
  async prepare(): Promise<void> {
    this.forgetTokens();
    const volumes = new Map<string, Volume>();
    for (const volume of this.pod.spec!.volumes ?? []) volumes.set(volume.name, await this.make(volume));
    this.made = volumes;
  }

  private async make(volume: V1Volume): Promise<Volume> {
    const dir = path.join(this.dir, "volumes", volume.name);
    // Not before its contents are known: an empty folder would pass for a volume.
    const files = volume.emptyDir ? [] : await this.contents(volume, dir);
    fs.mkdirSync(dir, { recursive: true });
    fs.chmodSync(dir, volume.emptyDir ? 0o777 : 0o755);
    for (const file of files) write(dir, file);
    return { dir, readOnly: !volume.emptyDir };
  }

  private async contents({ name, configMap, secret, projected, downwardAPI }: V1Volume, dir: string): Promise<VolumeFile[]> {
    const only = (source: V1VolumeProjection, defaultMode?: number): Promise<VolumeFile[]> => this.project(source, dir, defaultMode);
    if (configMap) return only({ configMap }, configMap.defaultMode);
    if (secret) return only({ secret: { ...secret, name: secret.secretName } }, secret.defaultMode);
    if (downwardAPI) return only({ downwardAPI }, downwardAPI.defaultMode);
    if (!projected) throw new ContainerConfigError(`volume "${name}": this kind of volume is not supported by the sandbox`);
    return (await Promise.all((projected.sources ?? []).map((source) => only(source, projected.defaultMode)))).flat();
  }

  private async project(source: V1VolumeProjection, dir: string, defaultMode?: number): Promise<VolumeFile[]> {
    const { configMap, secret, downwardAPI, serviceAccountToken } = source;
    if (configMap) return filesOf(configMap.name!, await this.sources.configMap(configMap.name!, configMap.optional), { ...configMap, defaultMode });
    if (secret) return filesOf(secret.name!, await this.sources.secret(secret.name!, secret.optional), { ...secret, defaultMode });
    if (serviceAccountToken) return [await this.token(serviceAccountToken, dir, defaultMode)];
    return (downwardAPI?.items ?? []).map(({ path: to, fieldRef, resourceFieldRef, mode }) => {
      const text = fieldRef ? downward(fieldRef.fieldPath, this.pod, this.ip) : downwardResource(resourceFieldRef!, this.pod);
      return { path: to, data: Buffer.from(text), mode: mode ?? defaultMode ?? DEFAULT_MODE };
    });
  }

  /** A token that is bound to the pod; it is replaced in time for as long as the pod lives. */
  private async token({ audience, expirationSeconds, path: to }: V1ServiceAccountTokenProjection, dir: string, mode = DEFAULT_MODE): Promise<VolumeFile> {
    const { name, uid, namespace } = this.pod.metadata!;
    const account = this.pod.spec!.serviceAccountName ?? "default";
    const spec = { audiences: audience ? [audience] : [], expirationSeconds, boundObjectRef: { kind: "Pod", apiVersion: "v1", name, uid } };
    const asked = Date.now();
    const { status } = await this.api.core.createNamespacedServiceAccountToken({ name: account, namespace: namespace!, body: { spec } });
    const renew = (after: number): void => {
      if (this.gone) return;
      const timer = setTimeout(() => {
        this.timers.delete(timer);
        this.token({ audience, expirationSeconds, path: to }, dir, mode).then((file) => this.gone || write(dir, file), (error: Error) => {
          console.error(`token of ${name}: ${error.message}`);
          renew(RENEW_AGAIN_AFTER);
        });
      }, after).unref();
      this.timers.add(timer);
    };
    // setTimeout counts to 24 days and no further.
    renew(Math.min(RENEW_AT * (status!.expirationTimestamp.getTime() - asked), 2 ** 31 - 1));
    return { path: to, data: Buffer.from(status!.token), mode };
  }

  private forgetTokens(): void {
    for (const timer of this.timers) clearTimeout(timer);
    this.timers.clear();
  }

  remove(): void {
    this.gone = true;
    this.forgetTokens();
    fs.rmSync(this.dir, { recursive: true, force: true });
  }
}
