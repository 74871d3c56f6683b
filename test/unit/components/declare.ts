import * as pulumi from "@pulumi/pulumi";
import { ConfigError, parseConfig, Release, type ReleaseOutputs } from "../../../components";

export type Raw = Record<string, unknown>;

/** A stack of one service with the given keys on top. */
export const stack = (keys: Raw = {}): Raw => ({
  namespace: "shop",
  stable: "v1",
  services: { shop: { image: "shop", port: 8080, hosts: ["shop.example"] } },
  ...keys,
});

/** What the parser refuses a raw config for; empty where it accepts it. */
export function problemsOf(raw: Raw): readonly string[] {
  try {
    parseConfig(raw);
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
  return [];
}

export type Path = readonly (string | number)[];

/** A copy with another value at a path. */
export function changed(value: unknown, [head, ...rest]: Path, to: unknown): unknown {
  if (head === undefined) return to;
  if (Array.isArray(value)) return value.map((each: unknown, index) => (index === head ? changed(each, rest, to) : each));
  return { ...(value as Raw), [head]: changed((value as Raw)[head], rest, to) };
}

export interface Declared {
  readonly type: string;
  readonly name: string;
  readonly inputs: any;
  /** Name of the component around it. */
  readonly parent: string | undefined;
  /** Names of the resources and components it waits for by `dependsOn`. */
  readonly waitsFor: readonly string[];
  /** Properties whose changes are left to others. */
  readonly ignores: readonly string[];
}

/** Builds a release from raw config under mocks and says what it declared. */
export async function declare(raw: Raw): Promise<{ resources: Declared[]; outputs: ReleaseOutputs }> {
  const inputs = new Map<string, unknown>();
  const resources: Declared[] = [];
  await pulumi.runtime.setMocks({
    newResource: ({ type, name, inputs: resolved }) => {
      inputs.set(`${type} ${name}`, resolved);
      return { id: `${name}-id`, state: resolved };
    },
    call: (args) => args.inputs,
  }, "canary", "test");
  const names = new Map<unknown, string>();
  const { outputs } = new Release("canary", parseConfig(raw), {
    transformations: [({ resource, type, name, opts }) => {
      names.set(resource, name);
      resources.push({
        type,
        name,
        get inputs() { return inputs.get(`${type} ${name}`); },
        parent: names.get(opts.parent),
        waitsFor: [opts.dependsOn ?? []].flat().map((each) => names.get(each) ?? ""),
        ignores: (opts as pulumi.CustomResourceOptions).ignoreChanges ?? [],
      });
      return undefined;
    }],
  });
  const known = await new Promise<ReleaseOutputs>((resolve) => pulumi.output(outputs).apply((value) => resolve(value as ReleaseOutputs)));
  return { resources, outputs: known };
}

/** Names of the declared resources of one Kubernetes kind. */
export const namesOf = (resources: readonly Declared[], kind: string): string[] =>
  resources.filter(({ type }) => type.endsWith(`:${kind}`)).map(({ name }) => name).sort();

export function find(resources: readonly Declared[], kind: string, name: string): Declared {
  const found = resources.find((resource) => resource.type.endsWith(`:${kind}`) && resource.name === name);
  if (found === undefined) throw new Error(`no ${kind} ${name} among ${resources.map((resource) => `${resource.type} ${resource.name}`).join(", ")}`);
  return found;
}
