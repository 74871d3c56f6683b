import { ConfigError } from "../../components/config";
import type { ClusterChoice } from "../cluster/client";

const isEncrypted = (value: unknown): boolean => typeof value === "object" && value !== null && "secure" in value;

/** Says what keeps a value from choosing a cluster; undefined when nothing does. */
function problemOf(key: string, value: unknown): string | undefined {
  if (value === undefined || (typeof value === "string" && value.trim() !== "")) return undefined;
  if (isEncrypted(value)) return `kubernetes:${key} is encrypted, so that the driver cannot tell which cluster it works on: remove it with \`pulumi config rm kubernetes:${key}\` and give --${key}, or KUBECONFIG.`;
  return `kubernetes:${key} is no text: it must be ${key === "context" ? "the name of a context" : "a kubeconfig's path or its contents"}.`;
}

/**
 * What a stack file says of the cluster.
 *
 * @param raw its keys of the project kubernetes
 * @throws ConfigError when one of them is encrypted, or no text
 */
export function clusterIn(raw: Readonly<Record<string, unknown>>): ClusterChoice {
  const problems = ["context", "kubeconfig"].flatMap((key) => problemOf(key, raw[key]) ?? []);
  if (problems.length > 0) throw new ConfigError(problems);
  return raw as ClusterChoice;
}
