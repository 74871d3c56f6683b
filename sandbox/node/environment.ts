import type { V1Container, V1EnvVar, V1Pod } from "@kubernetes/client-node";
import { API_PORT } from "../cluster/controlPlane";
import { GATEWAY } from "../cluster/network";
import { hasStatus, type Api } from "./api";

/** The pod asks for something that is not there; the container waits with reason CreateContainerConfigError. */
export class ContainerConfigError extends Error {}

const FIELDS: Record<string, (pod: V1Pod, ip: string) => string | undefined> = {
  "metadata.name": (pod) => pod.metadata!.name,
  "metadata.namespace": (pod) => pod.metadata!.namespace,
  "metadata.uid": (pod) => pod.metadata!.uid,
  "spec.nodeName": (pod) => pod.spec!.nodeName,
  "spec.serviceAccountName": (pod) => pod.spec!.serviceAccountName,
  "status.podIP": (_pod, ip) => ip,
  "status.hostIP": () => GATEWAY,
};

/** @throws ContainerConfigError when the downward API has no such field. */
function field(path: string, pod: V1Pod, ip: string): string {
  const keyed = /^metadata\.(labels|annotations)\['(.+)'\]$/.exec(path);
  if (keyed) return pod.metadata?.[keyed[1] as "labels" | "annotations"]?.[keyed[2]!] ?? "";
  const read = FIELDS[path];
  if (!read) throw new ContainerConfigError(`fieldPath ${path} is not supported`);
  return read(pod, ip) ?? "";
}

type Data = Record<string, string>;

class Sources {
  constructor(private readonly api: Api, private readonly namespace: string) {}

  private async read(kind: string, name: string, optional: boolean | undefined, get: () => Promise<Data>): Promise<Data> {
    try {
      return await get();
    } catch (error) {
      if (!hasStatus(error, 404)) throw error;
      if (optional) return {};
      throw new ContainerConfigError(`${kind} "${name}" not found`);
    }
  }
  configMap = (name: string, optional?: boolean): Promise<Data> =>
    this.read("configmap", name, optional, async () => (await this.api.core.readNamespacedConfigMap({ name, namespace: this.namespace })).data ?? {});

  secret = (name: string, optional?: boolean): Promise<Data> =>
    this.read("secret", name, optional, async () => {
      const { data = {} } = await this.api.core.readNamespacedSecret({ name, namespace: this.namespace });
      return Object.fromEntries(Object.entries(data).map(([k, v]) => [k, Buffer.from(v, "base64").toString()]));
    });
}

async function valueOf(variable: V1EnvVar, pod: V1Pod, ip: string, sources: Sources): Promise<string | undefined> {
  const from = variable.valueFrom;
  if (!from) return variable.value ?? "";
  if (from.fieldRef) return field(from.fieldRef.fieldPath, pod, ip);
  const ref = from.configMapKeyRef ?? from.secretKeyRef;
  if (!ref) throw new ContainerConfigError(`env ${variable.name}: this kind of valueFrom is not supported`);
  const data = await (from.configMapKeyRef ? sources.configMap : sources.secret)(ref.name!, ref.optional);
  const value = data[ref.key];
  if (value === undefined && !ref.optional) throw new ContainerConfigError(`couldn't find key ${ref.key} in ${ref.name}`);
  return value;
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
    for (const [key, value] of Object.entries(data)) env[`${from.prefix ?? ""}${key}`] = value;
  }
  for (const variable of container.env ?? []) {
    const value = await valueOf(variable, pod, ip, sources);
    if (value !== undefined) env[variable.name] = expand(value, env);
  }
  return env;
}
