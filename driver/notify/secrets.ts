import { UsageError } from "../errors";

/** The driver's environment variables. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** Something with an address, and the name of the key that it stands at: `canary:notifications.webhooks.audit`. */
export interface Addressed {
  readonly key: string;
  readonly url?: string | undefined;
  readonly urlFrom?: string | undefined;
}

const SHORTEST = 16;

/** The value of a variable. @throws UsageError that names the variable, and never shows a value */
export function secretOf(environment: Environment, key: string, name: string): string {
  const value = environment[name]?.trim();
  if (value) return value;
  throw new UsageError(`${key} names ${name}, which is not set: set this environment variable to the secret, or name another one.`);
}

/** An address, from the stack file or from the variable that it names. @throws UsageError that never shows what the variable holds */
export function addressOf(environment: Environment, { key, url, urlFrom }: Addressed): URL {
  const text = url ?? secretOf(environment, `${key}.urlFrom`, urlFrom!);
  if (URL.canParse(text) && /^https?:$/.test(new URL(text).protocol)) return new URL(text);
  throw new UsageError(`${urlFrom} holds no URL, which ${key}.urlFrom needs: it must start with http:// or https://.`);
}

/** The bytes of the key by which requests are signed. @throws UsageError that never shows the secret */
export function signingKey(environment: Environment, key: string, name: string): Buffer {
  const secret = secretOf(environment, `${key}.secretFrom`, name);
  const encoded = /^whsec_([A-Za-z0-9+/]+=*)$/.exec(secret)?.[1];
  if (secret.startsWith("whsec_") ? encoded === undefined : secret.length < SHORTEST)
    throw new UsageError(`${name} holds no secret that ${key}.secretFrom could sign with: it must be a text of ${SHORTEST} characters or more, or whsec_ and base64.`);
  return encoded === undefined ? Buffer.from(secret) : Buffer.from(encoded, "base64");
}
