import type { V1Container, V1EnvVar, V1Pod, V1ResourceFieldSelector } from "@kubernetes/client-node";
import { API_PORT } from "../cluster/controlPlane";
import { GATEWAY } from "../cluster/network";
import type { Api } from "./api";
import { CAPACITY } from "./node";
import { ContainerConfigError, Sources } from "./sources";

const FIELDS: Record<string, (pod: V1Pod, ip: string) => string | undefined> = {
  "metadata.name": (pod) => pod.metadata!.name,
  "metadata.namespace": (pod) => pod.metadata!.namespace,
  "metadata.uid": (pod) => pod.metadata!.uid,
  "metadata.labels": (pod) => lines(pod.metadata!.labels),
  "metadata.annotations": (pod) => lines(pod.metadata!.annotations),
  "spec.nodeName": (pod) => pod.spec!.nodeName,
  "spec.serviceAccountName": (pod) => pod.spec!.serviceAccountName,
  "status.podIP": (_pod, ip) => ip,
  "status.hostIP": () => GATEWAY,
};

/** All labels or annotations as the downward API writes them into a file. */
const lines = (map: Readonly<Record<string, string>> = {}): string => Object.entries(map).sort().map(([k, v]) => `${k}=${JSON.stringify(v)}`).join("\n");

/** The value of a field of the pod. @throws ContainerConfigError when the downward API has no such field */
export function downward(path: string, pod: V1Pod, ip: string): string {
  const keyed = /^metadata\.(labels|annotations)\['(.+)'\]$/.exec(path);
  if (keyed) return pod.metadata?.[keyed[1] as "labels" | "annotations"]?.[keyed[2]!] ?? "";
  const read = FIELDS[path];
  if (!read) throw new ContainerConfigError(`fieldPath ${path} is not supported`);
  return read(pod, ip) ?? "";
}

const SI = ["", "k", "M", "G", "T", "P", "E"];
/** The number of a Kubernetes quantity such as 250m, 0.5 or 256Mi. */
function amountOf(quantity: string): number {
  const [, number, suffix = ""] = /^([\d.]+(?:[eE]\d+)?)(.*)$/.exec(quantity) ?? [];
  const factor = suffix === "m" ? 0.001 : suffix.endsWith("i") ? 1024 ** SI.indexOf(suffix[0]!.replace("K", "k")) : 1000 ** SI.indexOf(suffix);
  return Number(number) * factor;
}

/**
 * What a container may use or asks for, in units of the divisor and rounded up; of a limit that it does not have, the node's.
 * @throws ContainerConfigError when there is no such resource or container
 */
export function downwardResource({ resource, divisor, containerName }: V1ResourceFieldSelector, pod: V1Pod, own?: V1Container): string {
  const container = containerName === undefined ? own : pod.spec!.containers.find(({ name }) => name === containerName);
  const [kind, name] = resource.split(/\.(.*)/s) as ["limits" | "requests", string];
  const capacity = (CAPACITY as Data)[name];
  if (!container || capacity === undefined || (kind !== "limits" && kind !== "requests"))
    throw new ContainerConfigError(`the resource ${resource} of ${containerName ?? "no container"} is not known`);
  const amount = container.resources?.[kind]?.[name] ?? (kind === "limits" ? capacity : "0");
  const unit = divisor === undefined || divisor === "0" ? "1" : divisor;
  return String(Math.ceil(amountOf(amount) / amountOf(unit)));
}

type Data = Record<string, string>;

async function valueOf(variable: V1EnvVar, container: V1Container, pod: V1Pod, ip: string, sources: Sources): Promise<string | undefined> {
  const from = variable.valueFrom;
  if (!from) return variable.value ?? "";
  if (from.fieldRef) return downward(from.fieldRef.fieldPath, pod, ip);
  if (from.resourceFieldRef) return downwardResource(from.resourceFieldRef, pod, container);
  const ref = from.configMapKeyRef ?? from.secretKeyRef;
  if (!ref) throw new ContainerConfigError(`env ${variable.name}: this kind of valueFrom is not supported`);
  const data = await (from.configMapKeyRef ? sources.configMap : sources.secret)(ref.name!, ref.optional);
  const value = data[ref.key];
  if (value === undefined && !ref.optional) throw new ContainerConfigError(`couldn't find key ${ref.key} in ${ref.name}`);
  return value?.toString();
}

/** Replaces `$(NAME)` by earlier variables, as the kubelet does; `$$(NAME)` stays as `$(NAME)`. */
export function expand(text: string, env: Data): string {
  return text.replace(/\$(\$\([^)]*\))|\$\(([A-Za-z_][\w.-]*)\)/g, (whole, escaped: string | undefined, name: string) => escaped ?? env[name] ?? whole);
}

/**
 * The complete environment of a container: image, envFrom, env, in rising precedence.
 * @throws ContainerConfigError when a ConfigMap, Secret or key that is not optional is missing.
 */
export async function environmentOf(container: V1Container, image: Data, pod: V1Pod, ip: string, api: Api): Promise<Data> {
  const sources = new Sources(api, pod.metadata!.namespace!);
  const env: Data = {
    PATH: process.env.PATH ?? "/usr/local/bin:/usr/bin:/bin",
    HOME: "/",
    HOSTNAME: pod.metadata!.name!,
    KUBERNETES_SERVICE_HOST: GATEWAY,
    KUBERNETES_SERVICE_PORT: String(API_PORT),
    ...image,
  };
  for (const from of container.envFrom ?? []) {
    const data = from.configMapRef
      ? await sources.configMap(from.configMapRef.name!, from.configMapRef.optional)
      : await sources.secret(from.secretRef!.name!, from.secretRef!.optional);
    for (const [key, value] of Object.entries(data)) env[`${from.prefix ?? ""}${key}`] = value.toString();
  }
  for (const variable of container.env ?? []) {
    const value = await valueOf(variable, container, pod, ip, sources);
    if (value !== undefined) env[variable.name] = expand(value, env);
  }
  return env;
}
