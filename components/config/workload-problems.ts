import { keyPath, show } from "./problems";
import type { InitContainer, Overrides, Resources, ServiceConfig, StackConfig, Workload } from "./types";

type Path = readonly (string | number)[];
type Environment = Pick<Workload, "env" | "envFrom">;

/** What the keys of a workload, and a version's changes of it, demand of each other; one sentence a problem. */
export function workloadProblems(config: StackConfig): string[] {
  const { services } = config;
  const ofServices = Object.entries(services).flatMap(([name, service]) => serviceProblems(name, service));
  return [...ofServices, ...accountProblems(services), ...versionProblems(config)];
}

function serviceProblems(name: string, { workload }: ServiceConfig): string[] {
  const root: Path = ["services", name, "workload"];
  const { volumes, security, autoscale } = workload;
  return [
    ...containerProblems(root, workload, workload),
    ...workload.initContainers.flatMap((container, index) => initProblems([...root, "initContainers", index], container, workload, [name, ...namesBefore(workload, index)])),
    ...Object.entries(volumes).flatMap(([volume, source]) => [
      ...(/^canary-tmp(-|$)/.test(volume) ? [`${keyPath([...root, "volumes", volume])} has a bad name: it must not begin with canary-tmp, which the pods' own /tmp does.`] : []),
      ...referenceProblems([...root, "volumes", volume], source, workload),
    ]),
    ...(workload.ports["http"] === undefined ? [] : [`${keyPath([...root, "ports", "http"])} is set: it must have another name, because http is the service's own port.`]),
    ...(security.runAsNonRoot ? rootProblems([...root, "security"], security.runAsUser) : []),
    ...repeated(workload.spread.map(({ topologyKey, whenUnsatisfiable }) => `${topologyKey} ${whenUnsatisfiable}`)).map((index) =>
      `${keyPath([...root, "spread", index, "topologyKey"])} is ${show(workload.spread[index]!.topologyKey)}: it must not be there twice.`),
    ...(autoscale === undefined ? [] : utilizationProblems(root, workload, autoscale)),
  ];
}

const namesBefore = ({ initContainers }: Workload, index: number): string[] => initContainers.slice(0, index).map(({ name }) => name);

function initProblems(path: Path, container: InitContainer, workload: Workload, taken: readonly string[]): string[] {
  const probe = Object.entries(container.probes).find(([, value]) => value !== false)?.[0];
  return [
    ...(taken.includes(container.name) ? [`${keyPath([...path, "name"])} is ${show(container.name)}: it must be another name than that of every container before it.`] : []),
    ...(probe !== undefined && !container.sidecar ? [`${keyPath([...path, "probes", probe])} is set: it must be absent where sidecar is false, because nobody asks a container that ends.`] : []),
    ...(workload.security.runAsNonRoot ? rootProblems([...path, "security"], container.security.runAsUser) : []),
    ...containerProblems(path, container, workload),
  ];
}

function rootProblems(path: Path, runAsUser: number | undefined): string[] {
  return runAsUser === 0 ? [`${keyPath([...path, "runAsUser"])} is 0: it must be above 0 where the pods' runAsNonRoot is true.`] : [];
}

/** A container's references to what the workload declares. */
function containerProblems(path: Path, container: Environment & Pick<Workload, "mounts">, workload: Workload): string[] {
  const { env, envFrom, mounts } = container;
  const twice = repeated(mounts.map((mount) => mount.path.replace(/(.)\/+$/, "$1")));
  return [
    ...Object.entries(env).flatMap(([variable, value]) => (typeof value === "string" ? [] : referenceProblems([...path, "env", variable], value, workload))),
    ...envFrom.flatMap((source, index) => referenceProblems([...path, "envFrom", index], source, workload)),
    ...mounts.flatMap(({ volume }, index) =>
      Object.hasOwn(workload.volumes, volume) ? [] : [stranger([...path, "mounts", index, "volume"], volume, Object.keys(workload.volumes), "volumes")]),
    ...twice.map((index) => `${keyPath([...path, "mounts", index, "path"])} is ${show(mounts[index]!.path)}: it must not be there twice.`),
  ];
}

