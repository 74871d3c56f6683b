import { createHash } from "node:crypto";

const LONGEST = 63;
const HASH_LENGTH = 8;

/** Name of the Service and the Ingress of a service's track; the driver and the metrics rely on it. */
export const trackName = (service: string, track: "stable" | "canary"): string => `${service}-${track}`;

/** Tag of a version. A tag has no `+`; Helm writes `_` for it, and so do we. */
export const versionTag = (version: string): string => version.replaceAll("+", "_");

/**
 * Name of a revision: `<service>-<version slug>-<hash>`, a DNS label of at most 63 characters.
 *
 * @param service a DNS label of at most 40 characters.
 * @param content everything that makes the revision what it is; equal content, whatever the order of its keys, gives an equal name.
 */
export function revisionName(service: string, version: string, content: unknown): string {
  const hash = createHash("sha256").update(canonicalJson(content)).digest("hex").slice(0, HASH_LENGTH);
  const room = LONGEST - service.length - HASH_LENGTH - 2;
  const slug = version.toLowerCase().replace(/[^a-z0-9]+/g, "-").replace(/^-/, "").slice(0, room).replace(/-$/, "");
  return [service, slug, hash].filter((part) => part !== "").join("-");
}

/** The version as a Kubernetes label value: at most 63 characters, a letter or digit at both ends. */
export function versionLabel(version: string): string {
  return versionTag(version).replace(/[^A-Za-z0-9_.-]/g, "-").slice(0, LONGEST).replace(/^[^A-Za-z0-9]+|[^A-Za-z0-9]+$/g, "");
}

function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_, inner: unknown) =>
    typeof inner === "object" && inner !== null && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
      : inner);
}
