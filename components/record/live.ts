import * as fs from "node:fs";
import * as os from "node:os";
import type * as Kubernetes from "@kubernetes/client-node";
import * as pulumi from "@pulumi/pulumi";
import { MockMonitor } from "@pulumi/pulumi/runtime/mocks";
import { ConfigError } from "../config/problems";
import type { StackConfig, VersionValue } from "../config";
import { parseRecord, recordName, RecordError, DATA_KEYS, HOLDER_VARIABLE, type RecordedKeys, type RolloutRecord } from "./format";
import { leaseView, staleness, stackFileName, type LeaseView } from "./stale";

/** Answers later than this count as none, in ms. */
const DEADLINE = 5000;

/** Where the stack's provider finds its cluster; all absent means the current context of the default kubeconfig. */
export interface ClusterChoice {
  /** Value of `kubernetes:kubeconfig`: a file's path or its contents. */
  readonly kubeconfig?: string;
  /** Value of `kubernetes:context`. */
  readonly context?: string;
  /** Value of `kubernetes:cluster`. */
  readonly cluster?: string;
}

/** What the cluster knows of a stack's rollout. */
export interface Live {
  /** Absent when the driver has never written one. */
  readonly record?: RolloutRecord;
  /** Read only while a rollout is under way. */
  readonly lease?: LeaseView;
  /** Why something could not be read; a clause. */
  readonly trouble?: string;
}

/**
 * Fails a preview or an update whose stack file must not be deployed (see {@link staleness}), before any resource is registered.
 * Where the cluster cannot be asked it warns and lets the file pass. Does nothing in a driver's hands, who knows the record, and
 * under mocks.
 *
 * @throws ConfigError with one sentence.
 */
export async function refuseStaleFile(config: StackConfig): Promise<void> {
  const monitor = pulumi.runtime.getMonitor();
  if (process.env[HOLDER_VARIABLE] || monitor === undefined || monitor instanceof MockMonitor) return;
  const stack = pulumi.getStack();
  const file = stackFileName(stack);
  if (config.force) return pulumi.log.warn(`canary:force is true: ${file} is deployed whatever the rollout record says; remove the key afterwards, or let the next \`canary\` command do it.`);
  const name = recordName(pulumi.getProject(), stack);
  const live = await readLive(providerChoice(), config.namespace, name).catch((error: Error) => {
    throw error instanceof RecordError ? new ConfigError([error.message]) : error;
  });
  if (live?.trouble !== undefined) await pulumi.log.warn(`Whether ${file} is older than the rollout record is not known (${live.trouble}): going on without that check.`);
  else if (live && !live.record && config.generation > 0)
    await pulumi.log.warn(`${file} has generation ${config.generation}, but there is no rollout record (ConfigMap ${name}) in namespace ${config.namespace}: whether the file is the latest is not known.`);
  const refusal = staleness({ stack, config, keys: programKeys(config), ...live });
  if (refusal !== undefined) throw new ConfigError([refusal]);
}

/** What Pulumi's Kubernetes provider is configured with. Not by `pulumi.Config`, which warns of a kubeconfig that is secret. */
export function providerChoice(): ClusterChoice {
  const of = (key: keyof ClusterChoice): object => {
    const value = pulumi.runtime.getConfig(`kubernetes:${key}`);
    return value ? { [key]: value } : {};
  };
  return { ...of("kubeconfig"), ...of("context"), ...of("cluster") };
}

/** The rollout keys as the engine passes them on: maps as JSON. */
function programKeys({ weight }: StackConfig): RecordedKeys {
  const of = (key: "stable" | "canary" | "previous"): object => {
    const value = pulumi.runtime.getConfig(`canary:${key}`);
    return value ? { [key]: value.startsWith("{") ? (JSON.parse(value) as VersionValue) : value } : {};
  };
  return { ...of("stable"), ...of("canary"), ...of("previous"), weight };
}

/**
 * Reads a stack's rollout record, and while a rollout is under way its Lease. Undefined when no cluster is configured at all.
 * A cluster that does not answer in time, or refuses to, is `trouble`.
 *
 * @param name of the ConfigMap and the Lease, see {@link recordName}
 * @param deadline in ms, for each of the two
 * @throws RecordError with one sentence, when there is a record that cannot be understood
 */
