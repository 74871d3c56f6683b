import { revisionName, versionLabel } from "./names";
import type { Resources } from "./config";

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
  /** Path of the readiness and liveness probes. */
  readonly health: string;
  /** `{{version}}` in a value becomes the version. */
  readonly env: Readonly<Record<string, string>>;
  readonly resources: Resources;
  /** Seconds between the termination signal and the kill. */
  readonly terminationGraceSeconds: number;
  /** Seconds a terminating pod goes on serving while routers drop it from their endpoints; 0 for none. */
  readonly drainSeconds: number;
}

export const REVISION_LABEL = "canary.dev/revision";
const VERSION_ANNOTATION = "canary.dev/version";

/** What a Service of a revision, and its Deployment, select. */
export const selectorOf = (service: string, revision: string): Record<string, string> => ({
  "app.kubernetes.io/name": service,
  [REVISION_LABEL]: revision,
});

/** Name of the revision that a spec describes, by a hash over its whole pod template. */
export const revisionOf = (spec: PodSpec): string => revisionName(spec.service, spec.version, templateOf(spec));

/** Labels of a revision's Deployment and pods. Nothing tells the track: promotion must not touch a pod. */
export function labelsOf(spec: PodSpec): Record<string, string> {
  const version = versionLabel(spec.version);
  return {
    "app.kubernetes.io/name": spec.service,
    ...(version === "" ? {} : { "app.kubernetes.io/version": version }),
    "app.kubernetes.io/part-of": spec.partOf,
    "app.kubernetes.io/managed-by": "pulumi",
  };
}

/**
 * The pod template of a revision, without the label that carries its name, which is made from this.
 *
 * @param secretEnv wraps the value of an environment variable; by default values are plain.
 */
export function templateOf<V = string>(spec: PodSpec, secretEnv?: (value: string) => V) {
  const probe = { httpGet: { path: spec.health, port: spec.port } };
  const valueOf = (text: string) => text.replaceAll("{{version}}", spec.version);
  return {
    metadata: {
      labels: labelsOf(spec),
      // A label cannot hold every version; this can.
      annotations: { [VERSION_ANNOTATION]: spec.version },
    },
    spec: {
      terminationGracePeriodSeconds: spec.terminationGraceSeconds,
      containers: [{
        name: spec.service,
        image: spec.image,
        ports: [{ name: "http", containerPort: spec.port }],
        env: Object.keys(spec.env).sort().map((name) => {
          const value = valueOf(spec.env[name]!);
          return { name, value: secretEnv === undefined ? value : secretEnv(value) };
        }),
        resources: spec.resources,
        readinessProbe: { ...probe, periodSeconds: 2, timeoutSeconds: 2, failureThreshold: 3 },
        // Slower to judge than readiness: a restart costs more than a pause, and a slow start is no death.
        livenessProbe: { ...probe, initialDelaySeconds: 15, periodSeconds: 10, timeoutSeconds: 2, failureThreshold: 3 },
        ...(spec.drainSeconds === 0 ? {} : { lifecycle: { preStop: { sleep: { seconds: spec.drainSeconds } } } }),
      }],
    },
  } satisfies { metadata: object; spec: object };
}
