import { spawnSync } from "node:child_process";
import { expect } from "chai";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { complete } from "../../../driver/cli/completion";
import { scriptFor } from "../../../driver/cli/shells";
import { commandLine } from "../../../driver/cli/program";

const words = (...line: string[]): string[] => {
  const found = complete(commandLine(), line, { CANARY_CWD: process.cwd() });
  return "own" in found ? [`:${found.own}`] : found.words.map(({ value }) => value);
};

describe("shell completion", () => {
  it("knows the verbs, each with what it does, and not the hidden one", () => {
    const found = complete(commandLine(), ["pr"]);
    expect("words" in found && found.words).to.deep.equal([{ value: "promote", description: "make the canary the stable version" }, { value: "preview", description: "what each step of a rollout would change" }]);
    expect(words("")).to.include.members(["deploy", "completion"]).and.not.include("complete");
  });

  it("knows the options of a verb by its name or its alias, without those that stand on the line already", () => {
    expect(words("deploy", "--st")).to.deep.equal(["--stack", "--stages"]);
    expect(words("deploy", "--stack", "eu", "--st")).to.deep.equal(["--stages"]);
    expect(words("list-releases", "--li")).to.deep.equal(["--limit"]);
  });

  it("knows the stacks by their files, where --cwd or CANARY_CWD says", () => {
    const dir = fs.mkdtempSync(path.join(os.tmpdir(), "canary-completion-"));
    for (const name of ["Pulumi.yaml", "Pulumi.eu.yaml", "Pulumi.us.yaml", "Pulumi.eu.yaml.bak"]) fs.writeFileSync(path.join(dir, name), "");
    try {
      expect(words("deploy", "--cwd", dir, "--stack", "")).to.deep.equal(["eu", "us"]);
      expect(words("deploy", `--cwd=${dir}`, "--wave", "eu,")).to.deep.equal(["eu,us"]);
      expect(words("deploy", "--cwd", path.join(dir, "nowhere"), "--stack", "")).to.deep.equal([]);
      expect(words("status", "-s", "p")).to.deep.equal(["production"]);
    } finally {
      fs.rmSync(dir, { recursive: true });
    }
  });

  it("knows the values that an option or an argument may have, joined by = or not", () => {
    expect(words("deploy", "--plan", "")).to.deep.equal(["canary", "blue-green"]);
    expect(words("deploy", "--plan=b")).to.deep.equal(["--plan=blue-green"]);
    expect(words("backtest", "--source", "traefik")).to.deep.equal(["traefik", "traefik-gateway"]);
    expect(words("traffic", "--stack", "eu", "")).to.include("25");
    expect(words("completion", "z")).to.deep.equal(["zsh"]);
  });

  it("leaves files and folders to the shell", () => {
    expect(words("analyze", "x")).to.deep.equal([":files"]);
    expect(words("status", "--cwd", "")).to.deep.equal([":folders"]);
    expect(words("status", "--kubeconfig", "")).to.deep.equal([":files"]);
  });

  it("has nothing for what it does not know", () => {
    expect(words("deplyo", "--st")).to.deep.equal([]);
    expect(words("init", "v1", "v2", "")).to.deep.equal([]);
  });

  it("loads neither Pulumi's Automation API nor a Kubernetes client, which take a second", function () {
    this.timeout(30_000);
    const program = 'process.on("exit", () => console.error(Object.keys(require.cache).join("\\n"))); require("./dist/driver/main.js");';
    const { stdout, stderr } = spawnSync(process.execPath, ["-e", program, "canary", "complete", "--", "dep"], { encoding: "utf8" });
    expect(stdout).to.include("deploy\t");
    expect(stderr).to.include("commander");
    expect(stderr).to.not.match(/node_modules\/@pulumi\/pulumi\/automation|node_modules\/@kubernetes\/client-node/);
  });

  describe("in bash", function () {
    this.timeout(30_000);
    const script = path.join(os.tmpdir(), `canary-completion-${process.pid}.bash`);
    before(() => fs.writeFileSync(script, scriptFor("bash")));
    after(() => fs.rmSync(script));

    /** Types keys into an interactive bash at a terminal of its own, and returns the arguments that each command then had. */
    function typed(...lines: string[]): string[] {
      const keys = [`source ${script}`, "PS1= PS2=", 'canary() { printf "[%s]" "had:" "$@"; echo; }', ...lines, "exit", ""].join("\n");
      const { stdout } = spawnSync("script", ["-qec", "bash --noprofile --norc -i", "/dev/null"], { input: keys, encoding: "utf8", env: { ...process.env, TERM: "dumb", CANARY_CWD: process.cwd() } });
      return [...stdout.matchAll(/\[had:\](.*?)\r?\n/g)].map(([, had]) => had!);
    }

    it("completes verbs, options, stacks and files at the press of Tab", () => {
      expect(typed("canary roll\t", "canary deploy v1 --stack prod\t --ye\t", "canary deploy v1 --stack=stag\t", "canary analyze READM\t")).to.deep.equal([
        "[rollback]", "[deploy][v1][--stack][production][--yes]", "[deploy][v1][--stack=staging]", "[analyze][README.md]",
      ]);
    });

    it("evaluates nothing of a line that is not finished", () => {
      const trap = path.join(os.tmpdir(), `canary-trap-${process.pid}`);
      // The line is taken back (Ctrl-U) after Tab was pressed.
      typed(`canary deploy $(touch ${trap}) --st\t\u0015true`);
      expect(fs.existsSync(trap)).to.equal(false);
    });
  });
});
