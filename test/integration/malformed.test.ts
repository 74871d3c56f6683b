import { spawn } from "node:child_process";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { expect } from "chai";
import { ensureToolchain } from "../../sandbox/toolchain";
import { expectSentences } from "../unit/malformed/oracle";

const CANARY = path.resolve(__dirname, "../../..", "bin/canary.js");
const STACK_FILE = "config:\n  canary:namespace: shop\n  canary:stable: v1\n  canary:services:\n    shop: { image: shop, port: 8080, hosts: [shop.example] }\n";
/** Nobody listens there. */
const KUBECONFIG = JSON.stringify({ apiVersion: "v1", kind: "Config", clusters: [{ name: "c", cluster: { server: "https://127.0.0.1:9" } }], users: [{ name: "u", user: { token: "old" } }], contexts: [{ name: "c", context: { cluster: "c", user: "u" } }], "current-context": "c" });

interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

describe("a process of canary that cannot do its work", function () {
  this.timeout(120_000);
  let dir: string;
  let tools: string;

  before(async () => {
    tools = (await ensureToolchain()).env({ PATH: "/usr/bin:/bin" }).PATH!;
    dir = fs.mkdtempSync(path.join(os.tmpdir(), "canary-process-"));
  });
  after(() => fs.rmSync(dir, { recursive: true, force: true }));
  beforeEach(() => {
    fs.rmSync(dir, { recursive: true, force: true });
    for (const folder of ["state", "none"]) fs.mkdirSync(path.join(dir, folder), { recursive: true });
    fs.writeFileSync(path.join(dir, "Pulumi.yaml"), "name: shop\nruntime: nodejs\nmain: index.js\n");
    fs.writeFileSync(path.join(dir, "index.js"), "");
    fs.writeFileSync(path.join(dir, "Pulumi.dev.yaml"), STACK_FILE);
    fs.writeFileSync(path.join(dir, "kubeconfig"), KUBECONFIG);
  });

  /** Runs it in the project's folder with an environment of its own; undefined removes a variable. */
  function run(args: readonly string[], env: Readonly<Record<string, string | undefined>> = {}, cwd = dir, before?: string): Promise<Ended> {
    const usual = { PATH: tools, HOME: dir, KUBECONFIG: path.join(dir, "kubeconfig"), PULUMI_BACKEND_URL: `file://${dir}/state`, PULUMI_CONFIG_PASSPHRASE: "right", RETRY_COUNT: "1", PULUMI_SKIP_UPDATE_CHECK: "true" };
    const all = Object.fromEntries(Object.entries({ ...usual, ...env }).filter((entry): entry is [string, string] => entry[1] !== undefined));
    const [command, ...rest] = before === undefined ? [process.execPath, CANARY, ...args] : ["/bin/sh", "-c", before, process.execPath, CANARY, ...args];
    return new Promise((resolve, reject) => {
      const child = spawn(command!, rest, { cwd, env: all, stdio: ["ignore", "pipe", "pipe"] });
      const said = { stdout: "", stderr: "" };
      child.stdout.on("data", (text) => (said.stdout += text));
      child.stderr.on("data", (text) => (said.stderr += text));
      child.on("error", reject).on("close", (code) => resolve({ code, ...said }));
    });
  }

  async function refused(args: readonly string[], code: number, names: string | RegExp, env: Readonly<Record<string, string | undefined>> = {}, cwd?: string): Promise<Ended> {
    const ended = await run(args, env, cwd);
    expectSentences(ended.stderr, args.join(" "));
    expect(ended.stderr).to.match(/^(canary|error): /);
    if (typeof names === "string") expect(ended.stderr).to.include(names);
    else expect(ended.stderr).to.match(names);
    expect(ended.code, ended.stderr).to.equal(code);
    expect(fs.readFileSync(path.join(dir, "Pulumi.dev.yaml"), "utf8")).to.equal(STACK_FILE);
    return ended;
  }

  const deploy = ["deploy", "v2", "--yes", "--stack", "dev"];

  it("says what is wrong with its arguments on standard error, with 64", async () => {
    for (const [args, names] of [
      [[], "Usage"], [["bogus"], "unknown command 'bogus'"], [["deploy", "--bogus", "--stack", "dev"], "--bogus"], [["deploy", "a b", "--stack", "dev"], "The version is"], [["traffic", "150", "--stack", "dev"], "The weight is"],
      [["status", "--stack", "../../etc/passwd"], "--stack is"], [["status", "--stack", "nope"], "Pulumi.nope.yaml"], [["deploy", "v2", "--stack", "dev", "--canary-weight", "lots"], "--canary-weight"], [["analyze", "nowhere"], "nowhere"],
      [["status", "--stack", "dev", "--kubeconfig", "nowhere"], "--kubeconfig"], [["deploy", "v2", "--stack", "dev", "--context", "nowhere"], "nowhere"], [["status", "--stack", "dev", "--cwd", "nowhere"], "nowhere"],
    ] as const) {
      const ended = await run(args);
      expect(ended.code, args.join(" ")).to.equal(64);
      expect(ended.stderr).to.include(names);
      expect(ended.stdout).to.equal("");
      expect(ended.stderr).not.to.match(/^\s+at /m);
    }
  });

  it("shows its stack trace with --debug, and the same exit code", async () => {
    const ended = await run(["status", "--stack", "nope", "--debug"]);
    expect(ended.stderr).to.match(/UsageError: .*Pulumi\.nope\.yaml.*\n +at /);
    expect(ended.code).to.equal(64);
  });

  it("is not ended by a reader that goes away, nor shows a trace where its folder is gone", async () => {
    const closed = await run(["--help"], {}, dir, '"$0" "$@" 2>&1 | true');
    expect(closed.stderr + closed.stdout).not.to.match(/^\s+at /m);
    const gone = fs.mkdtempSync(path.join(dir, "gone-"));
    const ended = await run(["status", "--stack", "dev"], {}, gone, `rmdir "${gone}"; exec "$0" "$@"`);
    expect(ended.stderr).to.equal("canary: The folder that this was started in is gone: change to one that is there.\n");
    expect(ended.code).to.equal(64);
  });

  it("names the Pulumi.yaml that is missing, broken, or of another program", async () => {
    const file = path.join(dir, "Pulumi.yaml");
    for (const [text, names] of [["", "it must be a map"], ["[a", "is no valid YAML"], ["name: [x]\n", "its key name"], ["name: shop\nmain: 5\n", "its key main"], ["name: shop\nruntime: nodejs\nmain: nowhere.js\n", '"nowhere.js", which is not there'], ["name: shop\nbackend: x\n", "its key backend"]] as const) {
      fs.writeFileSync(file, text);
      await refused(["init", "--stack", "dev"], 64, names);
    }
    fs.rmSync(file);
    await refused(deploy, 64, "Pulumi.yaml cannot be read (it is not there)");
  });

  it("names the cluster that cannot be reached, or the kubeconfig that is none", async () => {
    await refused(deploy, 1, "The API server https://127.0.0.1:9 cannot be reached");
    await refused(deploy, 64, "there is no kubeconfig", { KUBECONFIG: undefined, HOME: path.join(dir, "none") });
    for (const [text, names] of [["{", "is no kubeconfig"], ["hello", "no current context"], [KUBECONFIG.replace("https://127.0.0.1:9", "nonsense"), "which is no URL"], [KUBECONFIG.replace("https", "http"), "plain HTTP"]] as const) {
      fs.writeFileSync(path.join(dir, "kubeconfig"), text);
      await refused(deploy, 64, names);
    }
  });

  it("names what is wrong with Pulumi: no CLI, one that is too old or broken, no backend, another passphrase", async () => {
    const fake = (text: string): string => {
      fs.mkdirSync(path.join(dir, "bin"), { recursive: true });
      fs.writeFileSync(path.join(dir, "bin", "pulumi"), `#!/bin/sh\n${text}\n`, { mode: 0o755 });
      return `${dir}/bin:/usr/bin:/bin`;
    };
    await refused(["init", "--stack", "dev"], 1, "The Pulumi CLI is not found", { PATH: path.join(dir, "none") });
    await refused(["init", "--stack", "dev"], 1, /Pulumi CLI.*v?2\.0\.0/, { PATH: fake("echo v2.0.0") });
    await refused(["init", "--stack", "dev"], 1, "does not tell its version", { PATH: fake("echo nonsense") });
    await refused(["init", "--stack", "dev"], 1, "exit code 7", { PATH: fake("exit 7") });
    await refused(["init", "--stack", "dev"], 1, "set PULUMI_BACKEND_URL", { PULUMI_BACKEND_URL: `file://${dir}/nowhere` });
    await refused(["init", "--stack", "dev"], 1, "PULUMI_BACKEND_URL", { PULUMI_BACKEND_URL: "nonsense://x" });
    await refused(["init", "--stack", "dev"], 1, "set PULUMI_CONFIG_PASSPHRASE", { PULUMI_CONFIG_PASSPHRASE: undefined });
  });
});
