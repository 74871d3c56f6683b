import * as pulumi from "@pulumi/pulumi";
import { parseConfig } from "./parse";
import type { StackConfig } from "./types";

const PREFIX = "canary:";

/** What the running Pulumi program was configured with. */
export interface ProgramConfig extends StackConfig {
  /** Whether some environment variable was written with `--secret`; Pulumi then knows only that the whole key is secret. */
  readonly secretEnv: boolean;
}

/**
 * The config of the stack that runs. Every key of the project is read, so that a misspelt one is refused and not ignored.
 *
 * @throws ConfigError with one sentence a problem.
 */
export function readStackConfig(): ProgramConfig {
  const keys = Object.entries(pulumi.runtime.allConfig()).filter(([key]) => key.startsWith(PREFIX));
  const config = parseConfig(Object.fromEntries(keys.map(([key, value]) => [key.slice(PREFIX.length), value])));
  return { ...config, secretEnv: keys.some(([key]) => isSecret(key)) };
}

/** The SDK has this function and hides its type; there is no other way to ask without making every value an Output. */
function isSecret(key: string): boolean {
  return (pulumi.runtime as unknown as { isConfigSecret(key: string): boolean }).isConfigSecret(key);
}
