import type { GatesConfig } from "../../analysis/gates/schema";

/** An environment variable's value. `{secure}` is a ciphertext that only the Pulumi engine can open; it passes through unread. */
export type EnvValue = string | { readonly secure: string };

/** CPU and memory in Kubernetes quantities, e.g. `{cpu: 250m, memory: 256Mi}`. */
export interface Resources {
  readonly requests?: Readonly<Record<string, string>>;
  readonly limits?: Readonly<Record<string, string>>;
}

/** What a version may change in a service. Promotion carries it along with the version. */
export interface Overrides {
  /** Image instead of the service's own. With a tag or a digest it is used as it is; without, the version is its tag. */
  readonly image?: string;
  /** Merged over the service's variables, name by name. */
  readonly env?: Readonly<Record<string, EnvValue>>;
  /** Pods, 0 or more. */
  readonly replicas?: number;
  /** Replaces the service's resources as a whole. */
  readonly resources?: Resources;
}

/** A version with its overrides: those for every service, and those for one service, which win. */
export interface VersionSpec extends Overrides {
  /** An image tag; `+` is allowed and becomes `_` in the tag, as Helm does. */
  readonly version: string;
  readonly services?: Readonly<Record<string, Overrides>>;
}

/** The version under rollout. */
export interface CanarySpec extends VersionSpec {
  /**
   * The pods stay, but the canary Service points at the stable revision; the weight must be 0. Default false.
   * A rollback records this first: weight 0 alone leaves sessions on the canary that stick to it by cookie
   * (ingress-nginx: the sticky cookie is looked at before the weight).
   */
  readonly withdrawn: boolean;
}

/** How the pods of every revision of a service run. */
export interface Workload {
  /** Pods per revision, 0 or more. Default 2. */
  readonly replicas: number;
  /** Environment variables. `{{version}}` in a value becomes the revision's version. */
  readonly env: Readonly<Record<string, EnvValue>>;
  readonly resources: Resources;
  /** Seconds between the termination signal and the kill. Default 30. */
  readonly terminationGraceSeconds: number;
  /** Seconds a terminating pod goes on serving while routers drop it from their endpoints. Default 5. */
  readonly drainSeconds: number;
  /** Seconds in which a new revision must become ready, or `pulumi up` fails. Default 120. */
  readonly progressDeadlineSeconds: number;
}

/** How requests reach a service. */
export interface Routing {
  /** Kubernetes Ingress path type. Default Prefix. */
  readonly pathType: "Prefix" | "Exact" | "ImplementationSpecific";
  /** A request with this header and the value `always` goes to the canary, with `never` to stable. Default name X-Canary. */
  readonly header: { readonly name: string };
}

/** One service of the release train. */
export interface ServiceConfig {
  /** Image without a tag; the version is the tag. */
  readonly image: string;
  /** Port the container listens on, 1 … 65535. */
  readonly port: number;
  /** Port of the Services, 1 … 65535. Default 80. */
  readonly servicePort: number;
  /** Host names of the Ingresses; a first label `*` is allowed. */
  readonly hosts: readonly string[];
  /** Paths of every host. Default `/`. */
  readonly paths: readonly string[];
  /** Whether its gates decide over the rollout. Default true. */
  readonly critical: boolean;
  /** Path of the readiness and liveness probes. Default /health. */
  readonly health: string;
  readonly workload: Workload;
  readonly routing: Routing;
}

export interface Stage {
  /** Percent of new requests to the canary, 1 … 100. */
  readonly weight: number;
  /** Seconds the stage is observed at least; a later stage inherits it from the one before. Default 60. */
  readonly dwellSeconds: number;
}

/** What the driver does between two versions. The program itself reads none of it. */
export interface RolloutConfig {
  /** Weights rise from stage to stage. Default 5, 25, 50, 100 of 60 s each. */
  readonly stages: readonly Stage[];
  /** Promote when the last stage has passed (default), or hold for a person. */
  readonly autoPromote: boolean;
  /** On SIGINT and SIGTERM. Default revert. */
  readonly onInterrupt: "revert" | "hold";
  /** When telemetry stays away. Default hold; it is never a pass. */
  readonly onBlind: "hold" | "rollback";
  /** Seconds for which an undo is meant to be possible. Default 3600; 0 removes the previous revision right after a promotion. */
  readonly undoWindowSeconds: number;
  /** Seconds at the start of a stage whose samples are no evidence for the canary. Default 10. */
  readonly warmUpSeconds: number;
  /** Seconds after which an undecided stage holds. Default 3600. */
  readonly capSeconds: number;
  /** Seconds in which the served split must reach the weight. Default 60. */
  readonly verifyTimeoutSeconds: number;
  /**
   * Seconds before the first stage in which the canary serves by its header alone, so that people and tests can look at it; `hold` waits
   * for `canary resume`. Default 0. With the stages `[100]` this is a blue/green deployment.
   */
  readonly previewSeconds: number | "hold";
  /** Seconds between the return of the traffic and the removal of a reverted canary's pods. Default 0. */
  readonly scaleDownDelaySeconds: number;
  /** What a hold does with the traffic when the driver leaves: nothing (default), or weight 0 first. */
  readonly onHold: "keep" | "lower";
  /** Seconds after which a driver that says nothing counts as dead, at least 3. Default 30. */
  readonly leaseSeconds: number;
  /** Seconds for which another update's lock on the stack is waited for. Default 60. */
  readonly lockWaitSeconds: number;
}

/** Where the numbers come from and what they must be. */
export interface AnalysisConfig {
  /** Base URLs of Prometheus servers. Default none: no data, and no data is never a pass. */
  readonly prometheus: readonly string[];
  /** Whose counters are read. Default ingress-nginx. */
  readonly source: "ingress-nginx" | "traefik" | "app";
  /** Seconds between two scrapes. Default 15. */
  readonly scrapeIntervalSeconds: number;
  /** Seconds between two probes of the health endpoint through the canary. Default 30. */
  readonly probeIntervalSeconds: number;
  readonly gates: GatesConfig;
}

/** One stack: services that move together, one version pair, one weight. */
export interface StackConfig {
  readonly namespace: string;
  /** Declare the namespace (default), or expect it to be there. */
  readonly createNamespace: boolean;
  /** Absent only before the first version is installed. */
  readonly stable?: VersionSpec;
  /** Absent when no rollout runs. */
  readonly canary?: CanarySpec;
  /** Kept without any Service, for an instant undo. */
  readonly previous?: VersionSpec;
  /** Percent of new requests to the canary, 0 … 100. Default 0. */
  readonly weight: number;
  /** Raised by every write of the driver. Default 0. */
  readonly generation: number;
  /** Lets a file that is older than the rollout record through, once: the next driver command takes its state over and removes the key. Default false. */
  readonly force: boolean;
  readonly services: Readonly<Record<string, ServiceConfig>>;
  readonly rollout: RolloutConfig;
  readonly analysis: AnalysisConfig;
  readonly router: "ingress-nginx";
  /** `spec.ingressClassName`. Default nginx. */
  readonly ingressClass: string;
  readonly ingressController: "existing";
  /** Base URL at which the driver reaches the ingress controller, to probe the canary by its header. Default none: no probes. */
  readonly ingressUrl?: string;
}
