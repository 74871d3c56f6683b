import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import * as fs from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import * as path from "node:path";
import { expect } from "chai";
import { stringify } from "yaml";
import { SHOP_IMAGE } from "../../sandbox/demo/images";
import { kubernetes, shopStack, type Shop } from "../integration/harness";

const NAME = "traefik";
const VERSION = "41.5.0";

/** A Helm repository with one chart of Traefik's name and version, which writes down what values it was given. The real one is elsewhere. */
async function chartRepository(folder: string): Promise<{ url: string; asked: string[]; server: Server }> {
  const chart = path.join(folder, NAME);
  fs.mkdirSync(path.join(chart, "templates"), { recursive: true });
  fs.writeFileSync(path.join(chart, "Chart.yaml"), stringify({ apiVersion: "v2", name: NAME, version: VERSION }));
  const values = { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "values" } };
  fs.writeFileSync(path.join(chart, "templates", "values.yaml"), `${stringify(values)}data:\n  values.json: {{ toJson .Values | quote }}\n`);
  const file = `${NAME}-${VERSION}.tgz`;
  execFileSync("tar", ["-czf", path.join(folder, file), "-C", folder, NAME]);
  const archive = fs.readFileSync(path.join(folder, file));
  const asked: string[] = [];
  const server = createServer((request, response) => {
    asked.push(request.url!);
    const entry = { apiVersion: "v2", name: NAME, version: VERSION, urls: [file], digest: createHash("sha256").update(archive).digest("hex") };
    const newer = { ...entry, version: "99.0.0", urls: ["newer.tgz"] };
    if (request.url === "/index.yaml") response.end(stringify({ apiVersion: "v1", entries: { [NAME]: [newer, entry] } }));
    else if (request.url === `/${file}`) response.end(archive);
    else response.writeHead(404).end();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, asked, server };
}

describe("an installed ingress controller on the embedded cluster", function () {
  this.timeout(180_000);
  let shop: Shop;
  let repository: Awaited<ReturnType<typeof chartRepository>>;
  let output = "";

  before(async () => {
    const services = { shop: { image: SHOP_IMAGE, port: 8080, hosts: ["edge.example"], workload: { progressDeadline: "30s" } } };
    shop = await shopStack("edge", { stable: "v1", services, ingressClass: "edge" });
    repository = await chartRepository(shop.cluster.files.file("charts"));
    for (const kind of ["CACHE", "CONFIG", "DATA"]) shop.env[`HELM_${kind}_HOME`] = shop.cluster.files.file("helm", kind);
    shop.edit("config:\n", `config:\n  canary:ingressController: {install: traefik, namespace: edge-system, repository: "${repository.url}", values: {deployment: {kind: DaemonSet}}}\n`);
    const up = await shop.pulumi("up", "--yes", "--skip-preview");
    output = up.output;
    expect(up.code, output).to.equal(0);
  });
  after(() => repository.server.close());

  it("comes from the repository that is named, in the pinned version although there is a newer one", () => {
    expect(repository.asked).to.include(`/${NAME}-${VERSION}.tgz`).and.not.include("/newer.tgz");
  });

  it("gets the values that a rollout needs, with the user's among them, in its own namespace", async () => {
    const { core } = await kubernetes();
    const { data } = await core.readNamespacedConfigMap({ name: "values", namespace: "edge-system" });
    const values = JSON.parse(data!["values.json"]!);
    expect(values.deployment).to.deep.equal({ replicas: 2, kind: "DaemonSet" });
    expect(values.providers.kubernetesIngressNGINX).to.include({ enabled: true, ingressClass: "edge", controllerClass: "canary.dev/edge" });
    expect(values.additionalArguments).to.include("--metrics.prometheus.addserviceslabels=true");
  });

  it("has the class that the Ingresses name", async () => {
    const { networking } = await kubernetes();
    expect((await networking.readIngressClass({ name: "edge" })).spec?.controller).to.equal("canary.dev/edge");
    expect((await networking.readNamespacedIngress({ name: "shop-stable", namespace: shop.namespace })).spec?.ingressClassName).to.equal("edge");
  });

  it("is installed before anything of the services", () => {
    const at = (text: RegExp): number => output.split("\n").findIndex((line) => text.test(line));
    expect(at(/helm.*Release\S* traefik .*created/), output).to.be.within(0, at(/Deployment\S* shop-v1\S* .*creating/));
  });

  it("stays as it is when nothing changes", async () => {
    const { code, output: seen } = await shop.pulumi("preview", "--expect-no-changes");
    expect(code, seen).to.equal(0);
  });
});
