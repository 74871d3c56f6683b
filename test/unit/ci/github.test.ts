import * as fs from "node:fs";
import { expect } from "chai";
import { GITHUB_FILES, HOSTILE, Runner, stepOf, workflow } from "./steps";

const DRIVE = { VERB: "deploy", STACK: "production", TAG: "v2", PERCENTAGE: "", MINUTES: "", THRESHOLD: "", AUTO_PROMOTE: "true", RETRY: "false", COMMIT: "true", REASON: "" };

describe("the workflow for GitHub Actions", () => {
  let runner: Runner;
  beforeEach(() => (runner = new Runner()));
  afterEach(() => runner.remove());

  it("has no expression in any script: what somebody types into a form is never a script's text", () => {
    for (const file of GITHUB_FILES)
      for (const job of Object.values(workflow(file).jobs))
        for (const step of job.steps ?? []) expect(step.run ?? "", `${file}: ${step.name}`).to.not.include("${{");
  });

  it("uses no actions but GitHub's own and Pulumi's, each with a version", () => {
    const used = Object.values(workflow(GITHUB_FILES[0]).jobs).flatMap((job) => job.steps ?? []).flatMap((step) => step.uses ?? []);
    for (const one of used) expect(one).to.match(/^(actions\/(checkout|setup-node)|pulumi\/actions)@(v\d+|[0-9a-f]{40})$/);
  });

  it("never cancels a rollout for a newer run, and lets what is said to a rollout pass it", () => {
    const { concurrency } = workflow(GITHUB_FILES[0]).jobs["canary"]!;
    expect(concurrency!["cancel-in-progress"]).to.equal(false);
    expect(concurrency!.group).to.match(/contains\(fromJSON\('\["deploy", "resume", "undo"\]'\), inputs\.verb\)/).and.to.include("github.run_id");
  });

  it("is called with inputs that it has, by workflows that grant no more than writing contents", () => {
    const inputs = workflow(GITHUB_FILES[0]).on["workflow_call"]!.inputs!;
    for (const file of GITHUB_FILES.slice(1)) {
      expect(workflow(file).permissions).to.deep.equal({});
      for (const job of Object.values(workflow(file).jobs)) {
        expect(job.permissions).to.deep.equal({ contents: "write" });
        expect(inputs).to.include.all.keys(Object.keys(job.with!));
        for (const [name, { required }] of Object.entries(inputs)) if (required) expect(job.with).to.have.property(name);
      }
    }
  });

  it("offers the form of system E: tag, 10, 25 or 50 percent, 15 minutes, 5 percent errors, automatic promotion", () => {
    const form = workflow("ci/github/deploy.yml").on["workflow_dispatch"]!.inputs!;
    expect(form["image-tag"]).to.include({ required: true });
    expect(form["percentage"]).to.deep.include({ default: "10", options: ["10", "25", "50"] });
    expect([form["minutes"]!.default, form["error-threshold"]!.default, form["auto-promote"]!.default]).to.deep.equal(["15", "5", true]);
  });

  describe("drives", () => {
    const { run } = stepOf("Drive");

    it("with what the form says", async () => {
      const { code, calls } = await runner.run(run, { ...DRIVE, PERCENTAGE: "25", MINUTES: "15", THRESHOLD: "5", RETRY: "true" });
      expect(code).to.equal(0);
      expect(calls).to.deep.equal([["deploy", "--stack=production", "--commit", "--push", "--tag=v2", "--percentage=25", "--duration=15", "--error-threshold=5", "--retry", "--auto-promote", "--yes"]]);
    });

    it("by the stack file where the form is empty, and without a yes where a person is to promote", async () => {
      const { calls } = await runner.run(run, { ...DRIVE, AUTO_PROMOTE: "false", COMMIT: "false" });
      expect(calls).to.deep.equal([["deploy", "--stack=production", "--tag=v2", "--no-auto-promote"]]);
    });

    for (const verb of ["promote", "undo"] as const)
      it(`${verb} with a yes, because there is nobody at a terminal`, async () => {
        expect((await runner.run(run, { ...DRIVE, VERB: verb, COMMIT: "false" })).calls).to.deep.equal([[verb, "--stack=production", "--yes"]]);
      });

    it("nothing that is no verb of it", async () => {
      const { code, calls } = await runner.run(run, { ...DRIVE, VERB: "cleanup --now" });
      expect([code, calls]).to.deep.equal([64, []]);
    });

    for (const value of HOSTILE)
      it(`with ${JSON.stringify(value)} as nothing but a value`, async () => {
        const deploy = await runner.run(run, { ...DRIVE, STACK: value, TAG: value, PERCENTAGE: value, MINUTES: value, THRESHOLD: value });
        expect(deploy.calls).to.deep.equal([["deploy", `--stack=${value}`, "--commit", "--push", `--tag=${value}`, `--percentage=${value}`, `--duration=${value}`, `--error-threshold=${value}`, "--auto-promote", "--yes"]]);
        expect(fs.existsSync(runner.file("pwned"))).to.equal(false);
      });

    it("with a reason as nothing but a reason", async () => {
      const reason = HOSTILE.join(" ");
      const { calls } = await runner.run(run, { ...DRIVE, VERB: "rollback", COMMIT: "false", REASON: reason });
      expect(calls).to.deep.equal([["rollback", "--stack=production", `--reason=${reason}`, "--yes"]]);
      expect(fs.existsSync(runner.file("pwned"))).to.equal(false);
    });

    it("as the step's own process, so that the signal of a cancelled job arrives and the exit code is an output", async () => {
      runner.clear();
      const child = runner.start(run, { ...DRIVE, WAITS: "deploy" });
      child.stdout!.on("data", (chunk: Buffer) => chunk.includes("driving") && child.kill("SIGINT"));
      const { code, outputs } = await runner.end(child);
      expect([code, outputs]).to.deep.equal([130, "exit-code=130\n"]);
    });
  });

  describe("leaves nothing behind", () => {
    const { run, if: condition } = stepOf("Leave nothing behind");
    const env = { STACK: "production", COMMIT: "false" };

    it("after a job that was cancelled, or whose driver failed", () => {
      expect(condition).to.include("cancelled() || failure() || steps.drive.outcome == 'failure'");
    });

    for (const code of ["0", "2", "3", "4", "64", "130"])
      it(`and does nothing where the driver ended its work itself with ${code}`, async () => {
        expect(await runner.run(run, { ...env, EXIT_CODE: code })).to.deep.include({ code: 0, calls: [] });
      });

    for (const code of ["", "1", "131"])
      it(`and ends the rollout of a driver that ${code === "" ? "was killed" : `ended with ${code}`}`, async () => {
        const { code: ended, calls } = await runner.run(run, { ...env, EXIT_CODE: code, CODES: JSON.stringify({ rollback: 2 }) });
        expect(ended).to.equal(0);
        expect(calls).to.deep.equal([["rollback", "--abandoned", "--stack=production", "--reason=the CI job ended before its rollout did"]]);
      });

    it("and leaves one alone that somebody drives", async () => {
      expect((await runner.run(run, { ...env, EXIT_CODE: "1", CODES: JSON.stringify({ rollback: 4 }) })).code).to.equal(0);
    });

    it("or fails and says what to do", async () => {
      const { code, output } = await runner.run(run, { ...env, EXIT_CODE: "", CODES: JSON.stringify({ rollback: 1 }) });
      expect(code).to.equal(1);
      expect(output).to.include("::error::The rollout on production could not be ended (exit code 1)");
    });
  });

  describe("ends", () => {
    const { run } = stepOf("Result");
    const rows = [
      ["deploy", "0", "true", "promoted", 0], ["deploy", "2", "true", "rolled-back", 1], ["deploy", "3", "true", "held", 1], ["deploy", "3", "false", "held", 0],
      ["deploy", "4", "true", "busy", 1], ["deploy", "64", "true", "refused", 1], ["deploy", "1", "true", "failed", 1], ["deploy", "130", "true", "interrupted", 1],
      ["deploy", "131", "true", "interrupted", 1], ["deploy", "", "true", "interrupted", 1], ["rollback", "2", "true", "rolled-back", 0], ["rollback", "64", "true", "refused", 1],
      ["hold", "0", "true", "done", 0], ["hold", "3", "true", "held", 0], ["promote", "0", "true", "promoted", 0], ["promote", "2", "true", "rolled-back", 1],
      ["resume", "3", "false", "held", 0], ["undo", "0", "true", "done", 0],
    ] as const;
    for (const [verb, exit, auto, outcome, code] of rows)
      it(`${code === 0 ? "well" : "badly"} when ${verb} ended with ${exit || "nothing"}${auto === "false" ? " and a person is to promote" : ""}: ${outcome}`, async () => {
        const done = await runner.run(run, { VERB: verb, TAG: "v2", STACK: "production", AUTO_PROMOTE: auto, EXIT_CODE: exit });
        expect(done.code, done.output).to.equal(code);
        expect(done.outputs).to.include(`outcome=${outcome}\n`);
        expect(done.summary).to.include(`### canary ${verb}: ${outcome}\n`).and.to.include("stand-in: status");
        if (code === 1) expect(done.output).to.include(`::error::canary ${verb} on production: ${outcome}`);
      });
  });

  describe("prepares", () => {
    const { run } = stepOf("Prepare");
    const env = { STACK: "production", KUBECONFIG_BASE64: Buffer.from("kind: Config\n").toString("base64"), ACCESS_TOKEN: "", PASSPHRASE: "geheim", MORE: "", BACKEND_URL: "file:///state", PROMETHEUS: "" };
    /** Without Pulumi and git on PATH: their part is noted. */
    const bare = (): NodeJS.ProcessEnv => {
      const bin = runner.file("bin");
      fs.mkdirSync(bin, { recursive: true });
      for (const name of ["pulumi", "git"]) fs.writeFileSync(`${bin}/${name}`, `#!/bin/sh\necho ${name} "$@"\n`, { mode: 0o755 });
      return { ...env, PATH: `${bin}:${process.env.PATH}` };
    };

    it("a kubeconfig that nobody else can read, and the environment of the driver", async () => {
      const { code, environment, output, calls } = await runner.run(run, { ...bare(), MORE: "AWS_ACCESS_KEY_ID=id\n\nAWS_SECRET_ACCESS_KEY=a=b c\n" });
      expect(code, output).to.equal(0);
      expect(runner.read("kubeconfig")).to.equal("kind: Config\n");
      expect(fs.statSync(runner.file("kubeconfig")).mode & 0o077).to.equal(0);
      expect(environment.split("\n")).to.include.members([`KUBECONFIG=${runner.file("kubeconfig")}`, "PULUMI_CONFIG_PASSPHRASE=geheim", "PULUMI_BACKEND_URL=file:///state", "AWS_ACCESS_KEY_ID=id", "AWS_SECRET_ACCESS_KEY=a=b c"]);
      expect(environment).to.not.include("PULUMI_ACCESS_TOKEN");
      expect(output).to.include("::add-mask::a=b c").and.to.include("pulumi plugin install resource kubernetes 4.25.0");
      expect(calls).to.deep.equal([["--help"]]);
    });

    const refused: readonly (readonly [string, NodeJS.ProcessEnv, string])[] = [
      ["no kubeconfig", { KUBECONFIG_BASE64: "" }, "There is no kubeconfig for production"],
      ["a kubeconfig that is no base64", { KUBECONFIG_BASE64: "kind: Config" }, "The kubeconfig for production is not base64"],
      ["a value that would bring variables of its own", { BACKEND_URL: "file:///state\nLD_PRELOAD=x" }, "PULUMI_BACKEND_URL has a line break"],
      ["a line that is no variable", { MORE: "A=1\nnonsense" }, "A line of the secret CANARY_ENV is not NAME=VALUE"],
      ["a line that would take the following ones into a variable", { MORE: "A<<EOF=1" }, "A line of the secret CANARY_ENV is not NAME=VALUE"],
    ];
    for (const [what, given, sentence] of refused)
      it(`nothing with ${what}`, async () => {
        const { code, output } = await runner.run(run, { ...bare(), ...given });
        expect(code).to.equal(1);
        expect(output).to.include(`::error::${sentence}`);
      });
  });
});
