import { z } from "zod";
import { objectName, relative, shortName, text } from "./common";

const VARIABLE = text(/^[A-Za-z_][A-Za-z0-9_.-]*$/, "it must be a name of an environment variable");
/** A key of a ConfigMap or Secret, which may become a file name. */
export const dataKey = text(/^(?!\.\.)[-._A-Za-z0-9]+$/, 'it must be a key of letters, digits, "-", "_" and "."');
const optional = z.boolean({ error: "it must be true or false" }).optional().describe("Start the container even when it is not there.");
const key = dataKey.describe("Key whose value is taken.");

const own = {
  config: shortName.describe("Name of one of this workload's `config` maps."),
  secret: shortName.describe("Name of one of this workload's `secrets` maps."),
};
const foreign = {
  configMapName: objectName.describe("Name of a ConfigMap that is in the namespace already. It does not roll back with the revision."),
  secretName: objectName.describe("Name of a Secret that is in the namespace already. It does not roll back with the revision."),
};

const plain = [
  z.string(),
  z.number().transform(String),
  z.boolean().transform(String),
  z.strictObject({ secure: z.string().describe("Ciphertext, as `pulumi config set --secret --path` writes it.") }),
] as const;

/** A text that may be encrypted in the stack file. */
export const value = z.union(plain, { error: "it must be a text" });

const envValue = z.union([
  ...plain,
  z.strictObject({ config: own.config, key }),
  z.strictObject({ secret: own.secret, key }),
  z.strictObject({ configMapName: foreign.configMapName, key, optional }),
  z.strictObject({ secretName: foreign.secretName, key, optional }),
  z.strictObject({ field: text(/^\S+$/, "it must be a field of the pod, such as metadata.name").describe("A field of the pod, such as `status.podIP`.") }),
  z.strictObject({
    resource: text(/^(requests|limits)\.[a-z-]+$/, "it must be a resource of the container, such as limits.cpu")
      .describe("A resource of the container, such as `limits.memory` in bytes."),
  }),
], { error: "it must be a text" });

export const env = z.record(VARIABLE, envValue).meta({ id: "env" });

const prefix = text(/^[A-Za-z_][A-Za-z0-9_.-]*$/, "it must be the start of a variable's name").optional().describe("Put before every key.");

/** Sources whose every key becomes a variable. */
export const envFrom = z.array(z.union([
  z.strictObject({ config: own.config, prefix }),
  z.strictObject({ secret: own.secret, prefix }),
  z.strictObject({ configMapName: foreign.configMapName, prefix, optional }),
  z.strictObject({ secretName: foreign.secretName, prefix, optional }),
], { error: "it must be a map such as {config: NAME} or {secretName: NAME}" }), { error: "it must be a list of sources" }).meta({ id: "envFrom" });

/** ConfigMaps or Secrets by name, each a map from keys to texts. */
export const data = z.record(shortName, z.record(dataKey, value), { error: "it must be a map from names to maps of keys and texts" }).meta({ id: "data" });

const files = {
  items: z.record(dataKey, relative).optional().describe("Keys to show, each with its file name. Default all."),
  mode: text(/^0[0-7]{3}$/, 'it must be four octal digits in quotes, such as "0440"').transform((octal) => Number.parseInt(octal, 8)).optional()
    .describe("Permissions of the files, in octal digits and quotes. Default 0644."),
};

/** Volumes by name. */
export const volumes = z.record(shortName, z.union([
  z.strictObject({ config: own.config, ...files }),
  z.strictObject({ secret: own.secret, ...files }),
  z.strictObject({ configMapName: foreign.configMapName, ...files, optional }),
  z.strictObject({ secretName: foreign.secretName, ...files, optional }),
  z.strictObject({
    emptyDir: z.strictObject({
      sizeLimit: text(/^[0-9]+([kKMGTPE]i?)?$/, "it must be a number of bytes such as 64Mi").optional().describe("Size at which the pod is evicted, e.g. `64Mi`."),
      memory: z.boolean({ error: "it must be true or false" }).optional().describe("Keep it in memory, which counts against the container's limit."),
    }).describe("Space that lives as long as the pod."),
  }),
  z.strictObject({
    claim: objectName.describe("Name of a PersistentVolumeClaim that is in the namespace already. All pods of all revisions share it."),
    readOnly: z.boolean({ error: "it must be true or false" }).optional().describe("Mount it for reading only."),
  }),
  z.strictObject({
    kubernetes: z.record(z.string(), z.unknown(), { error: "it must be a map, a volume source of the Kubernetes API" })
      .describe("Any other volume source as the Kubernetes API writes it, e.g. `{csi: {driver: …}}`."),
  }),
], { error: "it must be a map such as {config: NAME}, {secret: NAME} or {emptyDir: {}}" }), { error: "it must be a map from names to volumes" });
