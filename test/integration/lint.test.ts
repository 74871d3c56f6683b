import { execFile, execFileSync } from "node:child_process";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { promisify } from "node:util";
import { expect } from "chai";
import { parse } from "yaml";
import { ensureLinters } from "../../sandbox/toolchain";
import { GITHUB_FILES, GITLAB_FILE } from "../unit/ci/steps";
import { checkDockerfile, CHECKOUT, configOf, DOCKERFILE } from "./image";

const run = promisify(execFile);
const ended = (command: string, args: readonly string[], cwd = CHECKOUT): Promise<{ code: number; stdout: string; stderr: string }> =>
  run(command, [...args], { cwd, maxBuffer: 1 << 26 }).then((said) => ({ code: 0, ...said }), ({ code, stdout, stderr }: { code: number; stdout: string; stderr: string }) => ({ code, stdout, stderr }));

describe("what CI systems and builders read", function () {
  this.timeout(600_000);
  let dir: string;
  before(() => (dir = fs.mkdtempSync(path.join(os.tmpdir(), "canary-lint-"))));
  after(() => fs.rmSync(dir, { recursive: true, force: true }));

  describe("the workflows, by actionlint", () => {
    it("have nothing to complain of", async () => {
      const { actionlint } = await ensureLinters();
      expect(await ended(actionlint, ["-no-color", "-pyflakes=", ...GITHUB_FILES])).to.deep.equal({ code: 0, stdout: "", stderr: "" });
    });

    it("are complained of where a job waits for none, or a script's text is somebody's", async () => {
      const { actionlint } = await ensureLinters();
      const file = path.join(dir, "bad.yml");
      fs.writeFileSync(file, "on: issues\njobs:\n  a:\n    runs-on: ubuntu-24.04\n    steps:\n      - run: echo ${{ github.event.issue.title }}\n  b:\n    runs-on: [ubuntu-24.04]\n    needs: nobody\n    steps: []\n");
      const { code, stdout } = await ended(actionlint, ["-no-color", file]);
      expect(code).to.equal(1);
      expect(stdout).to.include("potentially untrusted").and.to.match(/needs job "nobody" which does not exist/);
    });
  });

  describe("the template for GitLab, by GitLab's schema", () => {
    /** A repository whose pipeline includes the template, as a user's does. */
    const repository = (name: string, change: (text: string) => string = (text) => text): string => {
      const repo = path.join(dir, name);
      fs.mkdirSync(repo);
      fs.writeFileSync(path.join(repo, "canary.gitlab-ci.yml"), change(fs.readFileSync(path.join(CHECKOUT, GITLAB_FILE), "utf8")));
      fs.writeFileSync(path.join(repo, ".gitlab-ci.yml"), "include:\n  - local: canary.gitlab-ci.yml\n    inputs: { stack: staging, image: 'ci:1.0.0', auto-promote: false, percentage: '25' }\n  - local: canary.gitlab-ci.yml\n    inputs: { stack: production, image: 'ci:1.0.0' }\n");
      const git = (...args: string[]): unknown => execFileSync("git", ["-c", "user.name=a", "-c", "user.email=a@b.c", ...args], { cwd: repo });
      git("init", "--quiet", "--initial-branch", "main");
      git("add", "--all");
      git("commit", "--quiet", "--message", "first");
      git("remote", "add", "origin", "git@git.example:group/shop.git");
      return repo;
    };
    const preview = (repo: string) => ended(process.execPath, [path.join(CHECKOUT, "node_modules/gitlab-ci-local/dist/index.js"), "--preview", "--json-schema-validation"], repo);

    it("is valid, and can be included once for each stack", async () => {
      const { code, stdout, stderr } = await preview(repository("good"));
      expect(code, stderr).to.equal(0);
      const jobs = parse(stdout) as Record<string, { variables?: Record<string, string>; resource_group?: string }>;
      const verbs = ["deploy", "promote", "rollback", "hold", "resume", "undo"];
      expect(Object.keys(jobs).filter((name) => name.startsWith("canary "))).to.have.members(["staging", "production"].flatMap((stack) => verbs.map((verb) => `canary ${verb} ${stack}`)));
      expect(jobs["canary deploy staging"]!.variables).to.include({ CANARY_STACK: "staging", CANARY_AUTO_PROMOTE: "false", CANARY_PERCENTAGE: "25", CANARY_VERB: "deploy" });
      expect(jobs["canary undo production"]!.resource_group).to.equal("canary-production");
    });

    it("is refused where a keyword is not GitLab's", async () => {
      const { code, stdout, stderr } = await preview(repository("bad", (text) => text.replace("  interruptible: false\n", "  interruptible: never\n")));
      expect(code).to.not.equal(0);
      expect(stdout + stderr).to.include("interruptible");
    });
  });

  describe("the Dockerfile, by BuildKit's own checks", () => {
    it("has nothing to complain of, and asks for base images with exact versions", async () => {
      const { warnings, error, bases } = await checkDockerfile();
      expect({ warnings, error }).to.deep.equal({ warnings: [], error: undefined });
      expect(bases.map((b) => b.replace(/^[^/]+\//, "")).sort()).to.deep.equal([`library/node:22.21.1-bookworm-slim`, `pulumi/pulumi-base:${pinned("@pulumi/pulumi")}`]);
    });

    it("takes the digests that its builder has checked", async () => {
      const digest = (c: string): string => `sha256:${c.repeat(64)}`;
      const { bases, error } = await checkDockerfile(DOCKERFILE, [`NODE_DIGEST=${digest("a")}`, `PULUMI_DIGEST=${digest("b")}`]);
      expect(error).to.equal(undefined);
      expect(bases.map((b) => b.split("@")[1]).sort()).to.deep.equal([digest("a"), digest("b")]);
    });

    it("is complained of where it names a secret or starts a shell", async () => {
      const file = path.join(dir, "bad.Dockerfile");
      fs.writeFileSync(file, "FROM scratch\nARG MY_TOKEN\nENTRYPOINT node main.js\n");
      expect((await checkDockerfile(file)).warnings.map((w) => w.rule)).to.include.members(["SecretsUsedInArgOrEnv", "JSONArgsRecommended"]);
    });

    it("has the versions of package.json, in the workflow too", async () => {
      const { stages } = await checkDockerfile();
      const args = stages.find((s) => s.name === "pulumi")!.commands.find((c) => c.name === "ARG")!.words.join(" ");
      expect(args).to.equal(`ARG KUBERNETES_PROVIDER=${pinned("@pulumi/kubernetes")}`);
      const workflow = fs.readFileSync(path.join(CHECKOUT, GITHUB_FILES[0]), "utf8");
      expect(workflow).to.include(`pulumi-version: ${pinned("@pulumi/pulumi")}\n`).and.to.include(`plugin install resource kubernetes ${pinned("@pulumi/kubernetes")}\n`);
    });

    it("runs nothing as root, and starts no shell", async () => {
      const { stages } = await checkDockerfile();
      for (const target of ["ci", "guard"]) {
        expect(configOf(stages, target).user, target).to.equal("65532:65532");
        for (const command of stages.find((s) => s.name === target)!.commands)
          if (command.name === "ENTRYPOINT" || command.name === "CMD") expect(command.shell, target).to.equal(undefined);
      }
    });

    it("has scripts that a shell can read", async () => {
      const { stages } = await checkDockerfile();
      for (const { words } of stages.flatMap((s) => s.commands).filter((c) => c.name === "RUN"))
        expect(await ended("sh", ["-n", "-c", words[0]!]), words[0]).to.deep.equal({ code: 0, stdout: "", stderr: "" });
    });
  });
});

const pinned = (name: string): string => (JSON.parse(fs.readFileSync(path.join(CHECKOUT, "package.json"), "utf8")) as { dependencies: Record<string, string> }).dependencies[name]!;
