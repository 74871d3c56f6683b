import type { KubernetesClient } from "../../../driver/cluster/client";

/** What a fake cluster holds of the service `shop`. */
export interface Objects {
  readonly deployments: readonly { readonly name: string; readonly version?: string; readonly replicas: number; readonly ready: number; readonly foreign?: boolean }[];
  readonly pods: readonly { readonly revision: string; readonly version: string; readonly restarts: number; readonly ready: boolean; readonly exitCode?: number; readonly terminating?: boolean }[];
}

const NAME = "app.kubernetes.io/name";
const VERSION = "app.kubernetes.io/version";
const REVISION = "canary.dev/revision";

/** Keeps what an equality or `in` selector asks for. */
function selected<T extends { metadata: { labels: Readonly<Record<string, string>> } }>(objects: readonly T[], selector: string): T[] {
  const terms = selector.split(/,(?![^(]*\))/).map((term) => {
    const [, key, list] = /^(\S+) in \((.*)\)$/.exec(term) ?? [];
    const [k, v] = term.split("=");
    return key ? { key, values: list!.split(",") } : { key: k!, values: [v!] };
  });
  return objects.filter(({ metadata: { labels } }) => terms.every(({ key, values }) => values.includes(labels[key] ?? "")));
}

/** A client that lists these objects. */
export function clientOf({ deployments, pods }: Objects): KubernetesClient {
  const sets = deployments.map(({ name, version, replicas, ready, foreign }) => ({
    metadata: { name, labels: { [NAME]: "shop", ...(version ? { [VERSION]: version } : {}), ...(foreign ? {} : { [REVISION]: name }) } },
    spec: { replicas },
    status: { readyReplicas: ready },
  }));
  const running = pods.map(({ revision, version, restarts, ready, exitCode, terminating }, i) => ({
    metadata: { name: `${revision}-${i}`, labels: { [NAME]: "shop", [VERSION]: version, [REVISION]: revision }, ...(terminating ? { deletionTimestamp: new Date() } : {}) },
    status: {
      conditions: [{ type: "Ready", status: ready ? "True" : "False" }],
      containerStatuses: [{ name: "shop", image: "shop", restartCount: restarts, ...(exitCode === undefined ? {} : { lastState: { terminated: { exitCode } } }) }],
    },
  }));
  return {
    apps: { listNamespacedDeployment: async ({ labelSelector }: { labelSelector: string }) => ({ items: selected(sets, labelSelector) }) },
    core: { listNamespacedPod: async ({ labelSelector }: { labelSelector: string }) => ({ items: selected(running, labelSelector) }) },
  } as unknown as KubernetesClient;
}
