import { execFile } from "node:child_process";
import * as fs from "node:fs";
import * as path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { expect } from "chai";
import { stringify } from "yaml";
import { createProject, type DemoProject } from "../../sandbox/demo/project";
import { Load } from "../../sandbox/demo/load";
import { SHOP_IMAGE } from "../../sandbox/demo/images";
import { kubernetes, sharedCluster } from "../integration/harness";

const CHECKOUT = path.resolve(__dirname, "../../..");

/** What a team writes that has a program of its own: no config of ours, two of our components beside a resource of theirs. */
const PROGRAM = `
const k8s = require("@pulumi/kubernetes");
const canary = require("pulumi-canary");

const namespace = new k8s.core.v1.Namespace("theirs", { metadata: { name: "theirs" } }).metadata.name;
const { services } = canary.parseConfig({ namespace: "theirs", services: { shop: { image: "${SHOP_IMAGE}", port: 8080, hosts: ["theirs.example"], workload: { replicas: 1 } } } });
const shop = new canary.ServiceRelease("shop", {
  namespace, service: services.shop, stable: { version: "v1" }, weight: 0, partOf: "theirs", router: "ingress-nginx", ingressClass: "nginx",
});
new canary.Monitoring("watch", { namespace, operator: false, source: "traefik", services: { shop: { port: 8080, servicePort: 80 } } });
new canary.NetworkPolicies("wall", { namespace, ingressController: ["traefik"], services: { shop: { port: 8080 } } });
exports.url = shop.outputs.url;
`;

describe("components in somebody else's program on the embedded cluster", function () {
  this.timeout(120_000);
  let project: DemoProject;

  before(async () => {
    const { cluster, tools } = await sharedCluster();
    const dir = cluster.files.file("theirs");
    fs.mkdirSync(path.join(dir, "node_modules"), { recursive: true });
    fs.symlinkSync(path.join(CHECKOUT, "node_modules", "@pulumi"), path.join(dir, "node_modules", "@pulumi"));
    fs.symlinkSync(CHECKOUT, path.join(dir, "node_modules", "pulumi-canary"));
    fs.writeFileSync(path.join(dir, "Pulumi.yaml"), stringify({ name: "theirs", runtime: { name: "nodejs", options: { typescript: false } }, main: "index.js" }));
    fs.writeFileSync(path.join(dir, "index.js"), PROGRAM);
    project = { ...createProject(cluster, tools, "theirs"), dir };
  });

  const pulumi = (...args: string[]): Promise<{ code: number; output: string }> =>
    new Promise((resolve) => execFile("pulumi", [...args, "--non-interactive", "--color", "never"], { cwd: project.dir, env: project.env }, (error, stdout, stderr) =>
      resolve({ code: typeof error?.code === "number" ? error.code : error ? 1 : 0, output: stdout + stderr })));

  it("deploy without any config of ours, and serve", async () => {
    expect((await pulumi("stack", "init", "live")).code).to.equal(0);
    const up = await pulumi("up", "--yes", "--skip-preview", "--stack", "live");
    expect(up.code, up.output).to.equal(0);
    expect(up.output).to.include("http://theirs.example/");
    const { core, networking } = await kubernetes();
    const dashboard = await core.readNamespacedConfigMap({ name: "watch-live-dashboard", namespace: "theirs" });
    expect(dashboard.metadata?.labels).to.include({ grafana_dashboard: "1" });
    expect((await networking.readNamespacedNetworkPolicy({ name: "shop", namespace: "theirs" })).spec?.ingress).to.have.length(1);
    const { cluster } = await sharedCluster();
    // Longer than Traefik waits between two readings of its configuration.
    await sleep(4000);
    const load = new Load({ url: cluster.url("ingress"), host: "theirs.example", rate: 50, seconds: 1 }).start();
    await sleep(1200);
    expect(Object.keys(await load.stop())).to.deep.equal(["v1"]);
  });

  it("go again with the stack", async () => {
    const down = await pulumi("destroy", "--yes", "--skip-preview", "--stack", "live");
    expect(down.code, down.output).to.equal(0);
  });
});
