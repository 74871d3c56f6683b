import * as pulumi from "@pulumi/pulumi";
import { expect } from "chai";
import * as components from "../../../components";

const { parseConfig, podSpecOf, revisionOf } = components;
const RAW = { namespace: "shop", stable: "v1", services: { shop: { image: "shop", port: 8080, hosts: ["shop.example"] } } };
const config = parseConfig(RAW);
const service = config.services["shop"]!;
const spec = podSpecOf("shop", service, { version: "v1" }, "theirs");
const split = { namespace: "shop", hosts: ["shop.example"], paths: ["/"], routing: service.routing, weight: 5, stableService: "shop-stable", canaryService: "shop-canary", servicePort: 80 };

/** Each component as somebody else's program would make it: with its own arguments, and no config of ours anywhere. */
const ALONE: Readonly<Record<string, () => pulumi.ComponentResource>> = {
  Release: () => new components.Release("release", config),
  ServiceRelease: () => new components.ServiceRelease("shop", { namespace: "shop", service, stable: { version: "v1" }, weight: 0, partOf: "theirs", router: "ingress-nginx", ingressClass: "nginx" }),
  Revision: () => new components.Revision(revisionOf(spec), { namespace: "shop", spec, size: 2 }),
  Track: () => new components.Track("shop-stable", { namespace: "shop", service: "shop", revision: revisionOf(spec), servicePort: 80, port: 8080 }),
  TrafficSplit: () => new components.TrafficSplit("shop", { ...split, ingressClass: "nginx" }),
  GatewaySplit: () => new components.GatewaySplit("shop", { ...split, gateway: { name: "edge" } }),
  Monitoring: () => new components.Monitoring("watch", { namespace: pulumi.output("shop"), operator: true, source: "traefik", services: { shop: { port: 8080, servicePort: 80 } } }),
  IngressController: () => new components.IngressController("edge", { install: "traefik" }),
  Guard: () => new components.Guard("guard", { namespace: "shop", guard: parseConfig({ ...RAW, guard: { image: "guard:1" } }).guard!, router: "ingress-nginx", services: ["shop"], config: {} }),
  DriverRole: () => new components.DriverRole("driver", { namespace: "shop", serviceAccount: true }),
  NetworkPolicies: () => new components.NetworkPolicies("wall", { namespace: "shop", ingressController: ["traefik"], services: { shop: { port: 8080 } } }),
};

const isComponent = (value: unknown): boolean => typeof value === "function" && value.prototype instanceof pulumi.ComponentResource;

/** What a component declared in a program of another project. */
async function declaredBy(make: () => pulumi.ComponentResource): Promise<{ type: string; inputs: Record<string, any> }[]> {
  const declared: { type: string; inputs: Record<string, any> }[] = [];
  pulumi.runtime.setAllConfig({});
  await pulumi.runtime.setMocks({
    newResource: ({ type, name, inputs }) => {
      if (!type.startsWith("canary:")) declared.push({ type, inputs });
      return { id: name, state: inputs };
    },
    call: ({ inputs }) => inputs,
  }, "theirs", "live");
  const urn = make().urn;
  await new Promise((resolve) => urn.apply(resolve));
  await pulumi.runtime.disconnect();
  return declared;
}

describe("a component in somebody else's program", () => {
  it("is every one that is exported", () => {
    expect(Object.entries(components).filter(([, value]) => isComponent(value)).map(([name]) => name).sort()).to.deep.equal(Object.keys(ALONE).sort());
  });

  for (const [name, make] of Object.entries(ALONE))
    it(`declares what it is for, in its namespace, without config of ours: ${name}`, async () => {
      const declared = await declaredBy(make);
      expect(declared.length).to.be.greaterThan(0);
      for (const { type, inputs } of declared)
        if (inputs["metadata"] !== undefined && !/:(Namespace|IngressClass)$/.test(type)) expect(inputs["metadata"].namespace, type).to.equal("shop");
    });

  it("takes every setting of monitoring that it is not given from the same defaults as the stack config", async () => {
    const alone = (await declaredBy(ALONE["Monitoring"]!)).find(({ type }) => type.endsWith(":PrometheusRule"))!.inputs["spec"];
    const make = (): pulumi.ComponentResource => new components.Monitoring("watch", {
      ...parseConfig({ ...RAW, monitoring: { operator: true } }).monitoring!,
      namespace: "shop", source: "traefik", services: { shop: { port: 8080, servicePort: 80 } },
    });
    expect((await declaredBy(make)).find(({ type }) => type.endsWith(":PrometheusRule"))!.inputs["spec"]).to.deep.equal(alone);
  });
});
