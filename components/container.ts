import * as k8s from "@pulumi/kubernetes";
import type { InitContainer, Probe, Resources, Workload } from "./config";

type Container = k8s.types.input.core.v1.Container;
type EnvVar = k8s.types.input.core.v1.EnvVar;

/** An environment variable after encrypted values were opened by the engine. */
export type PlainEnvValue = Exclude<Workload["env"][string], { readonly secure: string }>;
export type PlainEnv = Readonly<Record<string, PlainEnvValue>>;

/** What a container's keys refer to outside of it. */
export interface ContainerScope {
  /** Replaces `{{version}}`. */
  readonly version: string;
  /** Name in the cluster of one of the workload's own ConfigMaps or Secrets. */
  readonly dataName: (name: string) => string;
  /** Wraps the value of an environment variable, to keep it encrypted in the state. */
  readonly protect: (value: string) => k8s.types.input.core.v1.EnvVar["value"];
  /** Name of the container's empty /tmp, where it has one. */
  readonly tmpVolume: string | undefined;
}

/** Keys that the service's container and the init containers share. */
export interface ContainerKeys extends Pick<InitContainer, "command" | "args" | "envFrom" | "ports" | "mounts"> {
  readonly name: string;
  readonly image: string;
  readonly env: PlainEnv;
  readonly resources: Resources;
  readonly security: Pick<InitContainer["security"], "allowPrivilegeEscalation" | "readOnlyRootFilesystem" | "capabilities" | "runAsUser" | "runAsGroup">;
}

/** A container without its probes and its place in the pod's life. */
export function containerOf({ name, image, command, args, env, envFrom, ports, resources, mounts, security }: ContainerKeys, scope: ContainerScope): Container {
  const filled = (words: readonly string[]): string[] => words.map((word) => word.replaceAll("{{version}}", scope.version));
  const { runAsUser, runAsGroup, allowPrivilegeEscalation, readOnlyRootFilesystem, capabilities } = security;
  return {
    name,
    image,
    ...(command === undefined ? {} : { command: filled(command) }),
    ...(args === undefined ? {} : { args: filled(args) }),
    ...someOf("ports", sorted(ports).map(([port, containerPort]) => ({ name: port, containerPort }))),
    env: sorted(env).map(([variable, value]) => variableOf(variable, value, scope)),
    ...someOf("envFrom", envFrom.map((source) => sourceOf(source, scope))),
    resources,
    ...someOf("volumeMounts", [
      ...mounts.map(({ volume, path, subPath, readOnly }) => ({ name: volume, mountPath: path, ...(subPath === undefined ? {} : { subPath }), ...(readOnly ? { readOnly } : {}) })),
      ...(scope.tmpVolume === undefined ? [] : [{ name: scope.tmpVolume, mountPath: "/tmp" }]),
    ]),
    securityContext: {
      ...(runAsUser === undefined ? {} : { runAsUser }),
      ...(runAsGroup === undefined ? {} : { runAsGroup }),
      allowPrivilegeEscalation,
      readOnlyRootFilesystem,
      capabilities: { drop: ["ALL"], ...someOf("add", capabilities) },
    },
  };
}

/** A probe in the API's words; `path` and `port` stand in where it names none. */
export function probeOf({ http, tcp, grpc, exec, delaySeconds, periodSeconds, timeoutSeconds, failures }: Probe, path: string, port: number, failuresByDefault = 3): k8s.types.input.core.v1.Probe {
  const headers = sorted(http?.headers ?? {}).map(([name, value]) => ({ name, value }));
  const handler = tcp ? { tcpSocket: { port: tcp.port ?? port } }
    : grpc ? { grpc: { ...grpc, port: grpc.port ?? port } }
    : exec ? { exec: { command: [...exec] } }
    : {
        httpGet: {
          path: http?.path ?? path,
          port: http?.port ?? port,
          ...(http?.scheme === "HTTPS" ? { scheme: "HTTPS" } : {}),
          ...someOf("httpHeaders", headers),
        },
      };
  return { ...handler, ...(delaySeconds === 0 ? {} : { initialDelaySeconds: delaySeconds }), periodSeconds, timeoutSeconds, failureThreshold: failures ?? failuresByDefault };
}

function variableOf(name: string, value: PlainEnvValue, { version, dataName, protect }: ContainerScope): EnvVar {
  if (typeof value === "string") return { name, value: protect(value.replaceAll("{{version}}", version)) };
  if ("field" in value) return { name, valueFrom: { fieldRef: { fieldPath: value.field } } };
  if ("resource" in value) return { name, valueFrom: { resourceFieldRef: { resource: value.resource } } };
  const key = { key: value.key, ...("optional" in value && value.optional !== undefined ? { optional: value.optional } : {}) };
  if ("config" in value) return { name, valueFrom: { configMapKeyRef: { name: dataName(value.config), ...key } } };
  if ("secret" in value) return { name, valueFrom: { secretKeyRef: { name: dataName(value.secret), ...key } } };
  if ("configMapName" in value) return { name, valueFrom: { configMapKeyRef: { name: value.configMapName, ...key } } };
  return { name, valueFrom: { secretKeyRef: { name: value.secretName, ...key } } };
}

function sourceOf(source: Workload["envFrom"][number], { dataName }: ContainerScope): k8s.types.input.core.v1.EnvFromSource {
  const prefix = source.prefix === undefined ? {} : { prefix: source.prefix };
  const optional = "optional" in source && source.optional !== undefined ? { optional: source.optional } : {};
  if ("config" in source) return { ...prefix, configMapRef: { name: dataName(source.config) } };
  if ("secret" in source) return { ...prefix, secretRef: { name: dataName(source.secret) } };
  if ("configMapName" in source) return { ...prefix, configMapRef: { name: source.configMapName, ...optional } };
  return { ...prefix, secretRef: { name: source.secretName, ...optional } };
}

/** Entries by key: the order in which somebody wrote a map must not make another revision. */
export const sorted = <T>(map: Readonly<Record<string, T>>): [string, T][] => Object.entries(map).sort(([a], [b]) => (a < b ? -1 : 1));

/** A list under its key, or nothing where it is empty: the API server drops empty lists, and a preview should not show them. */
export const someOf = <K extends string, T>(key: K, list: readonly T[]): { [P in K]?: T[] } => (list.length === 0 ? {} : ({ [key]: [...list] } as { [P in K]: T[] }));
