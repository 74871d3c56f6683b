import * as pulumi from "@pulumi/pulumi";
import type { MonitoringConfig } from "../config";
import { kubeConfig, providerChoice, timeLimit } from "../record/live";

/** API group and version of the Prometheus operator's resources. */
export const OPERATOR_API = { group: "monitoring.coreos.com", version: "v1" } as const;
const NEEDED = ["ServiceMonitor", "PrometheusRule"] as const;

/** What a cluster was found to have: its resources, none, or why nobody knows. */
type Found = "there" | "absent" | { readonly unknown: string };

/** In ms. */
const PATIENCE = 5000;

/** Which kinds the API server has in the operator's group; asked as the stack's Kubernetes provider asks, with the same config. */
async function kinds(): Promise<readonly string[]> {
  // Late, because the library takes half a second to load and only this needs it.
  const k8s = await import("@kubernetes/client-node");
  const config = kubeConfig(k8s, providerChoice());
  if (config === undefined) throw new Error("no cluster is configured");
  const { resources } = await config.makeApiClient(k8s.CustomObjectsApi).getAPIResources(OPERATOR_API, timeLimit(k8s, PATIENCE));
  return resources.map(({ kind }) => kind);
}

async function look(ask: () => Promise<readonly string[]>): Promise<Found> {
  try {
    const found = await ask();
    return NEEDED.every((kind) => found.includes(kind)) ? "there" : "absent";
  } catch (error) {
    const { code, name, message } = error as Error & { code?: unknown };
    if (code === 404) return "absent";
    return { unknown: /Abort|Timeout/.test(name) ? `the API server did not answer within ${PATIENCE / 1000} s` : (message.split("\n")[0] ?? "") };
  }
}

/**
 * Settles `operator: auto` by asking the cluster once, and warns where the answer leaves something out. A cluster that cannot be
 * asked fails nothing: its operator is taken to be there, because leaving the rules out would delete those that are deployed.
 *
 * @param config anything with a parsed `canary:monitoring`; every other value of `operator` passes unchanged
 * @param ask for tests
 */
export async function findOperator<T extends { readonly monitoring?: MonitoringConfig }>(config: T, ask = kinds): Promise<T> {
  const { monitoring } = config;
  if (monitoring?.operator !== "auto") return config;
  const found = await look(ask);
  if (found === "absent")
    await pulumi.log.warn(
      `This cluster has no Prometheus operator (no ${NEEDED.join(" or ")} in ${OPERATOR_API.group}/${OPERATOR_API.version}): `
      + "alerts and scraping are left out. Install it, or set canary:monitoring.operator to false.");
  else if (found !== "there")
    await pulumi.log.warn(
      `Nobody knows whether this cluster has the Prometheus operator (${found.unknown}): it is taken to be there. Set canary:monitoring.operator to true or false.`);
  return { ...config, monitoring: { ...monitoring, operator: found !== "absent" } };
}
