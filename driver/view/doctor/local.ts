import { fail, ok, warn, type Check } from "./check";
import { reasonOf, type Facts } from "./facts";

const numbers = (version: string): number[] => (version.match(/\d+/g) ?? []).map(Number);

/** Whether a version is at least another, by major and minor. */
export function atLeast(have: string, need: string): boolean {
  const [[a = 0, b = 0], [c = 0, d = 0]] = [numbers(have), numbers(need)];
  return a > c || (a === c && b >= d);
}

const packageOf = <T>(name: string): T => require(name) as T;

const node: Check = {
  name: "node",
  async run() {
    const need = packageOf<{ engines: { node: string } }>("../../../../package.json").engines.node;
    const have = process.versions.node;
    return atLeast(have, need) ? ok(`Node.js ${have}; ${need} is needed.`) : fail(`Node.js is ${have}, and ${need} is needed.`, "Install a newer one.");
  },
};

const cli = ({ cli: read }: Facts): Check => ({
  name: "pulumi",
  async run() {
    const version = await read().catch((error: unknown) => fail(reasonOf(error)));
    if (typeof version === "object") return version;
    const sdk = packageOf<{ version: string }>("@pulumi/pulumi/package.json").version;
    if (atLeast(version, sdk)) return ok(`The Pulumi CLI is ${version}.`);
    return warn(`The Pulumi CLI is ${version}, older than the SDK it is driven with (${sdk}).`, `Install Pulumi ${sdk} or newer.`);
  },
});

const project = ({ project: read, at }: Facts): Check => ({
  name: "project",
  run: () => read().then((name) => ok(`Pulumi.yaml in ${at.cwd} is the project "${name}".`), (error) => fail(reasonOf(error))),
});

const stackFile = ({ config, place }: Facts): Check => ({
  name: "stack-file",
  run: () =>
    Promise.all([place(), config()]).then(
      ([{ file }, { services, router }]) => ok(`${file.path} is understood: ${Object.keys(services).join(", ")}, by ${router}.`),
      (error) => reasonOf(error).split("\n").map((line) => fail(line)),
    ),
});

/** What can be told without asking anybody. */
export const localChecks = (facts: Facts): Check[] => [node, cli(facts), project(facts), stackFile(facts)];
