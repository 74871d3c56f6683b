import type { Routing } from "../config";

/**
 * The header by which a request is sure to reach the canary whatever the weight: the one that probes send. Undefined where only a pattern
 * tells, for which nobody can guess a value.
 */
export function canaryHeader({ header }: Routing): { readonly name: string; readonly value: string } | undefined {
  return header.pattern === undefined ? { name: header.name, value: header.value ?? "always" } : undefined;
}
