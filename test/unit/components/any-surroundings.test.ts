import * as pulumi from "@pulumi/pulumi";
import { expect } from "chai";
import * as fc from "fast-check";
import { keyPath } from "../../../components/config/problems";
import { changed, declare, namesOf, stack, problemsOf, type Path, type Raw } from "./declare";

const name = fc.stringMatching(/^[a-z]([-a-z0-9]{0,20}[a-z0-9])?$/);
const labels = fc.dictionary(fc.stringMatching(/^[a-z]{1,8}$/), fc.stringMatching(/^[a-z0-9]{1,8}$/), { maxKeys: 3 });
const port = fc.integer({ min: 1, max: 65_535 });
const some = <T>(shape: { [K in keyof T]: fc.Arbitrary<T[K]> }, requiredKeys: (keyof T)[] = []) => fc.record(shape, { requiredKeys });

const monitoring = some({
  operator: fc.boolean(), labels, alerts: fc.boolean(), alertLabels: labels, stuckAfter: fc.constantFrom("61m", "2h", "90m"),
  scrape: fc.oneof(fc.constant(false), some({ path: fc.constantFrom("/metrics", "/a/b"), port, interval: fc.constantFrom("1s", "2m") })),
  dashboard: fc.oneof(fc.constant(false), some({ namespace: name, labels, annotations: labels })),
});
const namespaces = fc.oneof(name, fc.array(name, { minLength: 1, maxLength: 3 }));
const networkPolicy = some({
  ingressController: namespaces, prometheus: namespaces, also: fc.array(some({ namespace: name, podLabels: labels }), { maxLength: 2 }), ports: fc.array(port, { maxLength: 2 }),
}, ["ingressController"]);
const ingressController = fc.oneof(fc.constantFrom("existing", "install"), some({
  install: fc.constantFrom("ingress-nginx", "traefik"), namespace: name, chartVersion: fc.constantFrom("1.2.3", "41.5.0-rc.1"), repository: fc.constant("https://charts.example"),
  replicas: fc.integer({ min: 1, max: 9 }), values: fc.dictionary(name, fc.jsonValue({ maxDepth: 2 }), { maxKeys: 3 }),
}, ["install"]));
const accepted = some({ monitoring, networkPolicy, ingressController }, ["monitoring", "networkPolicy", "ingressController"]);

/** Paths of all texts, numbers and flags, but not of Helm values and label maps, where other kinds are welcome or the name is a person's. */
function leaves(value: unknown, path: Path = []): Path[] {
  if (path.includes("values")) return [];
  if (typeof value !== "object" || value === null) return [path];
  return Object.entries(value).flatMap(([key, inner]) => leaves(inner, [...path, Array.isArray(value) ? Number(key) : key]));
}

describe("any accepted monitoring, network policy and ingress controller", function () {
  this.timeout(60_000);
  const { warn } = pulumi.log;
  before(() => void ((pulumi.log as { warn: unknown }).warn = () => Promise.resolve()));
  after(() => void ((pulumi.log as { warn: unknown }).warn = warn));

  it("builds what it says and nothing else", async () => {
    await fc.assert(fc.asyncProperty(accepted, async (keys) => {
      const { resources } = await declare(stack({ ...keys, analysis: { source: "app" } } as Raw));
      const { operator, scrape, alerts, dashboard } = keys.monitoring;
      const watched = operator === true;
      expect(namesOf(resources, "ServiceMonitor")).to.have.length(watched && scrape !== false ? 1 : 0);
      expect(namesOf(resources, "PrometheusRule")).to.have.length(watched && alerts !== false ? 1 : 0);
      expect(namesOf(resources, "ConfigMap")).to.have.length(dashboard === false ? 0 : 1);
      expect(namesOf(resources, "NetworkPolicy")).to.deep.equal(["shop"]);
      for (const { inputs } of resources.filter(({ type }) => type.endsWith(":NetworkPolicy")))
        for (const rule of inputs.spec.ingress as { from: unknown[] }[]) expect(rule.from.length).to.be.greaterThan(0);
      const traefik = typeof keys.ingressController === "object" && keys.ingressController.install === "traefik";
      expect(namesOf(resources, "IngressClass")).to.have.length(traefik ? 1 : 0);
    }), { numRuns: 30 });
  });

  it("is refused with its key's path when any one value in it is of a kind that no key takes", () => {
    fc.assert(fc.property(accepted, fc.nat(), (keys, choice) => {
      const paths = leaves(keys);
      const path = paths[choice % paths.length]!;
      const problems = problemsOf(changed(stack(keys as Raw), path, [["poison"]]) as Raw);
      // Where a key takes several kinds, the refusal may name the key around it.
      const named = path.map((_, i) => keyPath(path.slice(0, i + 1)));
      expect(problems.some((problem) => named.some((key) => problem.startsWith(`${key} `) || problem.startsWith(`${key}[`))), `${keyPath(path)} in\n${problems.join("\n")}`).to.equal(true);
    }), { numRuns: 200 });
  });
});
