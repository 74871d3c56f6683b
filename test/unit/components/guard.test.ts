import * as pulumi from "@pulumi/pulumi";
import { expect } from "chai";
import * as fc from "fast-check";
import { declaredBy, driverRules, guardRules, type PolicyRule } from "../../../components/access";
import { parseConfig } from "../../../components";
import { Guard } from "../../../components/guard";
import { guardConfig } from "../../../components/guard-config";
import { DriverRole, type DriverRoleArgs } from "../../../components/rollout-role";
import { stack, type Raw } from "./declare";

interface Seen { readonly type: string; readonly name: string; readonly inputs: any }

/** What a component declares under mocks. */
async function declared(build: () => pulumi.ComponentResource): Promise<Seen[]> {
  const seen: Seen[] = [];
  await pulumi.runtime.setMocks({
    newResource: ({ type, name, inputs }) => {
      seen.push({ type: type.split(":").at(-1)!, name, inputs });
      return { id: name, state: inputs };
    },
    call: (args) => args.inputs,
  }, "canary", "prod");
  const component = build();
  await new Promise((resolve) => component.urn.apply(resolve));
  await new Promise((resolve) => setImmediate(resolve));
  return seen.filter(({ type }) => !type.endsWith("Guard") && !type.endsWith("DriverRole"));
}

const only = (seen: readonly Seen[], type: string): any => {
  const found = seen.filter((each) => each.type === type);
  expect(found.map(({ name }) => name), type).to.have.length(1);
  return found[0]!.inputs;
};
const GUARD = { image: "registry.example/pulumi-canary:v1" };
const guarded = (keys: object = {}) => parseConfig(stack({ guard: GUARD, ...keys }));
const guardOf = (keys: object = {}): Promise<Seen[]> => declared(() => {
  const { guard, router, services } = guarded(keys);
  return new Guard("guard", { namespace: "shop", guard: guard!, router, services: Object.keys(services), config: guardConfig(stack({ guard: GUARD, ...keys })) });
});
/** Every right as one word. */
const rights = (rules: readonly PolicyRule[]): string[] =>
  rules.flatMap(({ apiGroups = [], resources = [], resourceNames = ["*"], verbs = [] }) =>
    apiGroups.flatMap((group) => resources.flatMap((resource) => resourceNames.flatMap((name) => verbs.map((verb) => `${verb} ${group}/${resource}/${name}`)))));

describe("the guard's component", () => {
  it("grants just the named objects of the rollout, and to list pods and Deployments", async () => {
    const { rules } = only(await guardOf(), "Role");
    expect(rights(rules)).to.have.members([
      "get networking.k8s.io/ingresses/shop-canary", "patch networking.k8s.io/ingresses/shop-canary",
      "get /services/shop-canary", "patch /services/shop-canary", "get /services/shop-stable",
      "get /configmaps/canary-prod-rollout", "update /configmaps/canary-prod-rollout",
      "get coordination.k8s.io/leases/canary-prod-rollout", "update coordination.k8s.io/leases/canary-prod-rollout",
      "list /pods/*", "list apps/deployments/*",
    ]);
  });

  it("grants the HTTPRoute where that holds the weights", () => {
    expect(rights(guardRules("r", "gateway-api", ["shop"])).slice(0, 2)).to.deep.equal(["get gateway.networking.k8s.io/httproutes/shop", "patch gateway.networking.k8s.io/httproutes/shop"]);
  });

  it("binds its own ServiceAccount, in its namespace", async () => {
    const seen = await guardOf();
    expect(only(seen, "ServiceAccount").metadata.name).to.equal("canary-prod-guard");
    expect(only(seen, "RoleBinding")).to.deep.include({
      roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "Role", name: "canary-prod-guard" },
      subjects: [{ kind: "ServiceAccount", name: "canary-prod-guard", namespace: "shop" }],
    });
  });

  it("runs one pod that the restricted pod security level accepts, with a read-only root", async () => {
    const { replicas, template: { spec } } = only(await guardOf(), "Deployment").spec;
    expect(replicas).to.equal(1);
    expect(spec.securityContext).to.include({ runAsNonRoot: true }).and.to.deep.include({ seccompProfile: { type: "RuntimeDefault" } });
    expect(spec.containers[0].securityContext).to.deep.equal({ allowPrivilegeEscalation: false, readOnlyRootFilesystem: true, capabilities: { drop: ["ALL"] } });
    expect(spec.containers[0].image).to.equal(GUARD.image);
  });

  it("gives the pod what it needs of the stack config and nothing else, in a ConfigMap named by its contents", async () => {
    const secret = { env: { TOKEN: "hush" }, secrets: { db: { password: "hush" } } };
    const services = { shop: { image: "shop", port: 8080, hosts: ["shop.example"], critical: false, workload: secret } };
    const seen = await guardOf({ services, canary: "v2", weight: 25, generation: 7, previous: "v0" });
    const { metadata, data } = only(seen, "ConfigMap");
    const settings = JSON.parse(data["settings.json"]);
    expect(settings).to.deep.equal({
      stack: "prod", record: "canary-prod-rollout",
      config: { namespace: "shop", guard: GUARD, services: { shop: { image: "shop", port: 8080, hosts: ["shop.example"], critical: false } } },
    });
    expect(only(seen, "Deployment").spec.template.spec.volumes).to.deep.equal([{ name: "settings", configMap: { name: metadata.name } }]);
    const other = only(await guardOf({ analysis: { scrapeInterval: "5s" } }), "ConfigMap");
    expect(other.metadata.name).to.not.equal(metadata.name);
  });

  it("stays as it is through every step of a rollout", async () => {
    const steps = [{}, { canary: "v2", weight: 5 }, { canary: "v2", weight: 100, generation: 9 }, { stable: "v2", previous: "v1" }];
    const [first, ...rest] = await Promise.all(steps.map(async (keys) => JSON.stringify(guardConfig(stack({ guard: GUARD, ...keys })))));
    for (const each of rest) expect(each).to.equal(first);
  });

  it("hands over what the one parser reads to the same gates, stages and routes", () => {
    const durations = fc.constantFrom("5s", "2m", "1h");
    const raw = fc.record({
      rollout: fc.record({ stages: fc.constantFrom([{ weight: 50, dwell: "5s" }], [{ weight: 5 }, { weight: 100 }]), lease: durations, cap: durations }),
      analysis: fc.record({ scrapeInterval: durations, prometheus: fc.constantFrom("http://a:1", ["http://a:1", "http://b:1"]), gates: fc.constantFrom({ preset: "C" }, { errors: { kind: "ratio", absolute: "3%" } }) }),
    }).map((keys) => stack({ guard: { ...GUARD, interval: "2s" }, canary: "v2", weight: 5, ...keys }));
    fc.assert(fc.property(raw, (keys) => {
      // The engine hands maps over as JSON.
      const handed = Object.fromEntries(Object.entries(keys).map(([key, value]) => [key, typeof value === "object" ? JSON.stringify(value) : value]));
      const [whole, picked] = [parseConfig(keys), parseConfig(guardConfig(handed))];
      for (const key of ["namespace", "router", "rollout", "analysis", "guard"] as const) expect(picked[key]).to.deep.equal(whole[key]);
      const { workload: _, ...rest } = whole.services["shop"]!;
      expect(picked.services["shop"]).to.deep.include(rest);
    }), { numRuns: 30 });
  });

  it("is found by whoever scrapes it: a Service of its own, by its labels", async () => {
    const { metadata, spec } = only(await guardOf({ guard: { ...GUARD, metricsPort: 9999 } }), "Service");
    expect(metadata.name).to.equal("canary-prod-guard");
    expect(spec).to.deep.include({ clusterIP: "None", ports: [{ name: "metrics", port: 9999, targetPort: "metrics" }] });
    expect(metadata.labels).to.include(spec.selector);
  });

  it("is refused with exact sentences where its config is wrong", () => {
    const problem = (guard: object): string => {
      try {
        parseConfig(stack({ guard }));
        return "";
      } catch (error) {
        return (error as Error).message;
      }
    };
    expect(problem({})).to.equal("canary:guard.image is missing: it must be an image.");
    expect(problem({ ...GUARD, metricsPort: 80 })).to.equal("canary:guard.metricsPort is 80: it must be at least 1024, because the guard is not root.");
    expect(problem({ ...GUARD, interval: "100ms" })).to.equal('canary:guard.interval is "100ms": it must be from 200ms to 60s.');
  });
});