export async function readLive(choice: ClusterChoice, namespace: string, name: string, deadline = DEADLINE): Promise<Live | undefined> {
  // Late: it costs half a second, which nobody pays for whom there is nothing to check.
  const k8s = await import("@kubernetes/client-node");
  let record: RolloutRecord | undefined;
  try {
    const config = kubeConfig(k8s, choice);
    if (!config) return undefined;
    const what = { name, namespace };
    const map = await found(config.makeApiClient(k8s.CoreV1Api).readNamespacedConfigMap(what, timeLimit(k8s, deadline)));
    record = map?.data?.[DATA_KEYS.record] === undefined ? undefined : parsed(map.data, what);
    if (!record?.rollout || record.rollout.phase === "held") return record ? { record } : {};
    const lease = await found(config.makeApiClient(k8s.CoordinationV1Api).readNamespacedLease(what, timeLimit(k8s, deadline)));
    return { record, ...(lease?.spec ? { lease: leaseView(lease.spec) } : {}) };
  } catch (error) {
    if (error instanceof RecordError) throw error;
    return { ...(record ? { record } : {}), trouble: reason(error as Error, deadline) };
  }
}

/** The cluster that Pulumi's Kubernetes provider would use; undefined when there is no kubeconfig anywhere. */
export function kubeConfig({ KubeConfig }: typeof Kubernetes, { kubeconfig, context, cluster }: ClusterChoice): Kubernetes.KubeConfig | undefined {
  const config = new KubeConfig();
  const file = kubeconfig?.replace(/^~(?=\/|$)/, os.homedir());
  if (file === undefined || kubeconfig === undefined) {
    // Of several files in KUBECONFIG the first one's context counts, as for the provider; where it names none, the last that does.
    config.loadFromDefault(undefined, true);
    if (!config.getCurrentContext()) config.loadFromDefault();
  } else if (fs.existsSync(file)) config.loadFromFile(file);
  else config.loadFromString(kubeconfig);
  if (context !== undefined) config.setCurrentContext(context);
  if (cluster !== undefined) config.contexts = config.contexts.map((c) => (c.name === config.currentContext ? { ...c, cluster } : c));
  // What the library falls back on where it finds nothing.
  return config.getCurrentCluster()?.server === "http://localhost:8080" ? undefined : config;
}

/** Ends a request that takes longer. Without it the open connection would keep the program from ending, even if nobody waited. */
export function timeLimit({ Observable }: typeof Kubernetes, ms: number): Kubernetes.ConfigurationOptions {
  const pre = (request: Kubernetes.RequestContext): Kubernetes.Observable<Kubernetes.RequestContext> => {
    request.setSignal(AbortSignal.timeout(ms));
    return new Observable(Promise.resolve(request));
  };
  return { middleware: [{ pre, post: (response) => new Observable(Promise.resolve(response)) }], middlewareMergeStrategy: "append" };
}

/** The object, or undefined where there is none. */
async function found<T>(answer: Promise<T>): Promise<T | undefined> {
  try {
    return await answer;
  } catch (error) {
    if ((error as { code?: number }).code === 404) return undefined;
    throw error;
  }
}

function parsed(data: Readonly<Record<string, string>>, { name, namespace }: { readonly name: string; readonly namespace: string }): RolloutRecord {
  try {
    return parseRecord(data);
  } catch (cause) {
    throw new RecordError(unreadable(namespace, name, cause as Error), { cause });
  }
}

/** The sentence for a record that is there and cannot be understood. */
export const unreadable = (namespace: string, name: string, cause: Error): string =>
  `The rollout record, ConfigMap ${name} in namespace ${namespace}, cannot be read (${cause.message}): delete it if nobody needs it, the stack's state is enough to go on.`;

function reason(error: Error & { code?: number | string; type?: string }, deadline: number): string {
  if (error.name === "AbortError" || error.name === "TimeoutError") return `the API server did not answer within ${deadline / 1000} s`;
  if (error.code === 401) return "the API server does not know this user";
  if (error.code === 403) return "this user may not get the ConfigMap and the Lease of the rollout record";
  return error.message.split("\n")[0]!;
}
