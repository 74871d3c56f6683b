import { expect } from "chai";
import type { StackConfig } from "../../../components";
import type { ClusterAccess, KubernetesClient } from "../../../driver/cluster/client";
import { isHome, liveTraffic, sendHome, stableHome, TrafficError, type Routed } from "../../../driver/cluster/traffic";

const routed = (router: string, ...services: string[]): Routed =>
  ({ namespace: "shop", router, services: Object.fromEntries(services.map((name) => [name, {}])) }) as unknown as StackConfig;
const selector = (service: string, revision: string) => ({ "app.kubernetes.io/name": service, "canary.dev/revision": revision });
const notFound = (name: string): Error => Object.assign(new Error("HTTP-Code: 404\nMessage: …"), { code: 404, body: JSON.stringify({ message: `"${name}" not found` }) });

interface Written {
  readonly kind: string;
  readonly name: string;
  readonly namespace: string;
  readonly fieldManager?: string;
  readonly body: any;
}

/** A cluster that answers from tables and keeps account of patches. */
function cluster(objects: Record<string, any>, refuse: (patch: Written) => unknown = () => undefined): { access: ClusterAccess; patches: Written[] } {
  const patches: Written[] = [];
  const read = (kind: string) => async ({ name }: { name: string }) => {
    const found = objects[`${kind} ${name}`];
    if (found === undefined) throw notFound(name);
    if (found instanceof Error) throw found;
    return typeof found === "function" ? found() : found;
  };
  const patch = (kind: string) => async (request: Omit<Written, "kind">) => {
    const written = { ...request, kind };
    const refused = refuse(written);
    if (refused !== undefined) throw refused;
    patches.push(written);
    return {};
  };
  const client = {
    core: { readNamespacedService: read("Service"), patchNamespacedService: patch("Service") },
    networking: { readNamespacedIngress: read("Ingress"), patchNamespacedIngress: patch("Ingress") },
    custom: { getNamespacedCustomObject: read("HTTPRoute"), patchNamespacedCustomObject: patch("HTTPRoute") },
  };
  return { access: async () => client as unknown as KubernetesClient, patches };
}

const services = (stable: string, canary: string) => ({
  "Service shop-stable": { spec: { selector: selector("shop", stable) } },
  "Service shop-canary": { spec: { selector: selector("shop", canary) }, metadata: { managedFields: [
    { manager: "pulumi-kubernetes-1", time: new Date(1000), fieldsV1: { "f:spec": { "f:selector": { "f:canary.dev/revision": {} } } } },
    { manager: "kubectl-edit", time: new Date(2000), fieldsV1: { "f:spec": { "f:selector": {} } } },
    { manager: "somebody", time: new Date(3000), fieldsV1: { "f:spec": { "f:ports": {} } } },
  ] } },
});
const ingress = (annotations: Record<string, string>) => ({ metadata: {
  annotations: Object.fromEntries(Object.entries(annotations).map(([key, value]) => [`nginx.ingress.kubernetes.io/${key}`, value])),
  managedFields: [{ manager: "pulumi-kubernetes-1", time: new Date(1000), fieldsV1: { "f:metadata": { "f:annotations": { "f:nginx.ingress.kubernetes.io/canary-weight": {} } } } }],
} });
const route = (stable: number, canary: number) => ({
  metadata: { annotations: { kept: "yes" }, managedFields: [{ manager: "kubectl-patch", time: "2026-01-01T00:00:00Z", fieldsV1: { "f:spec": { "f:rules": {} } } }] },
  spec: { rules: [
    { backendRefs: [{ name: "shop-canary", port: 80 }] },
    { backendRefs: [{ name: "shop-stable", port: 80, weight: stable }, { name: "shop-canary", port: 80, weight: canary }] },
  ] },
});

