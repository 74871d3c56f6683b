import * as pulumi from "@pulumi/pulumi";
import { ConfigError } from "./config";

/** What a guard must know of the stack: where traffic is, and by what a held canary is judged. Nothing that a rollout changes: the guard would restart with every step. */
const KEYS = ["namespace", "router", "gateway", "rollout", "analysis", "guard"] as const;
/** Of each service; never what runs in its pods, where secrets may be. */
const SERVICE_KEYS = ["image", "port", "servicePort", "hosts", "paths", "critical", "health", "routing"] as const;

type Raw = Readonly<Record<string, unknown>>;

/** The Pulumi engine hands maps and lists to a program as JSON. */
const plain = (value: unknown): unknown => (typeof value === "string" && /^[[{]/.test(value) ? JSON.parse(value) : value);

const pick = (from: Raw, keys: readonly string[]): Raw => Object.fromEntries(keys.filter((key) => from[key] !== undefined).map((key) => [key, plain(from[key])]));

/**
 * The part of a stack's config that its guard reads, as `parseConfig` takes it.
 *
 * @param raw the keys without their prefix `canary:`, as they stand in the stack file or as the engine hands them over
 */
export function guardConfig(raw: Raw): Raw {
  const services = Object.entries((plain(raw["services"]) ?? {}) as Readonly<Record<string, Raw>>);
  return { ...pick(raw, KEYS), services: Object.fromEntries(services.map(([name, service]) => [name, pick(service, SERVICE_KEYS)])) };
}

/**
 * The same of the program that runs.
 *
 * @throws ConfigError with one sentence when one of these keys is encrypted: the guard reads them from a ConfigMap
 */
export function programGuardConfig(): Raw {
  const prefix = "canary:";
  const own = Object.entries(pulumi.runtime.allConfig()).filter(([key]) => key.startsWith(prefix));
  const { isConfigSecret } = pulumi.runtime as unknown as { isConfigSecret(key: string): boolean };
  const encrypted = KEYS.filter((key) => isConfigSecret(prefix + key));
  const why = "it must be readable where canary:guard is set, because the guard reads it from a ConfigMap.";
  if (encrypted.length > 0) throw new ConfigError(encrypted.map((key) => `${prefix}${key} is encrypted: ${why}`));
  return guardConfig(Object.fromEntries(own.map(([key, value]) => [key.slice(prefix.length), value])));
}
