import * as k8s from "@pulumi/kubernetes";
import { containerOf, probeOf, someOf, sorted, type ContainerKeys, type ContainerScope, type PlainEnv } from "./container";
import type { InitContainer, Workload } from "./config";
import { revisionName, versionLabel } from "./names";
import { tmpVolumeOf, volumeOf, type PlainData } from "./volumes";

/** How many pods there are, and how they may be disturbed, is no part of what they are. */
type NotOfThePod = "replicas" | "autoscale" | "canarySize" | "maxUnavailable";

/** The keys of a workload that make its pods, with encrypted values opened. */
export interface PodWorkload extends Omit<Workload, NotOfThePod | "env" | "config" | "secrets" | "initContainers"> {
  readonly env: PlainEnv;
  readonly config: PlainData;
  readonly secrets: PlainData;
  readonly initContainers: readonly PlainInitContainer[];
}

export interface PlainInitContainer extends Omit<InitContainer, "env"> {
  readonly env: PlainEnv;
}

/** Everything that decides what a revision's pods are. Two equal specs are the same revision. */
export interface PodSpec {
  /** Name of the service, a DNS label of at most 40 characters. */
  readonly service: string;
  /** Name of the whole that the service is a part of; the label `app.kubernetes.io/part-of`. */
  readonly partOf: string;
  readonly version: string;
  /** Full image reference, with a tag or a digest. */
  readonly image: string;
  /** Port the container listens on, 1 … 65535. */
  readonly port: number;
  /** Path of the probes that name none. */
  readonly health: string;
  readonly workload: PodWorkload;
}

export const REVISION_LABEL = "canary.dev/revision";
const VERSION_ANNOTATION = "canary.dev/version";
/** Seconds by which a startup probe outlasts the progress deadline: a pod that never starts is then reported as not ready, and not as one that crashes. */
const STARTUP_GRACE = 60;

/** What a Service of a revision, and its Deployment, select. */
export const selectorOf = (service: string, revision: string): Record<string, string> => ({
  "app.kubernetes.io/name": service,
  [REVISION_LABEL]: revision,
});

/** Name of the revision that a spec describes, by a hash over its whole pod template and the contents of its ConfigMaps and Secrets. */
export function revisionOf(spec: PodSpec): string {
  const { config, secrets } = spec.workload;
  return revisionName(spec.service, spec.version, { template: templateOf(spec, ""), config, secrets });
}

/** Name in the cluster of a revision's own ConfigMap or Secret. As a revision is named by its contents, so are they. */
export const dataNameOf = (revision: string, name: string): string => `${revision}-${name}`;

/** Labels of a revision's objects and pods. Nothing tells the track: promotion must not touch a pod. */
export function labelsOf(spec: PodSpec): Record<string, string> {
  const version = versionLabel(spec.version);
  return {
    ...spec.workload.labels,
    "app.kubernetes.io/name": spec.service,
    ...(version === "" ? {} : { "app.kubernetes.io/version": version }),
    "app.kubernetes.io/part-of": spec.partOf,
    "app.kubernetes.io/managed-by": "pulumi",
  };
}

/**
 * The pod template of a revision.
 *
 * @param revision its name, which is made from the template of the name "".
 * @param protect wraps the value of an environment variable; by default values are plain.
 */
