import { expect } from "chai";
import * as fc from "fast-check";
import { declare, namesOf, type Raw } from "./declare";

const version = fc.stringMatching(/^[A-Za-z0-9_][A-Za-z0-9_.+-]{0,40}$/);
const env = fc.dictionary(fc.stringMatching(/^[A-Z]{1,5}$/), fc.oneof(fc.string(), fc.integer(), fc.boolean()));
const overrides = fc.record({ env, replicas: fc.nat(9), resources: fc.constant({ requests: { cpu: "50m" } }) }, { requiredKeys: [] });
const spec = fc.oneof(version, fc.tuple(version, overrides).map(([one, rest]) => ({ version: one, ...rest })));
const service = fc.record({
  image: fc.constantFrom("shop", "team/shop", "host:5000/shop"),
  port: fc.integer({ min: 1, max: 65_535 }),
  paths: fc.uniqueArray(fc.stringMatching(/^\/[a-z]{0,6}$/), { minLength: 1, maxLength: 3 }),
  health: fc.stringMatching(/^\/[a-z]{1,6}$/),
  workload: fc.record({ replicas: fc.nat(9), env, drain: fc.constantFrom("0s", "10s") }, { requiredKeys: [] }),
  routing: fc.record({ pathType: fc.constantFrom("Prefix", "Exact"), header: fc.record({ name: fc.stringMatching(/^[A-Za-z0-9._~/:-]{1,12}$/) }) }, { requiredKeys: [] }),
}, { requiredKeys: ["image", "port"] });
const names = fc.uniqueArray(fc.stringMatching(/^[a-z]([-a-z0-9]{0,38}[a-z0-9])?$/), { minLength: 1, maxLength: 3 });

/** Configs that the parser accepts. */
const accepted: fc.Arbitrary<Raw> = fc.record({
  names, services: fc.array(service, { minLength: 3, maxLength: 3 }), stable: spec, canary: fc.option(spec), previous: fc.option(spec),
  weight: fc.integer({ min: 0, max: 100 }), generation: fc.nat(), createNamespace: fc.boolean(),
}).map(({ names: list, services, canary, previous, weight, ...rest }) => ({
  namespace: "shop",
  services: Object.fromEntries(list.map((name, index) => [name, { ...services[index]!, hosts: [`h${index}.example`] }])),
  weight: canary === null ? 0 : weight,
  ...(canary === null ? {} : { canary }),
  ...(previous === null ? {} : { previous }),
  ...rest,
}));

describe("any accepted config", () => {
  it("builds: two tracks and two Ingresses a service, and every Service selects a Deployment that is declared", async function () {
    this.timeout(30_000);
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
    }), { numRuns: 60 });
  });
});
