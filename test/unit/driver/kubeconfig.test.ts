import { execFileSync } from "node:child_process";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { expect } from "chai";
import type { ClusterChoice } from "../../../driver/cluster/client";
import { UsageError } from "../../../driver/errors";
import { chooseCluster, readSettings, type ChosenCluster, type Environment, type Flags } from "../../../driver/settings";

const KUBECONFIG = `apiVersion: v1
kind: Config
current-context: here
clusters: [{name: local, cluster: {server: "https://127.0.0.1:1"}}]
contexts: [{name: here, context: {cluster: local, user: me}}, {name: there, context: {cluster: local, user: me}}]
users: [{name: me, user: {token: hidden}}]
`;
const base64 = (text: string): string => Buffer.from(text).toString("base64");

describe("the choice of the cluster", () => {
  const open: ChosenCluster[] = [];
  let dir: string;
  beforeEach(() => void (dir = fs.mkdtempSync(path.join(os.tmpdir(), "canary-test-"))));
  afterEach(() => {
    open.splice(0).forEach((cluster) => cluster.dispose());
    fs.rmSync(dir, { recursive: true });
  });

  const choose = (stack: string, flags: Flags, env: Environment = {}, configured: ClusterChoice = {}): ChosenCluster => {
    const cluster = chooseCluster(stack, readSettings(flags, env), configured, env);
    open.push(cluster);
    return cluster;
  };

  it("is the stack file's own when nobody says otherwise, and then Pulumi is told nothing", () => {
    expect(choose("dev", {}, { KUBE_CONFIG_PROD: base64(KUBECONFIG) }, { context: "here" })).to.deep.include({ choice: { context: "here" }, env: {} });
  });

  for (const [stack, variable] of [["production", "KUBE_CONFIG_PROD"], ["org/shop/prod", "KUBE_CONFIG_PROD"], ["staging", "KUBE_CONFIG_STAGING"]] as const)
    it(`is ${variable} for the stack ${stack}, in a file that only its owner can read and that is gone afterwards`, () => {
      const cluster = choose(stack, {}, { [variable]: base64(KUBECONFIG) });
      const file = cluster.env["KUBECONFIG"]!;
      expect(cluster.choice).to.deep.equal({ kubeconfig: file });
      expect(fs.readFileSync(file, "utf8")).to.equal(KUBECONFIG);
      expect(fs.statSync(file).mode & 0o777).to.equal(0o600);
      expect(fs.statSync(path.dirname(file)).mode & 0o777).to.equal(0o700);
      cluster.dispose();
      expect(fs.existsSync(path.dirname(file))).to.equal(false);
    });

  it("leaves no file behind when the process ends without cleaning up", () => {
    const script = `
      const { chooseCluster, readSettings } = require(${JSON.stringify(path.resolve(__dirname, "../../../driver/settings"))});
      const { env } = chooseCluster("prod", readSettings({}, { KUBE_CONFIG_PROD: ${JSON.stringify(base64(KUBECONFIG))} }), {}, {});
      process.stdout.write(env.KUBECONFIG + " " + require("fs").existsSync(env.KUBECONFIG));
      process.exit(3);`;
    let output = "";
    try {
      execFileSync(process.execPath, ["-e", script], { encoding: "utf8" });
    } catch (error) {
      output = (error as { stdout: string }).stdout;
    }
    const [file, was] = output.split(" ");
    expect(was).to.equal("true");
    expect(fs.existsSync(path.dirname(file!))).to.equal(false);
  });

  it("is a file named by --kubeconfig, whatever the variables say", () => {
    const file = path.join(dir, "config");
    fs.writeFileSync(file, KUBECONFIG);
    expect(choose("prod", { kubeconfig: file }, { KUBE_CONFIG_PROD: base64(KUBECONFIG) })).to.deep.include({ choice: { kubeconfig: file }, env: { KUBECONFIG: file } });
    expect(() => choose("prod", { kubeconfig: path.join(dir, "none") })).to.throw(UsageError, "which cannot be read (it is not there): name a kubeconfig's file.");
  });

  it("is another context of the usual kubeconfig, of which Pulumi is told by a first file that names only that", async () => {
    const file = path.join(dir, "config");
    fs.writeFileSync(file, KUBECONFIG);
    const cluster = choose("dev", { context: "there" }, { KUBECONFIG: file });
    expect(cluster.choice).to.deep.equal({ context: "there" });
    const [first, second] = cluster.env["KUBECONFIG"]!.split(path.delimiter);
    expect(second).to.equal(file);
    expect(JSON.parse(fs.readFileSync(first!, "utf8"))).to.deep.equal({ apiVersion: "v1", kind: "Config", "current-context": "there" });
  });

  it("is not made against the stack file, because Pulumi would follow that", () => {
    const env = { KUBE_CONFIG_PROD: base64(KUBECONFIG) };
    expect(() => choose("prod", {}, env, { kubeconfig: "/elsewhere" })).to.throw(UsageError, "KUBE_CONFIG_PROD and kubernetes:kubeconfig in the stack file of prod both choose a cluster, and Pulumi would take the latter: leave one of them out.");
    expect(() => choose("dev", { context: "there" }, {}, { context: "here" })).to.throw(UsageError, '--context is "there", and kubernetes:context in the stack file of dev is "here", which Pulumi would take: leave one of them out.');
    expect(() => choose("dev", { context: "there" }, {}, { kubeconfig: "/elsewhere" })).to.throw(UsageError, "--context cannot be told to Pulumi while the stack file of dev has kubernetes:kubeconfig: set kubernetes:context there.");
    expect(choose("dev", { context: "here" }, {}, { context: "here" }).env).to.deep.equal({});
  });

  it("does not mind a broken kubeconfig of another stack", () => {
    expect(choose("staging", {}, { KUBE_CONFIG_PROD: "hidden!", KUBE_CONFIG_STAGING: "" }).env).to.deep.equal({});
  });

  it("never shows what a broken kubeconfig contains", () => {
    const cases = [
      ["hidden!", "KUBE_CONFIG_PROD is no base64: set it to what `base64 -w0 < kubeconfig` writes."],
      [base64("token: [hidden"), "KUBE_CONFIG_PROD holds no kubeconfig: its text is no valid YAML."],
      [base64("token: hidden"), "KUBE_CONFIG_PROD holds no kubeconfig: it must have clusters and contexts."],
    ] as const;
    for (const [value, sentence] of cases) {
      const error = (() => {
        try {
          choose("prod", {}, { KUBE_CONFIG_PROD: value });
        } catch (thrown) {
          return thrown as Error;
        }
        return expect.fail("it was taken");
      })();
      expect(error.message).to.equal(sentence);
      expect(String(error.stack) + String(error.cause)).to.not.contain("hidden");
    }
  });
});
