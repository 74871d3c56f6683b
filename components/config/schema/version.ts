import { z } from "zod";
import { flag, replicas, text } from "./common";
import { containerKeys, resources } from "./container";
import { data, env } from "./environment";

const VERSION_RULE =
  'it must be an image tag: letters, digits, "_", ".", "-" and "+", at most 128 characters, in quotes where YAML would read a number';
const IMAGE_OVERRIDE_RULE = "it must be an image, with or without a tag or digest";

const version = text(/^[A-Za-z0-9_][A-Za-z0-9_.+-]*$/, VERSION_RULE, 128)
  .describe("An image tag; `+` is allowed and becomes `_` in the tag, as Helm does.");

const overrides = {
  image: text(/^[^\s]+$/, IMAGE_OVERRIDE_RULE).optional()
    .describe("Image instead of the service's own. With a tag or a digest it is used as it is; without, the version is its tag."),
  env: env.optional().describe("Environment variables, merged over the service's, name by name."),
  replicas: replicas.optional().describe("Pods instead of the service's own number."),
  resources: resources.optional().describe("Replaces the service's resources as a whole."),
  command: containerKeys.command.describe("Replaces the service's command."),
  args: containerKeys.args.describe("Replaces the service's arguments."),
  config: data.optional().describe("Contents of the service's ConfigMaps, merged over them key by key."),
  secrets: data.optional().describe("Contents of the service's Secrets, merged over them key by key."),
};

/** What a version may change in a service. Promotion carries it along with the version. */
export const overridesSchema = z.strictObject(overrides);
export const serviceOverridesSchema = overridesSchema.extend({
  floor: replicas.optional().describe(
    "Least pods of the revision, whatever its size would be otherwise. The driver writes it for the time in which traffic may have to come back."),
}).meta({ id: "overrides" });

const versionMap = z.strictObject({
  version,
  ...overrides,
  services: z.record(z.string(), serviceOverridesSchema).optional().describe("The same for one service of the stack, by its name; these win."),
});
const canaryMap = versionMap.extend({
  // A rollback records this first: weight 0 alone leaves sessions on the canary that stick to it by cookie (ingress-nginx: the sticky
  // cookie is looked at before the weight).
  withdrawn: flag(false).describe("The canary's pods stay, but its Service points at the stable revision; the weight must be 0. A rollback writes it."),
});

/** A version, or a version with its overrides: those for every service, and those for one service, which win. */
export const versionSpec = z.union(
  [version.transform((value): z.output<typeof versionMap> => ({ version: value })), versionMap],
  { error: VERSION_RULE },
).meta({ id: "version" });

/** The version under rollout. */
export const canarySpec = z.union(
  [version.transform((value): z.output<typeof canaryMap> => ({ version: value, withdrawn: false })), canaryMap],
  { error: VERSION_RULE },
);
