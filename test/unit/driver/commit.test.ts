import { execFileSync } from "node:child_process";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { expect } from "chai";
import { commitFile, commitMessage, type CommitOptions } from "../../../driver/stack/commit";

const NAME = "Pulumi.production.yaml";
const MESSAGE = "canary: v1.3.0 at weight 25 (stack production)";

describe("the commit of a stack file", function () {
  this.timeout(30_000);
  let root: string;
  let repo: string;
  const environment = { ...process.env };

  const git = (...args: string[]): string => execFileSync("git", ["-C", repo, ...args], { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] }).trim();
  const write = (text: string, name = NAME): void => fs.writeFileSync(path.join(repo, name), text);
  const commit = (options?: CommitOptions): Promise<string | undefined> => commitFile(path.join(repo, NAME), MESSAGE, options);
  const hook = (name: string, script: string): void => fs.writeFileSync(path.join(repo, ".git", "hooks", name), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  /** A bare repository that `main` is pushed to, and another checkout of it. */
  const remote = (): string => {
    const [bare, other] = [path.join(root, "bare.git"), path.join(root, "other")];
    git("clone", "--quiet", "--bare", repo, bare);
    git("remote", "add", "origin", bare);
    git("fetch", "--quiet", "origin");
    git("branch", "--quiet", "--set-upstream-to=origin/main");
    git("clone", "--quiet", bare, other);
    return other;
  };

  beforeEach(() => {
    root = fs.realpathSync(fs.mkdtempSync(path.join(os.tmpdir(), "canary-commit-")));
    repo = path.join(root, "repo");
    fs.mkdirSync(repo);
    // Nothing of this machine's git settings, and no repository above the folder.
    Object.assign(process.env, { HOME: root, XDG_CONFIG_HOME: root, GIT_CONFIG_NOSYSTEM: "1", GIT_CEILING_DIRECTORIES: root, GIT_CONFIG_GLOBAL: path.join(root, "gitconfig") });
    for (const name of Object.keys(process.env)) if (/^GIT_(AUTHOR|COMMITTER)_|^EMAIL$/.test(name)) delete process.env[name];
    fs.writeFileSync(path.join(root, "gitconfig"), "[user]\n name = Ann\n email = ann@shop.example\n");
    git("init", "--quiet", "--initial-branch=main");
    write("config: {}\n");
    write("one\n", "other.txt");
    git("add", ".");
    git("commit", "--quiet", "--message", "first");
    write("config: {weight: 25}\n");
  });
  afterEach(() => {
    for (const name of Object.keys(process.env)) if (!(name in environment)) delete process.env[name];
    Object.assign(process.env, environment);
    fs.rmSync(root, { recursive: true, force: true });
  });

  /** Nothing was committed, and the change is still there. */
  const expectUntouched = (branch = "main"): void => {
    expect(git("log", "--format=%s", branch)).to.equal("first");
    expect(fs.readFileSync(path.join(repo, NAME), "utf8")).to.equal("config: {weight: 25}\n");
  };

  it("names the version, how far it is, and the stack", () => {
    expect(commitMessage("production", { stable: "v1.2.0", canary: { version: "v1.3.0", env: { A: "1" } }, weight: 25 })).to.equal(MESSAGE);
    expect(commitMessage("production", { stable: "v1.3.0", previous: "v1.2.0", weight: 0 })).to.equal("canary: v1.3.0 stable (stack production)");
    expect(commitMessage("production", { stable: "v1.2.0", canary: { version: "v1.3.0", withdrawn: true }, weight: 0 })).to.equal("canary: v1.3.0 withdrawn (stack production)");
  });

  it("takes that file alone: what else is staged or edited stays as it is", async () => {
    write("two\n", "other.txt");
    git("add", "other.txt");
    write("three\n", "other.txt");
    write("new\n", "untracked.txt");
    expect(await commit()).to.equal(`${NAME} is committed (${git("rev-parse", "--short", "HEAD")} on main).`);
    expect(git("log", "-1", "--format=%s|%an", "--name-only").split("\n").filter(Boolean)).to.deep.equal([`${MESSAGE}|Ann`, NAME]);
    expect(git("status", "--porcelain").split("\n")).to.deep.equal(["MM other.txt", "?? untracked.txt"]);
    expect(git("show", ":other.txt")).to.equal("two");
  });

  it("is none when nothing changed, or somebody committed it already", async () => {
    git("commit", "--quiet", "--all", "--message", "by hand");
    expect(await commit()).to.equal(undefined);
    expect(git("log", "-1", "--format=%s")).to.equal("by hand");
  });

  it("works on a file in a subfolder, behind a symbolic link, and whatever its name means to git", async () => {
    fs.mkdirSync(path.join(repo, "infra"));
    for (const name of ["infra/Pulumi.[a].yaml", "infra/Pulumi.a.yaml"]) write("1\n", name);
    git("add", ".");
    git("commit", "--quiet", "--message", "infra");
    for (const name of ["infra/Pulumi.[a].yaml", "infra/Pulumi.a.yaml"]) write("2\n", name);
    fs.symlinkSync(path.join(repo, "infra"), path.join(root, "link"));
    expect(await commitFile(path.join(root, "link", "Pulumi.[a].yaml"), MESSAGE)).to.include("is committed");
    expect(git("log", "-1", "--format=", "--name-only")).to.equal("infra/Pulumi.[a].yaml");
  });

  const untrack = (): void => {
    git("rm", "--quiet", "--cached", NAME);
    git("commit", "--quiet", "--message", "untracked");
  };
  const refusals: [string, () => void, string][] = [
    ["outside a repository", () => fs.rmSync(path.join(repo, ".git"), { recursive: true }), "it is in no git repository"],
    ["on no branch", () => git("checkout", "--quiet", "--detach"), "this checkout is on no branch, where a commit would be lost: check the branch out (in CI: by its name, not by its commit) and run `canary sync --commit`"],
    ["of a file that git does not track", () => untrack(), `git does not track it: run \`git add ${NAME}\` once`],
    ["of an ignored file", () => (untrack(), write("*.yaml\n", ".gitignore")), `git does not track it: run \`git add --force ${NAME}\` once`],
    ["without git", () => (process.env.PATH = root), "there is no `git` on PATH"],
  ];
  for (const [where, prepare, why] of refusals)
    it(`${where} is not made, and says so`, async () => {
      prepare();
      expect(await commit()).to.equal(`${NAME} is not committed: ${why}.`);
    });

  for (const what of ["merge", "cherry-pick", "rebase"] as const)
    it(`is not made during a ${what}, which would take it in`, async () => {
      git("stash", "--quiet");
      for (const [branch, text] of [["side", "side\n"], ["main", "main\n"]] as const) {
        git("checkout", "--quiet", ...(branch === "side" ? ["-b", branch] : [branch]));
        write(text, "other.txt");
        git("commit", "--quiet", "--all", "--message", branch);
      }
      expect(() => git(what, "side")).to.throw();
      write("config: {weight: 25}\n");
      expect(await commit()).to.equal(`${NAME} is not committed: a ${what} is under way in this checkout: end it, then run \`canary sync --commit\`.`);
      expect(git("diff", "--name-only", "HEAD", "--", NAME)).to.equal(NAME);
    });

  it("is not made where git knows no author", async () => {
    fs.writeFileSync(path.join(root, "gitconfig"), "[user]\n useConfigOnly = true\n");
    expect(await commit()).to.equal(`${NAME} is not committed: git said "who are you? (set user.name and user.email)".`);
    expectUntouched();
  });

  it("is not forced past a hook, whose words are told", async () => {
    hook("pre-commit", "echo 'error: yaml lint: line 1 is too long' >&2; exit 1");
    expect(await commit()).to.equal(`${NAME} is not committed: git said "yaml lint: line 1 is too long".`);
    expectUntouched();
  });

  it("does not wait for a hook that never ends", async () => {
    hook("pre-commit", "sleep 600");
    expect(await commit({ timeout: 500 })).to.equal(`${NAME} is not committed: \`git commit\` took longer than 0.5 s and was stopped.`);
    expectUntouched();
    fs.rmSync(path.join(repo, ".git", "hooks", "pre-commit"));
    expect(await commit(), "no lock is left behind").to.include("is committed");
  });

  it("stays here unless a push is asked for", async () => {
    const other = remote();
    await commit();
    execFileSync("git", ["-C", other, "pull", "--quiet"]);
    expect(fs.readFileSync(path.join(other, NAME), "utf8")).to.equal("config: {}\n");
  });

  it("is pushed to where the branch came from", async () => {
    const other = remote();
    git("branch", "--quiet", "--move", "renamed");
    expect(await commit({ push: true })).to.match(/ is committed \([0-9a-f]+ on renamed\) and pushed to origin\/main\.$/);
    execFileSync("git", ["-C", other, "pull", "--quiet"]);
    expect(fs.readFileSync(path.join(other, NAME), "utf8")).to.equal("config: {weight: 25}\n");
  });

  it("stays here, and says how to go on, when the branch has moved on meanwhile", async () => {
    const other = remote();
    fs.writeFileSync(path.join(other, "other.txt"), "theirs\n");
    execFileSync("git", ["-C", other, "commit", "--quiet", "--all", "--message", "theirs"]);
    execFileSync("git", ["-C", other, "push", "--quiet"]);
    expect(await commit({ push: true })).to.match(/ on main\), but not pushed: origin\/main has moved on meanwhile; run `git pull --rebase` and `git push`, or `canary sync --commit --push` in a fresh checkout\.$/);
    expect(git("log", "-1", "--format=%s")).to.equal(MESSAGE);
  });

  it("tells what else kept it from being pushed", async () => {
    expect(await commit({ push: true })).to.match(/, but not pushed to origin\/main: git said "'origin' does not appear to be a git repository"\.$/);
    remote();
    fs.writeFileSync(path.join(root, "bare.git", "hooks", "pre-receive"), "#!/bin/sh\necho 'error: main is protected'\nexit 1\n", { mode: 0o755 });
    write("config: {weight: 50}\n");
    expect(await commit({ push: true })).to.match(/ on main\), but not pushed to origin\/main: git said "main is protected"\.$/);
  });
});
