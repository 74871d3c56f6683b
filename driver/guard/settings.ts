import * as fs from "node:fs";
import { z } from "zod";
import { ConfigError, parseConfig, type GuardConfig, type StackConfig } from "../../components/config";
import { UsageError } from "../errors";

/** What the Guard component writes into the ConfigMap that it mounts. */
const fileSchema = z.strictObject({
  /** Pulumi's name of the stack. */
  stack: z.string().min(1),
  /** Name of the ConfigMap and of the Lease of the rollout record. */
  record: z.string().min(1),
  /** Keys of the stack config, as they stand in the stack file. */
  config: z.record(z.string(), z.unknown()),
});

export interface GuardSettings {
  readonly stack: string;
  readonly record: string;
  readonly config: StackConfig;
  readonly guard: GuardConfig;
}

/** Prometheus and the router as the guard's pod reaches them: the driver may run elsewhere, and a probe that cannot arrive is no failing canary. */
function asSeenFrom(config: StackConfig, { prometheus, ingressUrl }: GuardConfig): StackConfig {
  const { ingressUrl: _, ...rest } = config;
  return { ...rest, analysis: { ...config.analysis, ...(prometheus ? { prometheus } : {}) }, ...(ingressUrl ? { ingressUrl } : {}) };
}

/** @throws UsageError with one sentence when the file is not what the Guard component writes */
export function readSettings(file: string): GuardSettings {
  try {
    const { stack, record, config: raw } = fileSchema.parse(JSON.parse(fs.readFileSync(file, "utf8")));
    const config = parseConfig(raw);
    if (!config.guard) throw new UsageError(`${file} has no canary:guard: it must be written by the Guard component.`);
    return { stack, record, guard: config.guard, config: asSeenFrom(config, config.guard) };
  } catch (cause) {
    if (cause instanceof UsageError) throw cause;
    if (cause instanceof ConfigError)
      throw new UsageError(`${file}: ${cause.problems.join(" ")} The guard's image may be older than the program that declares it.`, { cause });
    throw new UsageError(`${file} cannot be read as the guard's settings: ${(cause as Error).message.split("\n")[0]}`, { cause });
  }
}