export function templateOf(spec: PodSpec, revision: string, protect: ContainerScope["protect"] = (value) => value) {
  const { service, version, workload } = spec;
  const { initContainers, volumes, security, serviceAccount, affinity, tolerations, priorityClass, runtimeClass } = workload;
  const dataName = (name: string): string => dataNameOf(revision, name);
  const scopeOf = (tmpVolume: string | undefined): ContainerScope => ({ version, dataName, protect, tmpVolume });
  const tmp = tmpVolumeOf(undefined, security, workload.mounts);
  const initTmps = initContainers.map((each) => tmpVolumeOf(each.name, each.security, each.mounts));
  const account = serviceAccount.name ?? (serviceAccount.create ? service : undefined);
  return {
    metadata: {
      labels: { ...labelsOf(spec), ...(revision === "" ? {} : { [REVISION_LABEL]: revision }) },
      // A label cannot hold every version; this can.
      annotations: { ...workload.annotations, [VERSION_ANNOTATION]: version },
    },
    spec: {
      ...(account === undefined ? {} : { serviceAccountName: account }),
      automountServiceAccountToken: serviceAccount.token,
      ...someOf("imagePullSecrets", workload.imagePullSecrets.map((name) => ({ name }))),
      enableServiceLinks: false,
      terminationGracePeriodSeconds: workload.terminationGraceSeconds,
      securityContext: securityContextOf(security),
      ...someOf("initContainers", initContainers.map((each, index) => initContainerOf(each, spec, scopeOf(initTmps[index])))),
      containers: [serviceContainerOf(spec, scopeOf(tmp))],
      ...someOf("volumes", [
        ...sorted(volumes).map(([name, volume]) => volumeOf(name, volume, dataName)),
        ...[tmp, ...initTmps].flatMap((name) => (name === undefined ? [] : [{ name, emptyDir: {} }])),
      ]),
      ...(Object.keys(workload.nodeSelector).length === 0 ? {} : { nodeSelector: workload.nodeSelector }),
      ...someOf("tolerations", tolerations.map(({ forSeconds, ...rest }) => ({ ...rest, ...(forSeconds === undefined ? {} : { tolerationSeconds: forSeconds }) }))),
      ...(affinity === undefined ? {} : { affinity }),
      ...someOf("topologySpreadConstraints", workload.spread.map((rule) => ({ ...rule, labelSelector: { matchLabels: selectorOf(service, revision) } }))),
      ...(priorityClass === undefined ? {} : { priorityClassName: priorityClass }),
      ...(runtimeClass === undefined ? {} : { runtimeClassName: runtimeClass }),
    },
  } satisfies { metadata: object; spec: k8s.types.input.core.v1.PodSpec };
}

function securityContextOf({ runAsNonRoot, runAsUser, runAsGroup, fsGroup, seccomp }: Workload["security"]): k8s.types.input.core.v1.PodSecurityContext {
  return {
    runAsNonRoot,
    ...(runAsUser === undefined ? {} : { runAsUser }),
    ...(runAsGroup === undefined ? {} : { runAsGroup }),
    ...(fsGroup === undefined ? {} : { fsGroup }),
    seccompProfile: { type: seccomp },
  };
}

function serviceContainerOf(spec: PodSpec, scope: ContainerScope): k8s.types.input.core.v1.Container {
  const { service, image, port, health, workload } = spec;
  const { probes: { startup, readiness, liveness }, drainSeconds, progressDeadlineSeconds } = workload;
  // The ids are the pod's: repeated here they would only be noise.
  const { runAsUser: _user, runAsGroup: _group, ...security } = workload.security;
  const keys: ContainerKeys = { ...workload, name: service, image, security, ports: { http: port, ...workload.ports } };
  const patience = startup === false ? 0 : Math.ceil((progressDeadlineSeconds + STARTUP_GRACE) / startup.periodSeconds);
  return {
    ...containerOf(keys, scope),
    ...(startup === false ? {} : { startupProbe: probeOf(startup, health, port, patience) }),
    ...(readiness === false ? {} : { readinessProbe: probeOf(readiness, health, port) }),
    ...(liveness === false ? {} : { livenessProbe: probeOf(liveness, health, port) }),
    ...(drainSeconds === 0 ? {} : { lifecycle: { preStop: { sleep: { seconds: drainSeconds } } } }),
  };
}

function initContainerOf(container: PlainInitContainer, { health, port }: PodSpec, scope: ContainerScope): k8s.types.input.core.v1.Container {
  const { startup, readiness, liveness } = container.probes;
  return {
    ...containerOf(container, scope),
    ...(container.sidecar ? { restartPolicy: "Always" } : {}),
    ...(startup === false ? {} : { startupProbe: probeOf(startup, health, port) }),
    ...(readiness === false ? {} : { readinessProbe: probeOf(readiness, health, port) }),
    ...(liveness === false ? {} : { livenessProbe: probeOf(liveness, health, port) }),
  };
}
