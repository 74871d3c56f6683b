import type { AppsV1Api, AuthorizationV1Api, CoordinationV1Api, CoreV1Api, CustomObjectsApi, KubeConfig, NetworkingV1Api } from "@kubernetes/client-node";
import { show } from "../../components/config/problems";
import { UsageError } from "../errors";
import { reasonOf, withoutUser } from "../text-file";
import { CLUSTER_LIMITS, guardedHttp, urgently } from "../resilience/kubernetes";
import type { CallLimits } from "../resilience/policies";
import { Dependencies } from "../resilience/registry";

export { urgently };

export interface KubernetesClient {
  readonly core: CoreV1Api;
  readonly apps: AppsV1Api;
  readonly networking: NetworkingV1Api;
  readonly coordination: CoordinationV1Api;
  readonly authorization: AuthorizationV1Api;
  readonly custom: CustomObjectsApi;
}

/** Where the stack's provider finds its cluster; both absent means the current context of the default kubeconfig. */
export interface ClusterChoice {
  /** Value of `kubernetes:context`. */
  readonly context?: string;
  /** Value of `kubernetes:kubeconfig`: a file's path or its contents. */
  readonly kubeconfig?: string;
}

/** Gives the clients of the stack's cluster; loaded late and once, because the library costs a second. */
export type ClusterAccess = () => Promise<KubernetesClient>;

type Library = typeof import("@kubernetes/client-node");

const HOME = /^~(?=\/)/;

function load(config: KubeConfig, kubeconfig: string | undefined): void {
  if (kubeconfig !== undefined) {
    if (/^\s*\{|\n/.test(kubeconfig)) config.loadFromString(kubeconfig);
    else config.loadFromFile(kubeconfig.replace(HOME, process.env.HOME ?? "~"));
    return;
  }
  // Of several files in KUBECONFIG the first one's context counts, as for kubectl and Pulumi; where it names none, the last that does.
  config.loadFromDefault(undefined, true);
  if (!config.getCurrentContext()) config.loadFromDefault();
}

/** What keeps a server's address from being used; a clause. The client sends credentials over plain HTTP only where TLS is waived by name. */
function serverProblem(server: unknown, skipTlsVerify: boolean): string | undefined {
  if (typeof server !== "string" || !/^https?:\/\/./.test(server) || !URL.canParse(server)) return `the server ${show(typeof server === "string" ? withoutUser(server) : server)}, which is no URL`;
  return server.startsWith("http:") && !skipTlsVerify ? `the server ${withoutUser(server)}, and plain HTTP is used only with insecure-skip-tls-verify: true` : undefined;
}

/** @throws UsageError with one sentence when the kubeconfig cannot be read or does not have the context; its contents are never shown */
function kubeConfig(k8s: Library, { context, kubeconfig }: ClusterChoice): KubeConfig {
  const config = new k8s.KubeConfig();
  const source = kubeconfig === undefined ? (process.env.KUBECONFIG ?? "the default kubeconfig") : /^\s*\{|\n/.test(kubeconfig) ? "the stack's kubernetes:kubeconfig" : kubeconfig;
  try {
    load(config, kubeconfig);
  } catch (cause) {
    // Of several files in KUBECONFIG, the one that it is about.
    const { code, path } = cause as NodeJS.ErrnoException;
    const why = code === "ENOENT" ? "is not there" : code === undefined ? "is no kubeconfig" : `cannot be read (${reasonOf(cause)})`;
    throw new UsageError(`The cluster cannot be chosen: ${path ?? source} ${why}; name another one by --kubeconfig or KUBECONFIG.`, { cause });
  }
  // What the library makes up where it finds nothing.
  if (kubeconfig === undefined && config.getCurrentContext() === "loaded-context" && config.getCurrentCluster()?.server === "http://localhost:8080")
    throw new UsageError("The cluster cannot be chosen: there is no kubeconfig; name one by --kubeconfig or KUBECONFIG.");
  if (context !== undefined) config.setCurrentContext(context);
  const cluster = config.getCurrentCluster();
  const problem = cluster ? serverProblem(cluster.server, cluster.skipTLSVerify) : undefined;
  if (problem !== undefined) throw new UsageError(`The cluster cannot be chosen: ${source} has ${problem}; mend it, or choose another context by --context or kubernetes:context.`);
  if (cluster) return config;
  const known = config.getContexts().map(({ name }) => name);
  const wanted = config.getCurrentContext();
  throw new UsageError(`The cluster cannot be chosen: ${source} has no ${wanted ? `context "${wanted}" with a cluster` : "current context"}; choose ${known.length > 0 ? `one of ${known.join(", ")}` : "another kubeconfig"}, by --context or kubernetes:context.`);
}

export interface ClusterOptions {
  /** Where the API server's health is kept, with the settings for calls to it. Default: a registry of its own. */
  readonly dependencies?: Dependencies;
  /** Default 2 s a try and 4.5 s in all, 8 at once. */
  readonly limits?: CallLimits;
}

/**
 * The cluster that Pulumi's Kubernetes provider would use with the same config. Its clients repeat what may be repeated, leave an API
 * server alone that does not answer, and reject with ServiceUnavailable, whose sentence names it; a status is an ApiException as ever.
 */
export function clusterAccess(choice: ClusterChoice, { dependencies = new Dependencies(), limits = CLUSTER_LIMITS }: ClusterOptions = {}): ClusterAccess {
  let client: Promise<KubernetesClient> | undefined;
  const connect = async (): Promise<KubernetesClient> => {
    const k8s = await import("@kubernetes/client-node");
    const config = kubeConfig(k8s, choice);
    const { server } = config.getCurrentCluster()!;
    const service = `The API server ${withoutUser(server)}`;
    const calls = dependencies.calls("kubernetes", withoutUser(server), service, limits, () => urgently(signOfLife));
    const configuration = k8s.createConfiguration({ baseServer: new k8s.ServerConfiguration(server, {}), authMethods: { default: config }, httpApi: guardedHttp(k8s, service, calls) });
    // A server that forbids the question is there.
    const signOfLife = (): Promise<unknown> => new k8s.VersionApi(configuration).getCode().catch((error: unknown) => {
      if (typeof (error as { code?: unknown }).code !== "number") throw error;
    });
    return {
      core: new k8s.CoreV1Api(configuration),
      apps: new k8s.AppsV1Api(configuration),
      networking: new k8s.NetworkingV1Api(configuration),
      coordination: new k8s.CoordinationV1Api(configuration),
      authorization: new k8s.AuthorizationV1Api(configuration),
      custom: new k8s.CustomObjectsApi(configuration),
    };
  };
  return () => (client ??= connect());
}

/** Rejects when an answer takes longer, whatever it consists of: nothing may wait for a deaf API server. */
export async function within<T>(ms: number, answer: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`the API server did not answer within ${ms / 1000} s`)), ms);
  });
  try {
    return await Promise.race([answer, late]);
  } finally {
    clearTimeout(timer);
  }
}
