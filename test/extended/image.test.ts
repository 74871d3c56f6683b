import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { pathToFileURL } from "node:url";
import { expect } from "chai";
import { stringify } from "yaml";
import { recordName } from "../../components/record/format";
import { SHOP_IMAGE } from "../../sandbox/demo/images";
import { eventually } from "../integration/guarded";
import { sharedCluster } from "../integration/harness";
import { checkDockerfile, configOf, ended, inImage, Tree, type ImageConfig } from "../integration/image";

const NOBODY = 65_532;

describe("the image's entry points, as processes of their own user in a tree that cannot be written", function () {
  this.timeout(600_000);
  let dir: string;
  const app: Record<string, string> = {};
  const config: Record<string, ImageConfig> = {};

  before(async () => {
    dir = fs.mkdtempSync(path.join(os.tmpdir(), "canary-image-"));
    fs.chmodSync(dir, 0o755);
    const { stages } = await checkDockerfile();
    const tree = new Tree(dir, stages);
    for (const target of ["ci", "guard"]) {
      app[target] = await tree.of(target);
      config[target] = configOf(stages, target);
    }
  });
  after(() => fs.rmSync(dir, { recursive: true, force: true }));

  /** A folder that the image's user may write, as an emptyDir is. */
  function volume(name: string): string {
    const folder = path.join(dir, name);
    fs.mkdirSync(folder, { mode: 0o755 });
    if (process.getuid!() === 0) fs.chownSync(folder, NOBODY, NOBODY);
    return folder;
  }

  const start = (target: string, args: readonly string[], options: Parameters<typeof inImage>[3] = {}) => inImage(app[target]!, config[target]!, [...config[target]!.entrypoint, ...args], options);

  it("have no compiler and no test beside them, and no way to write", async () => {
    for (const target of ["ci", "guard"]) {
      for (const name of ["typescript", "mocha", "chai", "puppeteer-core"]) expect(fs.existsSync(path.join(app[target]!, "node_modules", name)), `${target}: ${name}`).to.equal(false);
      expect(fs.readdirSync(path.join(app[target]!, "dist")).sort()).to.deep.equal(["analysis", "components", "driver", "index.js"]);
      const { code, stderr } = await ended(inImage(app[target]!, config[target]!, ["sh", "-c", "id -u; touch /app/x"]));
      expect(code).to.not.equal(0);
      expect(stderr).to.match(/Read-only file system|Permission denied/);
    }
    expect(fs.existsSync(path.join(app["guard"]!, "node_modules/@pulumi/kubernetes"))).to.equal(false);
  });

  it("show the help when nothing is said", async () => {
    const { code, stdout, stderr } = await ended(start("ci", config["ci"]!.cmd));
    expect({ code, stderr }).to.deep.equal({ code: 0, stderr: "" });
    expect(stdout).to.match(/^ {2}deploy \[options\] \[version\]/m).and.to.match(/^ {2}rollback/m);
  });

  it("refuse a folder without a project in one sentence", async () => {
    const { code, stderr } = await ended(start("ci", ["status", "--stack", "none"], { cwd: "/tmp" }));
    expect(code).to.equal(64);
    expect(stderr).to.match(/^canary: .*Pulumi\.yaml cannot be read: .*--cwd\.\n$/);
  });

  it("refuse a guard without settings in one sentence, and are not healthy then", async () => {
    const { code, stderr } = await ended(start("guard", []));
    expect(code).to.equal(64);
    expect(stderr).to.match(/^canary guard: \/etc\/canary-guard\/settings\.json cannot be read as the guard's settings: .*\n$/);
    expect(await ended(inImage(app["guard"]!, config["guard"]!, config["guard"]!.health.slice(1)))).to.deep.include({ code: 1 });
  });

  /** What a driver or a guard needs to reach the embedded cluster, readable by the image's user. */
  async function place(name: string): Promise<{ folder: string; env: NodeJS.ProcessEnv; services: object }> {
    const { cluster, tools } = await sharedCluster();
    const folder = volume(name);
    fs.copyFileSync(cluster.files.kubeconfig, path.join(folder, "kubeconfig"));
    fs.chmodSync(path.join(folder, "kubeconfig"), 0o644);
    for (const inner of ["bin", "state", "tmp", "project"]) volume(`${name}/${inner}`);
    for (const tool of ["pulumi", "pulumi-language-nodejs", "pulumi-resource-kubernetes"]) fs.copyFileSync(tools.path(tool), path.join(folder, "bin", tool));
    const env = {
      KUBECONFIG: path.join(folder, "kubeconfig"), PATH: `${folder}/bin:${process.env.PATH}`, HOME: path.join(folder, "tmp"), PULUMI_HOME: path.join(folder, "tmp/pulumi"),
      PULUMI_BACKEND_URL: pathToFileURL(path.join(folder, "state")).href, PULUMI_CONFIG_PASSPHRASE: "open",
    };
    return { folder, env, services: { shop: { image: SHOP_IMAGE, port: 8080, hosts: [`${name}.example`], workload: { drain: "1s", progressDeadline: "30s" } } } };
  }

  it("guard a stack, answer their health check, and end at SIGTERM", async () => {
    const { folder, env, services } = await place("image-guard");
    const port = 9571;
    const settings = path.join(folder, "settings.json");
    fs.writeFileSync(settings, JSON.stringify({ stack: "image-guard", record: recordName("canary", "image-guard"), config: { namespace: "image-guard", services, guard: { image: "x", metricsPort: port } } }));
    const child = start("guard", [], { env: { ...env, CANARY_GUARD_SETTINGS: settings } });
    const end = ended(child);
    await eventually(async () => ((await fetch(`http://127.0.0.1:${port}/health`)).ok ? true : undefined), "an answer of the guard");
    const health = await ended(inImage(app["guard"]!, config["guard"]!, config["guard"]!.health.slice(1), { env: { CANARY_GUARD_SETTINGS: settings } }));
    expect(health).to.deep.equal({ code: 0, stdout: "", stderr: "" });
    child.kill("SIGTERM");
    const { code, stdout, stderr } = await end;
    expect({ code, stderr }).to.deep.equal({ code: 0, stderr: "" });
    expect(stdout).to.include("guarding the rollouts of image-guard");
  });

  it("drive a rollout of a repository that has nothing but YAML, and send the traffic home at SIGTERM", async () => {
    const { cluster } = await sharedCluster();
    const { folder, env, services } = await place("image-ci");
    const cwd = path.join(folder, "project");
    fs.writeFileSync(path.join(cwd, "Pulumi.yaml"), stringify({ name: "canary", runtime: "nodejs", main: "/app/dist/index.js" }));
    const values = { namespace: "image-ci", services, rollout: { stages: [{ weight: 50, dwell: "60s" }], warmUp: "0s", verifyTimeout: "30s" }, ingressUrl: cluster.url("ingress"), analysis: { prometheus: cluster.url("prometheus"), source: "traefik", scrapeInterval: "1s" } };
    const file = path.join(cwd, "Pulumi.image-ci.yaml");
    fs.writeFileSync(file, stringify({ config: Object.fromEntries(Object.entries(values).map(([k, v]) => [`canary:${k}`, v])) }));
    if (process.getuid!() === 0) fs.chownSync(file, NOBODY, NOBODY);
    const canary = (...args: string[]) => start("ci", [...args, "--stack", "image-ci", "--json"], { env, cwd });
    for (const args of [["init"], ["deploy", "v1"]]) {
      const { code, stdout, stderr } = await ended(canary(...args));
      expect(code, stdout + stderr).to.equal(0);
    }
    const child = canary("deploy", "v2", "--yes");
    let asked = false;
    child.stdout!.on("data", (chunk: Buffer) => {
      if (asked || !/"event":"(update|split)".*weight 50/.test(chunk.toString())) return;
      asked = true;
      child.kill("SIGTERM");
    });
    const { code, stdout, stderr } = await ended(child);
    expect(code, stdout + stderr).to.equal(130);
    expect(stdout).to.include('"outcome":"interrupted"');
  });
});
