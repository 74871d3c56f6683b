import * as k8s from "@pulumi/kubernetes";
import type { InitContainer, Volume, Workload } from "./config";
import { sorted } from "./container";

/** Contents of ConfigMaps or Secrets by name, after encrypted values were opened by the engine. */
export type PlainData = Readonly<Record<string, Readonly<Record<string, string>>>>;

/** A volume in the API's words; `dataName` tells the name in the cluster of one of the workload's own ConfigMaps or Secrets. */
export function volumeOf(name: string, volume: Volume, dataName: (name: string) => string): k8s.types.input.core.v1.Volume {
  if ("emptyDir" in volume) return { name, emptyDir: { ...optionally("sizeLimit", volume.emptyDir.sizeLimit), ...(volume.emptyDir.memory === true ? { medium: "Memory" } : {}) } };
  if ("claim" in volume) return { name, persistentVolumeClaim: { claimName: volume.claim, ...optionally("readOnly", volume.readOnly) } };
  if ("kubernetes" in volume) return { name, ...volume.kubernetes };
  const files = {
    ...(volume.items === undefined ? {} : { items: sorted(volume.items).map(([key, path]) => ({ key, path })) }),
    ...optionally("defaultMode", volume.mode),
    ...("optional" in volume ? optionally("optional", volume.optional) : {}),
  };
  if ("config" in volume) return { name, configMap: { name: dataName(volume.config), ...files } };
  if ("secret" in volume) return { name, secret: { secretName: dataName(volume.secret), ...files } };
  if ("configMapName" in volume) return { name, configMap: { name: volume.configMapName, ...files } };
  return { name, secret: { secretName: volume.secretName, ...files } };
}

const optionally = <K extends string, T>(key: K, value: T | undefined): { [P in K]?: T } => (value === undefined ? {} : ({ [key]: value } as { [P in K]: T }));

/**
 * Name of a container's own empty /tmp; undefined for one that has no use for it. Each container has its own: what one of them leaves
 * there is nothing to the others.
 */
export function tmpVolumeOf(container: string | undefined, { readOnlyRootFilesystem }: InitContainer["security"], mounts: Workload["mounts"]): string | undefined {
  if (!readOnlyRootFilesystem || mounts.some(({ path }) => /^\/tmp\/*$/.test(path))) return undefined;
  return container === undefined ? "canary-tmp" : `canary-tmp-${container}`;
}