/** `config` and `secret` name one of the workload's own maps, and `key` or `items` keys of it. */
function referenceProblems(path: Path, source: object, workload: Workload): string[] {
  const { config, secret, key, items } = source as { config?: string; secret?: string; key?: string; items?: Readonly<Record<string, string>> };
  const [field, map, where] = config === undefined ? (["secret", "secrets", secret] as const) : (["config", "config", config] as const);
  if (where === undefined) return [];
  const data = Object.hasOwn(workload[map], where) ? workload[map][where] : undefined;
  if (data === undefined) return [stranger([...path, field], where, Object.keys(workload[map]), map)];
  const known = Object.keys(data);
  return [
    ...(key === undefined || known.includes(key) ? [] : [stranger([...path, "key"], key, known, `${map}.${where}`)]),
    ...Object.keys(items ?? {}).filter((each) => !known.includes(each)).map((each) => unknown([...path, "items", each], known, `${map}.${where}`)),
  ];
}

const stranger = (path: Path, value: string, known: readonly string[], where: string): string =>
  `${keyPath(path)} is ${show(value)}: it must be a name in ${where}${known.length === 0 ? ", which is empty" : `: ${known.join(", ")}`}.`;
const unknown = (path: Path, known: readonly string[], where: string): string => `${keyPath(path)} is not known: ${where} ${known.length === 0 ? "is empty" : `has ${known.join(", ")}`}.`;

/** The autoscaler counts in percent of the requests of every container, and without one of them not at all. */
function utilizationProblems(root: Path, workload: Workload, autoscale: NonNullable<Workload["autoscale"]>): string[] {
  const sidecars = workload.initContainers.flatMap((container, index) => (container.sidecar ? [[["initContainers", index], container.resources] as const] : []));
  const needs = [["cpu", autoscale.cpuUtilization], ["memory", autoscale.memoryUtilization]] as const;
  return needs.filter(([, utilization]) => utilization !== undefined).flatMap(([resource]) =>
    [[[], workload.resources] as const, ...sidecars].filter(([, resources]) => !requests(resources, resource))
      .map(([path]) => missingRequest([...root, ...path, "resources"], resource)));
}

const requests = ({ requests: asked, limits }: Resources, resource: string): boolean => asked?.[resource] !== undefined || limits?.[resource] !== undefined;
const missingRequest = (path: Path, resource: string): string =>
  `${keyPath([...path, "requests", resource])} is missing: it must be set where autoscale counts ${resource}, which it does in percent of it.`;

function accountProblems(services: StackConfig["services"]): string[] {
  const created = new Set<string>();
  return Object.entries(services).flatMap(([service, { workload: { serviceAccount: { name = service, create, annotations } } }]) => {
    const path: Path = ["services", service, "workload", "serviceAccount"];
    if (!create) return Object.keys(annotations).length === 0 ? [] : [`${keyPath([...path, "annotations"])} is set: it must be absent where create is false, because the account is not ours then.`];
    if (name === "default") return [`${keyPath([...path, "name"])} is "default": it must be another name where create is true, because every namespace has that one already.`];
    if (created.has(name)) return [`${keyPath([...path, "create"])} is true: it must be true for one service alone where several share the account ${name}.`];
    created.add(name);
    return [];
  });
}

/** A version may change what a service has, and nothing that its autoscaler decides. */
function versionProblems(config: StackConfig): string[] {
  return (["stable", "canary", "previous"] as const).flatMap((part) => {
    const version = config[part];
    if (version === undefined) return [];
    const services = Object.entries(config.services);
    return [
      ...overrideProblems([part], version, services, "the services"),
      ...services.flatMap(([name, service]) => overrideProblems([part, "services", name], version.services?.[name] ?? {}, [[name, service]], name)),
    ];
  });
}

function overrideProblems(path: Path, overrides: Overrides, services: readonly (readonly [string, ServiceConfig])[], whose: string): string[] {
  const { replicas, resources } = overrides;
  const ofSizes = services.flatMap(([name, { workload }]) => {
    if (workload.autoscale === undefined) return [];
    return [
      ...(replicas === undefined ? [] : [`${keyPath([...path, "replicas"])} is ${replicas}: it must be absent, because ${name} is autoscaled.`]),
      ...(resources === undefined ? [] : utilizationProblems(path, { ...workload, resources, initContainers: [] }, workload.autoscale)),
    ];
  });
  const ofData = (["config", "secrets"] as const).flatMap((what) => {
    const known = [...new Set(services.flatMap(([, { workload }]) => Object.keys(workload[what])))];
    return Object.keys(overrides[what] ?? {}).filter((each) => !known.includes(each)).map((each) => unknown([...path, what, each], known, `${what} of ${whose}`));
  });
  return [...ofSizes, ...ofData];
}

/** Positions of the entries that were there before. */
const repeated = (list: readonly string[]): number[] => list.flatMap((entry, index) => (list.indexOf(entry) < index ? [index] : []));
