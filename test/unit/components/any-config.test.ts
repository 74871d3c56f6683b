import { expect } from "chai";
import * as fc from "fast-check";
import { keyPath } from "../../../components/config/problems";
import { accepted } from "./arbitrary-config";
import { changed, declare, namesOf, problemsOf, type Path, type Raw } from "./declare";

/** Parts that the API server judges. */
const PASSED_ON = ["affinity", "metrics", "behavior", "kubernetes"];
/** Maps whose keys are names that people choose. */
const OPEN = ["services", "env", "config", "secrets", "volumes", "items", "headers", "requests", "limits", "ports", "nodeSelector", "labels", "annotations"];

/** Every place in a config that the parser judges, innermost ones and maps apart. */
function placesIn(value: unknown, path: Path = []): { readonly leaves: Path[]; readonly maps: Path[] } {
  if (PASSED_ON.includes(String(path.at(-1)))) return { leaves: [], maps: [] };
  if (typeof value !== "object" || value === null) return { leaves: [path], maps: [] };
  const inner = Object.entries(value).map(([key, each]) => placesIn(each, [...path, Array.isArray(value) ? Number(key) : key]));
  const open = Array.isArray(value) || OPEN.includes(String(path.at(-1))) || ["config", "secrets"].includes(String(path.at(-2)));
  return { leaves: inner.flatMap(({ leaves }) => leaves), maps: [...(open ? [] : [path]), ...inner.flatMap(({ maps }) => maps)] };
}

describe("any accepted config", function () {
  this.timeout(60_000);

  it("builds: two tracks and two Ingresses a service, and every Service selects a Deployment that is declared", async () => {
    await fc.assert(fc.asyncProperty(accepted, async (raw) => {
      const { resources, outputs } = await declare(raw);
      const services = Object.keys(raw["services"] as object);
      const tracks = services.flatMap((name) => [`${name}-canary`, `${name}-stable`]).sort();
      expect(namesOf(resources, "Service")).to.deep.equal(tracks);
      expect(namesOf(resources, "Ingress")).to.deep.equal(tracks);
      const deployments = resources.filter(({ type }) => type.endsWith(":Deployment"));
      expect(new Set(deployments.map(({ name }) => name)).size).to.equal(deployments.length);
      for (const { inputs } of resources.filter(({ type }) => type.endsWith(":Service"))) {
        const selector = inputs.spec.selector as Record<string, string>;
        const target = deployments.find(({ name }) => name === selector["canary.dev/revision"]);
        expect(target?.inputs.spec.template.metadata.labels).to.include(selector);
      }
      expect(Object.keys(outputs.services)).to.deep.equal(services);
      expect(outputs.weight).to.equal(raw["weight"]);
    }), { numRuns: 20 });
  });

  it("is refused with its key's path when any one value in it is of a kind that no key takes", () => {
    fc.assert(fc.property(accepted, fc.nat(), (raw, choice) => {
      const { leaves } = placesIn(raw);
      const path = leaves[choice % leaves.length]!;
      const problems = problemsOf(changed(raw, path, [["poison"]]) as Raw);
      expect(problems.some((problem) => problem.startsWith(keyPath(path))), `${keyPath(path)} in\n${problems.join("\n")}`).to.equal(true);
    }), { numRuns: 200 });
  });

  it("is refused with its key's path when there is one key more than it knows", () => {
    fc.assert(fc.property(accepted, fc.nat(), (raw, choice) => {
      const { maps } = placesIn(raw);
      const path = [...maps[choice % maps.length]!, "zzzzzz"];
      const problems = problemsOf(changed(raw, path, 1) as Raw);
      expect(problems, `${keyPath(path)}`).to.have.length(1);
      expect(problems[0]).to.match(/ is not a known key: the known keys are /).and.to.satisfy((problem: string) => problem.startsWith(`${keyPath(path)} `));
    }), { numRuns: 200 });
  });
});