describe("traffic sent home by live patches", () => {
  it("is weight 0 on the Ingress and the stable selector on the canary Service, each with the reason as an annotation", async () => {
    const { access, patches } = cluster(services("shop-v1-1", "shop-v2-2"));
    await sendHome(access, routed("ingress-nginx", "shop"), "errors: 20 % failed");
    const [weight, canary] = [patches.find(({ kind }) => kind === "Ingress")!, patches.find(({ kind }) => kind === "Service")!];
    expect(patches).to.have.length(2);
    expect(weight).to.include({ name: "shop-canary", namespace: "shop", fieldManager: "canary-driver" });
    expect(weight.body).to.deep.equal({ metadata: { annotations: { "nginx.ingress.kubernetes.io/canary-weight": "0", "canary.dev/intent": "errors: 20 % failed" } } });
    expect(canary).to.include({ name: "shop-canary", namespace: "shop", fieldManager: "canary-driver" });
    expect(canary.body).to.deep.equal({ metadata: { annotations: { "canary.dev/intent": "errors: 20 % failed" } }, spec: { selector: selector("shop", "shop-v1-1") } });
  });

  it("is weights 100 and 0 of the HTTPRoute's split alone, each guarded by a test of the backend's name", async () => {
    const { access, patches } = cluster({ ...services("shop-v1-1", "shop-v2-2"), "HTTPRoute shop": route(75, 25) });
    await sendHome(access, routed("gateway-api", "shop"), "by hand");
    expect(patches.find(({ kind }) => kind === "HTTPRoute")!.body).to.deep.equal([
      { op: "test", path: "/spec/rules/1/backendRefs/0/name", value: "shop-stable" },
      { op: "add", path: "/spec/rules/1/backendRefs/0/weight", value: 100 },
      { op: "test", path: "/spec/rules/1/backendRefs/1/name", value: "shop-canary" },
      { op: "add", path: "/spec/rules/1/backendRefs/1/weight", value: 0 },
      { op: "add", path: "/metadata/annotations/canary.dev~1intent", value: "by hand" },
    ]);
  });

  it("reads an HTTPRoute again that changed between reading and patching", async () => {
    let refused = 0;
    const { access, patches } = cluster({ ...services("a", "b"), "HTTPRoute shop": route(75, 25) }, ({ kind }) =>
      kind === "HTTPRoute" && refused++ === 0 ? Object.assign(new Error("test failed"), { code: 422 }) : undefined);
    await sendHome(access, routed("gateway-api", "shop"));
    expect(patches.filter(({ kind }) => kind === "HTTPRoute")).to.have.length(1);
  });

  it("reaches every service and every object before it says in one sentence what could not be patched", async () => {
    const both = { ...services("a", "b"), "Service api-stable": { spec: { selector: selector("api", "x") } } };
    const forbidden = Object.assign(new Error("HTTP-Code: 403"), { code: 403, body: JSON.stringify({ message: 'ingresses "shop-canary" is forbidden' }) });
    const { access, patches } = cluster(both, ({ kind, name }) => (kind === "Ingress" && name === "shop-canary" ? forbidden : undefined));
    const failure = await sendHome(access, routed("ingress-nginx", "shop", "api")).then(() => undefined, (error: Error) => error);
    expect(failure).to.be.instanceOf(TrafficError);
    expect(failure?.message).to.equal('The live objects could not be patched: shop: ingresses "shop-canary" is forbidden.');
    expect(patches.map(({ kind, name }) => `${kind} ${name}`).sort()).to.deep.equal(["Ingress api-canary", "Service api-canary", "Service shop-canary"]);
  });

  it("points the stable Services at the revisions that an undo names, and no other", async () => {
    const { access, patches } = cluster({});
    await stableHome(access, routed("ingress-nginx", "shop", "api"), { shop: "shop-v1-1" }, "undo to v1");
    expect(patches).to.have.length(1);
    expect(patches[0]).to.include({ kind: "Service", name: "shop-stable" });
    expect(patches[0]!.body).to.deep.equal({ metadata: { annotations: { "canary.dev/intent": "undo to v1" } }, spec: { selector: selector("shop", "shop-v1-1") } });
  });
});

describe("live traffic", () => {
  it("is read with the field managers that wrote it last", async () => {
    const { access } = cluster({ ...services("shop-v1-1", "shop-v2-2"), "Ingress shop-canary": ingress({ "canary-weight": "25" }) });
    expect(await liveTraffic(access, routed("ingress-nginx", "shop"))).to.deep.equal([{
      service: "shop", object: "Ingress shop-canary", weight: 25, weightManager: "pulumi-kubernetes-1",
      canaryRevision: "shop-v2-2", stableRevision: "shop-v1-1", selectorManager: "kubectl-edit",
    }]);
  });

  it("counts a weight in percent of its total, and a total of at most 100 as 100", async () => {
    for (const [annotations, weight] of [[{ "canary-weight": "250", "canary-weight-total": "1000" }, 25], [{ "canary-weight": "25", "canary-weight-total": "50" }, 25]] as const) {
      const { access } = cluster({ "Ingress shop-canary": ingress(annotations) });
      expect((await liveTraffic(access, routed("ingress-nginx", "shop")))[0]!.weight).to.equal(weight);
    }
  });

  it("of an HTTPRoute is the canary's share of the weights, and a backend without a weight has 1", async () => {
    const unweighted = route(0, 0);
    unweighted.spec.rules[1]!.backendRefs = unweighted.spec.rules[1]!.backendRefs.map(({ name, port }) => ({ name, port }));
    for (const [object, weight] of [[route(75, 25), 25], [route(0, 100), 100], [route(0, 0), 0], [unweighted, 50]] as const) {
      const { access } = cluster({ "HTTPRoute shop": object });
      const [live] = await liveTraffic(access, routed("gateway-api", "shop"));
      expect(live).to.deep.include({ object: "HTTPRoute shop", weight, weightManager: "kubectl-patch" });
    }
  });

  it("of objects that are gone is undefined, and a cluster that does not answer is an error of one sentence", async () => {
    const [gone] = await liveTraffic(cluster({}).access, routed("ingress-nginx", "shop"));
    expect(gone).to.include({ weight: undefined, canaryRevision: undefined });
    const broken = cluster({ "Ingress shop-canary": new Error("connect ECONNREFUSED 127.0.0.1:1\nat …") });
    const failure = await liveTraffic(broken.access, routed("ingress-nginx", "shop")).then(() => undefined, (error: Error) => error);
    expect(failure?.message).to.equal("The live objects could not be read: shop: connect ECONNREFUSED 127.0.0.1:1.");
  });

  it("is home at weight 0 with both Services on one revision, and not before", () => {
    const live = { service: "shop", object: "Ingress shop-canary", weight: 0, canaryRevision: "a", stableRevision: "a" };
    expect(isHome(live)).to.equal(true);
    expect(isHome({ ...live, weight: 1 })).to.equal(false);
    expect(isHome({ ...live, canaryRevision: "b" })).to.equal(false);
    expect(isHome({ ...live, weight: undefined, canaryRevision: undefined })).to.equal(true);
  });
});
