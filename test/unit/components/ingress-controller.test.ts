import * as pulumi from "@pulumi/pulumi";
import { expect } from "chai";
import { IngressController, parseConfig } from "../../../components";
import { mergeValues } from "../../../components/ingress-controller/charts";
import { declare, find, namesOf, stack } from "./declare";

const NGINX = "IngressController";
/** The app's own counters, which no controller has. */
const analysis = { source: "app" };
const declared = async (ingressController: unknown, keys: object = {}) => (await declare(stack({ ingressController, analysis, ...keys }))).resources;
const release = async (ingressController: unknown, keys: object = {}) => find(await declared(ingressController, keys), "Release", "traefik").inputs;
const helm = async (ingressController: unknown, keys: object = {}) =>
  (await declared(ingressController, keys)).find(({ type }) => type === `kubernetes-ingress-nginx:index:${NGINX}`)!.inputs.helmOptions;

const problem = (ingressController: unknown): string => {
  try {
    parseConfig(stack({ ingressController }));
    return "";
  } catch (error) {
    return (error as Error).message;
  }
};

describe("the ingress controller", () => {
  it("is taken to be there by default", async () => {
    for (const resources of [await declared(undefined), await declared("existing")]) {
      expect(resources.filter(({ type }) => /IngressController|Release$|IngressClass/.test(type) && !type.startsWith("canary:release"))).to.deep.equal([]);
    }
  });

  it("is ingress-nginx by its own component with `install`, in a pinned version, with metrics", async () => {
    expect(await helm("install")).to.deep.include({ name: "ingress-nginx", chart: "ingress-nginx", version: "4.15.1", namespace: "ingress-nginx", createNamespace: true, repositoryOpts: { repo: "https://kubernetes.github.io/ingress-nginx" } });
    expect((await helm("install")).values.controller).to.deep.include({ replicaCount: 2, ingressClassResource: { name: "nginx", enabled: true, controllerValue: "k8s.io/ingress-nginx" }, metrics: { enabled: true } });
    expect(await helm({ install: "ingress-nginx" })).to.deep.equal(await helm("install"));
  });

  it("gives the ingress-nginx component Helm values alone, because its own arguments would replace the user's", async () => {
    const resource = (await declared({ install: "ingress-nginx", values: { controller: { config: { "use-gzip": "true" } } } })).find(({ type }) => type.endsWith(`:index:${NGINX}`))!;
    expect(Object.keys(resource.inputs).filter((key) => resource.inputs[key] !== undefined)).to.deep.equal(["helmOptions"]);
    expect(resource.inputs.helmOptions.values.controller).to.deep.include({ replicaCount: 2, config: { "use-gzip": "true" } });
  });

  it("is Traefik by its chart, with the ingress-nginx provider, service labels and buckets that have an edge at 1 s", async () => {
    const { chart, version, repositoryOpts, values } = await release({ install: "traefik" });
    expect({ chart, version, repositoryOpts }).to.deep.equal({ chart: "traefik", version: "41.5.0", repositoryOpts: { repo: "https://traefik.github.io/charts" } });
    expect(values.providers).to.deep.equal({
      kubernetesIngressNGINX: { enabled: true, ingressClass: "nginx", controllerClass: "k8s.io/ingress-nginx", publishService: { enabled: true } },
      kubernetesIngress: { enabled: false },
    });
    expect(values.additionalArguments).to.deep.equal(["--metrics.prometheus.addserviceslabels=true", "--metrics.prometheus.buckets=0.005,0.01,0.025,0.05,0.1,0.25,0.5,1,2.5,5,10"]);
  });

  it("declares the class that Traefik serves, which its chart does not", async () => {
    const resources = await declared({ install: "traefik" });
    expect(find(resources, "IngressClass", "nginx").inputs.spec).to.deep.equal({ controller: "k8s.io/ingress-nginx" });
    expect(namesOf(await declared("install"), "IngressClass")).to.deep.equal([]);
  });

  it("serves a class of another name as a controller of its own", async () => {
    const keys = { ingressClass: "canary" };
    const { values } = await release({ install: "traefik" }, keys);
    expect(values.providers.kubernetesIngressNGINX).to.include({ ingressClass: "canary", controllerClass: "canary.dev/canary" });
    expect(find(await declared({ install: "traefik" }, keys), "IngressClass", "canary").inputs.spec).to.deep.equal({ controller: "canary.dev/canary" });
    expect((await helm("install", keys)).values.controller).to.deep.include({ ingressClass: "canary", electionID: "canary-leader" });
  });

  it("takes a version, a mirror, a namespace, a size and values", async () => {
    const install = { install: "traefik", chartVersion: "41.6.0", repository: "https://charts.example", namespace: "edge", replicas: 4, values: { deployment: { kind: "DaemonSet" }, additionalArguments: ["--accesslog=true"] } };
    const { version, repositoryOpts, namespace, values } = await release(install);
    expect({ version, repositoryOpts, namespace }).to.deep.equal({ version: "41.6.0", repositoryOpts: { repo: "https://charts.example" }, namespace: "edge" });
    expect(values.deployment).to.deep.equal({ replicas: 4, kind: "DaemonSet" });
    expect(values.additionalArguments).to.have.length(3).and.include("--accesslog=true");
  });

  it("is scraped by the Prometheus operator where there is one", async () => {
    const keys = { monitoring: { operator: true, labels: { release: "prometheus" } } };
    const serviceMonitor = { enabled: true, additionalLabels: { release: "prometheus" } };
    expect((await release({ install: "traefik" }, keys)).values.metrics.prometheus.serviceMonitor).to.deep.equal(serviceMonitor);
    expect((await helm("install", keys)).values.controller.metrics).to.deep.equal({ enabled: true, serviceMonitor });
    expect((await release({ install: "traefik" })).values).to.not.have.property("metrics");
  });

  it("is ready before anything that Ingresses belong to", async () => {
    expect(find(await declared({ install: "traefik" }), "ServiceRelease", "shop").waitsFor).to.include("traefik");
  });

  it("keeps its values encrypted in the state where the config has secrets", async () => {
    const specs: unknown[] = [];
    await pulumi.runtime.setMocks({ newResource: ({ type, name, inputs }) => (type.endsWith(":Release") && specs.push(inputs.values), { id: name, state: inputs }), call: ({ inputs }) => inputs }, "canary", "test");
    const make = (secretValues: boolean): Promise<unknown> => new Promise((resolve) => new IngressController("edge", { install: "traefik", secretValues }).ingressClass.apply(resolve));
    await make(false);
    await make(true);
    expect(specs.map((values) => pulumi.runtime.isRpcSecret(values))).to.deep.equal([false, true]);
  });

  it("names its keys and values when they are wrong", () => {
    expect(problem("maybe")).to.equal('canary:ingressController is "maybe": it must be existing, install, or a map with the key install.');
    expect(problem({ install: "apache" })).to.equal('canary:ingressController.install is "apache": it must be one of ingress-nginx, traefik.');
    expect(problem({ install: "traefik", chartVersion: "^41.0.0" })).to.equal('canary:ingressController.chartVersion is "^41.0.0": it must be a chart version such as 4.15.1, never a range: a controller must not change by itself.');
    expect(problem({ install: "traefik" })).to.equal("canary:analysis.source is ingress-nginx: it must be traefik or app where canary:ingressController installs traefik.");
    expect(problem({ install: "traefik", version: "41.5.0" })).to.include("canary:ingressController.version is not a known key");
  });
});

describe("Helm values", () => {
  it("are merged map by map; a list is replaced, and arguments are added", () => {
    expect(mergeValues({ a: { b: 1, c: [1] }, additionalArguments: ["x"] }, { a: { c: [2], d: 3 }, additionalArguments: ["y"], e: null }))
      .to.deep.equal({ a: { b: 1, c: [2], d: 3 }, additionalArguments: ["x", "y"], e: null });
  });
});
