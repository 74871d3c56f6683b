import * as fs from "node:fs";
import { expect } from "chai";
import { gitlabInputs, gitlabJobs, gitlabScript, HOSTILE, Runner } from "./steps";

const JOB = { CANARY_VERB: "deploy", CANARY_STACK: "production", CANARY_DIRECTORY: ".", CANARY_COMMIT: "false", CANARY_AUTO_PROMOTE: "true", CANARY_PERCENTAGE: "", CANARY_MINUTES: "", CANARY_ERROR_THRESHOLD: "", CI_JOB_ID: "7" };

const named = (verb: string): Readonly<Record<string, unknown>> => gitlabJobs()[`canary ${verb} $[[ inputs.stack ]]`]!;

describe("the template for GitLab CI", () => {
  let runner: Runner;
  beforeEach(() => (runner = new Runner()));
  afterEach(() => runner.remove());
  const env = (more: NodeJS.ProcessEnv): NodeJS.ProcessEnv => ({ ...JOB, CANARY_DRIVER: runner.driver, ...more });

  it("has no input in any script, and expands none that is a variable's value", () => {
    // GitLab lets these be nothing but true and false.
    const truths: unknown[] = Object.entries(gitlabInputs()).filter(([, { type }]) => type === "boolean").map(([name]) => `$[[ inputs.${name} ]]`);
    for (const [name, job] of Object.entries(gitlabJobs())) {
      for (const part of ["before_script", "script", "after_script"]) expect(JSON.stringify(job[part] ?? ""), name).to.not.include("$[[");
      for (const [variable, value] of Object.entries((job["variables"] ?? {}) as object))
        if (JSON.stringify(value).includes("$[[") && !truths.includes(value)) expect(value, `${name} ${variable}`).to.be.an("object").that.includes({ expand: false });
    }
  });

  it("is never interrupted by a newer pipeline; what drives a rollout waits for its turn, and what is said to one does not", () => {
    expect(Object.values(gitlabJobs())[0]).to.include({ interruptible: false });
    for (const verb of ["deploy", "resume", "undo"]) expect(named(verb), verb).to.have.property("resource_group");
    for (const verb of ["promote", "rollback", "hold"]) expect(named(verb), verb).to.not.have.property("resource_group");
  });

  it("starts nothing for what the driver commits", () => {
    for (const verb of ["deploy"]) expect((named(verb)["rules"] as object[])[0]).to.deep.equal({ if: "$CI_COMMIT_MESSAGE =~ /^canary: /", when: "never" });
    expect((gitlabJobs()[".canary-by-hand-$[[ inputs.stack ]]"]!["rules"] as object[])[0]).to.deep.equal({ if: "$CI_COMMIT_MESSAGE =~ /^canary: /", when: "never" });
  });

  describe("runs", () => {
    const script = gitlabScript("script");

    it("deploy with its inputs, and leaves the exit code where a cancelled job finds it", async () => {
      const { code, calls } = await runner.run(script, env({ CI_COMMIT_TAG: "v2", CANARY_COMMIT: "true", CANARY_PERCENTAGE: "10", CANARY_MINUTES: "15", CANARY_ERROR_THRESHOLD: "5" }));
      expect(code).to.equal(0);
      expect(calls).to.deep.equal([["deploy", "--stack=production", "--commit", "--push", "--tag=v2", "--percentage=10", "--duration=15", "--error-threshold=5", "--auto-promote", "--yes"]]);
      expect(runner.read(".canary/exit-code")).to.equal("0\n");
    });

    it("deploy of the version that somebody names, without a yes where a person is to promote", async () => {
      const { code, calls } = await runner.run(script, env({ CI_COMMIT_TAG: "v2", CANARY_VERSION: "v3", CANARY_AUTO_PROMOTE: "false", CODES: JSON.stringify({ deploy: 3 }) }));
      expect(calls).to.deep.equal([["deploy", "--stack=production", "--tag=v3", "--no-auto-promote"]]);
      expect([code, named("deploy")["allow_failure"]]).to.deep.equal([3, { exit_codes: 3 }]);
    });

    for (const [verb, exit, code] of [["rollback", 2, 0], ["hold", 3, 0], ["promote", 2, 2], ["deploy", 2, 2], ["undo", 0, 0]] as const)
      it(`${verb}, which ends ${code === 0 ? "well" : "badly"} with ${exit}`, async () => {
        const done = await runner.run(script, env({ CANARY_VERB: verb, CODES: JSON.stringify({ [verb]: exit }) }));
        expect(done.code).to.equal(code);
        expect(done.calls[0]![0]).to.equal(verb);
      });

    it("nothing that is in a value", async () => {
      const all = HOSTILE.join(" ");
      const { calls } = await runner.run(script, env({ CANARY_STACK: all, CANARY_VERSION: all, CANARY_PERCENTAGE: all, CANARY_MINUTES: all, CANARY_ERROR_THRESHOLD: all }));
      expect(calls).to.deep.equal([["deploy", `--stack=${all}`, `--tag=${all}`, `--percentage=${all}`, `--duration=${all}`, `--error-threshold=${all}`, "--auto-promote", "--yes"]]);
      expect(fs.existsSync(runner.file("pwned"))).to.equal(false);
    });

    it("until the driver has ended, when a cancelled job sends its signal to every process", async () => {
      runner.clear();
      const child = runner.start(script, env({ WAITS: "deploy" }));
      child.stdout!.on("data", (chunk: Buffer) => {
        if (!chunk.includes("driving")) return;
        const [driver] = fs.readFileSync(`/proc/${child.pid}/task/${child.pid}/children`, "utf8").trim().split(" ");
        for (const pid of [child.pid!, Number(driver)]) process.kill(pid, "SIGTERM");
      });
      expect((await runner.end(child)).code).to.equal(130);
      expect(runner.read(".canary/exit-code")).to.equal("130\n");
    });
  });

  describe("afterwards", () => {
    const script = gitlabScript("after_script");
    const after = async (status: string, exit: string | undefined) => {
      fs.mkdirSync(runner.file(".canary"), { recursive: true });
      fs.rmSync(runner.file(".canary/exit-code"), { force: true });
      if (exit !== undefined) fs.writeFileSync(runner.file(".canary/exit-code"), `${exit}\n`);
      return (await runner.run(script, env({ CI_JOB_STATUS: status }))).calls.map(([verb, flag]) => (verb === "rollback" ? `${verb} ${flag}` : verb));
    };

    for (const [status, exit] of [["success", "0"], ["failed", "2"], ["failed", "3"], ["failed", "4"], ["canceled", "130"]] as const)
      it(`only looks when the job is ${status} and the driver ended with ${exit}`, async () => expect(await after(status, exit)).to.deep.equal(["status"]));

    for (const [status, exit] of [["canceled", undefined], ["timedout", undefined], ["canceled", "131"], ["failed", "1"]] as const)
      it(`ends what the driver left when the job is ${status} and ${exit === undefined ? "the driver was killed" : `the driver ended with ${exit}`}`, async () =>
        expect(await after(status, exit)).to.deep.equal(["rollback --abandoned", "status"]));
  });
});
