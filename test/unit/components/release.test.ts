import { expect } from "chai";
import { declare, find, namesOf, stack, type Declared } from "./declare";

const NGINX = "nginx.ingress.kubernetes.io";
const selected = (resources: readonly Declared[], service: string): string =>
  find(resources, "Service", service).inputs.spec.selector["canary.dev/revision"];
const canaryIngress = (resources: readonly Declared[]) => find(resources, "Ingress", "shop-canary").inputs;

/** The variables that the config gives; every pod has its identity beside them. */
const own = (env: readonly { name: string }[]) => env.filter(({ name }) => !name.startsWith("CANARY_"));

/** What `pulumi preview` would show between two configs: custom resources that are new, gone or different. */
async function changes(before: Record<string, unknown>, after: Record<string, unknown>): Promise<string[]> {
  const index = async (raw: Record<string, unknown>) =>
    new Map((await declare(raw)).resources
      .filter(({ type }) => type.startsWith("kubernetes:"))
      .map(({ type, name, inputs, parent }) => [`${type} ${name}`, JSON.stringify([inputs, parent])]));
  const [old, next] = [await index(before), await index(after)];
  return [...new Set([...old.keys(), ...next.keys()])].filter((key) => old.get(key) !== next.get(key)).sort();
}

describe("a release", () => {
  describe("with a stable version alone", () => {
    it("declares one Deployment, and both tracks point at it with weight 0", async () => {
      const { resources, outputs } = await declare(stack());
      const [revision] = namesOf(resources, "Deployment");
      expect(namesOf(resources, "Deployment")).to.have.length(1);
      expect(revision).to.match(/^shop-v1-[0-9a-f]{8}$/);
      expect(selected(resources, "shop-stable")).to.equal(revision);
      expect(selected(resources, "shop-canary")).to.equal(revision);
      expect(canaryIngress(resources).metadata.annotations[`${NGINX}/canary-weight`]).to.equal("0");
      expect(outputs).to.deep.equal({
        stable: "v1",
        weight: 0,
        generation: 0,
        services: {
          shop: {
            url: "http://shop.example/",
            stableService: "shop-stable",
            canaryService: "shop-canary",
            stableIngress: "shop-stable",
            canaryIngress: "shop-canary",
            revisions: { stable: revision },
          },
        },
      });
    });

    it("declares the namespace, or not when createNamespace is false", async () => {
      expect(namesOf((await declare(stack())).resources, "Namespace")).to.deep.equal(["shop"]);
      const { resources } = await declare(stack({ createNamespace: false }));
      expect(namesOf(resources, "Namespace")).to.deep.equal([]);
      expect(find(resources, "Service", "shop-stable").inputs.metadata.namespace).to.equal("shop");
    });

    it("probes, drains and bounds the pods as the config says", async () => {
      const services = { shop: { image: "shop", port: 8080, hosts: ["a.example"], health: "/up", workload: {
        replicas: 3, env: { B: "{{version}}", A: 1 }, drain: "7s", terminationGrace: "40s", progressDeadline: "90s" } } };
      const { resources } = await declare(stack({ services }));
      const { spec } = find(resources, "Deployment", namesOf(resources, "Deployment")[0]!).inputs;
      const [container] = spec.template.spec.containers;
      expect(spec.replicas).to.equal(3);
      expect(spec.progressDeadlineSeconds).to.equal(90);
      expect(spec.template.spec.terminationGracePeriodSeconds).to.equal(40);
      expect(container.image).to.equal("shop:v1");
      expect(own(container.env)).to.deep.equal([{ name: "A", value: "1" }, { name: "B", value: "v1" }]);
      expect(container.readinessProbe.httpGet).to.deep.equal({ path: "/up", port: 8080 });
      expect(container.livenessProbe.httpGet).to.deep.equal({ path: "/up", port: 8080 });
      expect(container.lifecycle).to.deep.equal({ preStop: { sleep: { seconds: 7 } } });
    });

    it("labels pods with name, version, part-of, managed-by and revision, and with no track", async () => {
      const { resources } = await declare(stack({ stable: "V1.0+build_7" }));
      const [name] = namesOf(resources, "Deployment");
      expect(find(resources, "Deployment", name!).inputs.spec.template.metadata.labels).to.deep.equal({
        "app.kubernetes.io/name": "shop",
        "app.kubernetes.io/version": "V1.0_build_7",
        "app.kubernetes.io/part-of": "canary",
        "app.kubernetes.io/managed-by": "pulumi",
        "canary.dev/revision": name,
      });
    });

    it("moves a Service only when its pods are ready, and the split only after both Services", async () => {
      const { resources, outputs } = await declare(stack({ canary: "v2", weight: 5 }));
      const { stable, canary } = outputs.services["shop"]!.revisions;
      expect(find(resources, "Track", "shop-stable").waitsFor).to.deep.equal([stable]);
      expect(find(resources, "Track", "shop-canary").waitsFor).to.deep.equal([canary]);
      expect(find(resources, "TrafficSplit", "shop").waitsFor).to.deep.equal(["shop-stable", "shop-canary"]);
      expect(find(resources, "Ingress", "shop-canary").waitsFor).to.deep.equal(["shop-stable"]);
    });

    it("keeps the objects that a fast revert patches from conflicting with the patch", async () => {
      const { resources } = await declare(stack());
      for (const [kind, name] of [["Service", "shop-stable"], ["Service", "shop-canary"], ["Ingress", "shop-canary"]] as const) {
        expect(find(resources, kind, name).inputs.metadata.annotations).to.include({
          "pulumi.com/patchForce": "true",
          "pulumi.com/skipAwait": "true",
        });
      }
      expect(find(resources, "Ingress", "shop-stable").inputs.metadata.annotations).to.deep.equal({ "pulumi.com/skipAwait": "true" });
    });
  });

  describe("with a canary", () => {
    it("splits by weight and header between two Services of the same hosts and paths", async () => {
      const services = { shop: { image: "shop", port: 8080, servicePort: 8000, hosts: ["a.example", "*.b.example"], paths: ["/", "/x"],
        routing: { pathType: "Exact", header: { name: "X-Try" } } } };
      const { resources, outputs } = await declare(stack({ services, canary: "v2", weight: 25, ingressClass: "edge" }));
      const main = find(resources, "Ingress", "shop-stable").inputs;
      const canary = canaryIngress(resources);
      expect(canary.metadata.annotations).to.include({
        [`${NGINX}/canary`]: "true",
        [`${NGINX}/canary-weight`]: "25",
        [`${NGINX}/canary-by-header`]: "X-Try",
      });
      expect(JSON.stringify(main.spec)).to.equal(JSON.stringify(canary.spec).replaceAll("shop-canary", "shop-stable"));
      expect(canary.spec.ingressClassName).to.equal("edge");
      expect(canary.spec.rules.map(({ host }: { host: string }) => host)).to.deep.equal(["a.example", "*.b.example"]);
      expect(canary.spec.rules[0].http.paths[1]).to.deep.equal(
        { path: "/x", pathType: "Exact", backend: { service: { name: "shop-canary", port: { number: 8000 } } } });
      expect(outputs.services["shop"]!.revisions).to.deep.equal(
        { stable: selected(resources, "shop-stable"), canary: selected(resources, "shop-canary") });
      expect(outputs).to.include({ canary: "v2", weight: 25 });
    });

    it("changes exactly one resource when only the weight changes", async () => {
      const changed = await changes(stack({ canary: "v2", weight: 5 }), stack({ canary: "v2", weight: 25, generation: 3 }));
      expect(changed).to.deep.equal(["kubernetes:networking.k8s.io/v1:Ingress shop-canary"]);
    });

    it("keeps the pods of a withdrawn canary and points its Service at the stable revision", async () => {
      const { resources, outputs } = await declare(stack({ canary: { version: "v2", withdrawn: true } }));
      expect(namesOf(resources, "Deployment")).to.have.length(2);
      expect(selected(resources, "shop-canary")).to.equal(selected(resources, "shop-stable"));
      expect(outputs).to.include({ canary: "v2", withdrawn: true, weight: 0 });
      expect(outputs.services["shop"]!.revisions.canary).to.match(/^shop-v2-/);
    });

    it("records a withdrawal as the canary Service and the canary Ingress, which a fast revert has patched", async () => {
      const changed = await changes(stack({ canary: "v2", weight: 50 }), stack({ canary: { version: "v2", withdrawn: true } }));
      expect(changed).to.deep.equal(["kubernetes:core/v1:Service shop-canary", "kubernetes:networking.k8s.io/v1:Ingress shop-canary"]);
    });
  });

  describe("in a promotion", () => {
    const rolling = stack({ canary: "v2", weight: 100 });
    const switched = stack({ stable: "v2", canary: "v2", previous: "v1", weight: 100 });
    const promoted = stack({ stable: "v2", previous: "v1" });

    it("moves the stable Service's selector and nothing else", async () => {
      expect(await changes(rolling, switched)).to.deep.equal(["kubernetes:core/v1:Service shop-stable"]);
    });

    it("then takes the weight back to 0 and nothing else", async () => {
      expect(await changes(switched, promoted)).to.deep.equal(["kubernetes:networking.k8s.io/v1:Ingress shop-canary"]);
    });

    it("keeps the previous revision with no Service pointing at it", async () => {
      const { resources, outputs } = await declare(promoted);
      const previous = outputs.services["shop"]!.revisions.previous!;
      expect(previous).to.match(/^shop-v1-/);
      expect(namesOf(resources, "Deployment")).to.include(previous);
      expect([selected(resources, "shop-stable"), selected(resources, "shop-canary")]).to.not.include(previous);
    });

    it("declares a revision once, with the larger size, where two parts name it", async () => {
      const { resources } = await declare(stack({ stable: { version: "v2", replicas: 3 }, canary: { version: "v2", replicas: 5 }, weight: 100 }));
      expect(namesOf(resources, "Deployment")).to.have.length(1);
      expect(find(resources, "Deployment", namesOf(resources, "Deployment")[0]!).inputs.spec.replicas).to.equal(5);
    });

    it("undoes by the stable Service's selector alone", async () => {
      const undone = stack({ stable: "v1", previous: "v2" });
      expect(await changes(promoted, undone)).to.deep.equal(
        ["kubernetes:core/v1:Service shop-canary", "kubernetes:core/v1:Service shop-stable"]);
    });
  });

  describe("with overrides of a version", () => {
    const services = {
      shop: { image: "shop", port: 1, hosts: ["a.example"], workload: { env: { A: "1", B: "2" } } },
      api: { image: "api", port: 2, hosts: ["b.example"] },
    };
    const container = (resources: readonly Declared[], service: string) => {
      const name = namesOf(resources, "Deployment").find((each) => each.startsWith(`${service}-v2-`))!;
      return find(resources, "Deployment", name).inputs.spec.template.spec.containers[0];
    };

    it("merges variables over the service's, for all services or for one", async () => {
      const canary = { version: "v2", env: { B: "all" }, services: { api: { image: "api-next", env: { C: "api" } } } };
      const { resources } = await declare(stack({ services, canary }));
      expect(own(container(resources, "shop").env)).to.deep.equal([{ name: "A", value: "1" }, { name: "B", value: "all" }]);
      expect(own(container(resources, "api").env)).to.deep.equal([{ name: "B", value: "all" }, { name: "C", value: "api" }]);
      expect(container(resources, "api").image).to.equal("api-next:v2");
    });

    it("uses an image with a tag or a digest as it is", async () => {
      for (const image of ["shop:hotfix", "host:5000/shop@sha256:abc"]) {
        expect(container((await declare(stack({ canary: { version: "v2", image } }))).resources, "shop").image).to.equal(image);
      }
      const plain = await declare(stack({ canary: { version: "v2+1", image: "host:5000/shop" } }));
      expect(plain.resources.some(({ inputs }) => JSON.stringify(inputs).includes('"host:5000/shop:v2_1"'))).to.equal(true);
    });

    it("makes another revision of a changed variable, and the same one of a changed size", async () => {
      const changed = async (version: unknown) => (await declare(stack({ stable: version }))).outputs.services["shop"]!.revisions.stable;
      const plain = await changed("v1");
      expect(await changed({ version: "v1", env: { A: "1" } })).to.not.equal(plain);
      expect(await changed({ version: "v1", replicas: 9 })).to.equal(plain);
    });
  });

  it("without a stable version says how to install one", async () => {
    const error = await declare({ ...stack(), stable: undefined }).then(() => undefined, (reason: Error) => reason);
    expect(error?.message).to.equal(
      "canary:stable is missing: run `canary deploy VERSION`, or set canary:stable to the version to install.");
  });
});