describe("the driver's role", () => {
  const roleOf = (args: Partial<DriverRoleArgs> = {}): Promise<Seen[]> => declared(() => new DriverRole("driver", { namespace: "shop", ...args }));

  it("has no wildcard and nothing outside the namespace", async () => {
    const seen = await roleOf({ serviceAccount: true, declares: ["secrets", "serviceAccounts", "autoscalers", "budgets", "networkPolicies", "operatorResources", "guard"] });
    expect(seen.map(({ type }) => type).sort()).to.deep.equal(["Role", "RoleBinding", "ServiceAccount"]);
    expect(JSON.stringify(only(seen, "Role").rules)).to.not.include('"*"');
    for (const { inputs } of seen) expect(inputs.metadata.namespace).to.equal("shop");
  });

  it("reads and patches the one Namespace where the stack declares it, and creates none", async () => {
    const seen = await roleOf({ declaresNamespace: true, subjects: [{ kind: "User", name: "ci" }] });
    expect(only(seen, "ClusterRole").rules).to.deep.equal([{ apiGroups: [""], resources: ["namespaces"], resourceNames: ["shop"], verbs: ["get", "patch"] }]);
    expect(only(seen, "ClusterRoleBinding")).to.deep.include({ subjects: [{ kind: "User", name: "ci" }], roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name: "canary-driver-shop" } });
  });

  it("holds every right that it grants to a guard, without which Kubernetes would refuse the guard's Role", () => {
    const strip = (right: string): string => right.replace(/\/[^/]*$/, "");
    for (const router of ["ingress-nginx", "gateway-api"] as const)
      expect(rights(driverRules(router, ["guard"])).map(strip)).to.include.members(rights(guardRules("r", router, ["shop", "api"])).map(strip));
  });

  it("is as large as what the stack declares", () => {
    const declares = (keys: Raw = {}): string[] => declaredBy(parseConfig(stack(keys)));
    const service = (workload: object) => ({ services: { shop: { image: "shop", port: 1, hosts: ["a.example"], workload } } });
    expect(declares()).to.deep.equal(["budgets"]);
    expect(declares(service({ maxUnavailable: false }))).to.deep.equal([]);
    expect(declares({ ...service({ secrets: { db: { password: "x" } }, resources: { requests: { cpu: "100m" } }, autoscale: { min: 1, max: 2 }, serviceAccount: { create: true } }), guard: GUARD }))
      .to.deep.equal(["secrets", "serviceAccounts", "autoscalers", "budgets", "guard"]);
    expect(rights(driverRules("ingress-nginx", [])).some((right) => right.includes("/secrets/"))).to.equal(false);
  });
});
