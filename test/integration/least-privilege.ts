import * as fs from "node:fs";
import { CoreV1Api, KubeConfig, RbacAuthorizationV1Api } from "@kubernetes/client-node";
import { driverRules, type Declared, type RouterName } from "../../components/access";
import type { Cluster } from "../../sandbox/cluster/launch";

const NAME = "canary-driver";

function administrator(cluster: Cluster): KubeConfig {
  const config = new KubeConfig();
  config.loadFromFile(cluster.files.kubeconfig);
  return config;
}

/** The cluster's kubeconfig with a ServiceAccount's token, good for an hour, instead of the administrator's. */
export async function asAccount(cluster: Cluster, namespace: string, name: string): Promise<KubeConfig> {
  const config = administrator(cluster);
  const { status } = await config.makeApiClient(CoreV1Api).createNamespacedServiceAccountToken({ name, namespace, body: { spec: { audiences: [] } } });
  config.loadFromClusterAndUser(config.getCurrentCluster()!, { name, token: status!.token });
  return config;
}

/**
 * Makes a namespace in which a ServiceAccount has the driver's role and nothing else, as `DriverRole` with `declaresNamespace` declares it.
 *
 * @returns its kubeconfig, as a file's path and parsed
 */
export async function leastPrivilege(cluster: Cluster, namespace: string, declares: readonly Declared[], router: RouterName = "ingress-nginx"): Promise<{ file: string; config: KubeConfig }> {
  const admin = administrator(cluster);
  const [core, rbac] = [admin.makeApiClient(CoreV1Api), admin.makeApiClient(RbacAuthorizationV1Api)];
  const metadata = { name: NAME, namespace };
  const subjects = [{ kind: "ServiceAccount", name: NAME, namespace }];
  const ref = (kind: string, name: string) => ({ apiGroup: "rbac.authorization.k8s.io", kind, name });
  await core.createNamespace({ body: { metadata: { name: namespace } } });
  await core.createNamespacedServiceAccount({ namespace, body: { metadata } });
  await rbac.createNamespacedRole({ namespace, body: { metadata, rules: driverRules(router, declares) } });
  await rbac.createNamespacedRoleBinding({ namespace, body: { metadata, roleRef: ref("Role", NAME), subjects } });
  const name = `${NAME}-${namespace}`;
  await rbac.createClusterRole({ body: { metadata: { name }, rules: [{ apiGroups: [""], resources: ["namespaces"], resourceNames: [namespace], verbs: ["get", "patch"] }] } });
  await rbac.createClusterRoleBinding({ body: { metadata: { name }, roleRef: ref("ClusterRole", name), subjects } });
  const config = await asAccount(cluster, namespace, NAME);
  const file = cluster.files.file(`kubeconfig.${namespace}`);
  fs.writeFileSync(file, config.exportConfig(), { mode: 0o600 });
  return { file, config };
}
