import * as fs from "node:fs";
import * as path from "node:path";
import * as automation from "@pulumi/pulumi/automation";
import { expect } from "chai";
import { sessionCommand, type UpdateTrace } from "../../../driver/stack/command";
import { folder, rejection } from "./fakes";

type Result = { readonly stdout: string; readonly stderr: string; readonly code: number };
type Run = (args: string[], cwd: string, env: Record<string, string>, onOutput?: (text: string) => void, onError?: (text: string) => void, signal?: AbortSignal) => Promise<Result>;

/** Does what its first argument says. */
const SCRIPT = `#!${process.execPath}
const fs = require("fs");
const [verb] = process.argv.slice(2);
const say = (what) => process.stdout.write(JSON.stringify(what) + "\\n");
if (verb === "version") console.log("v3.215.0");
else if (verb === "whoami") {
  const stat = fs.readFileSync("/proc/self/stat", "utf8");
  const [, , group, session] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  say({ pid: process.pid, group: Number(group), session: Number(session), args: process.argv.slice(2), cwd: process.cwd(), extra: process.env.EXTRA, api: process.env.PULUMI_AUTOMATION_API });
} else if (verb === "fail") {
  process.stderr.write(process.env.SAYS);
  process.exitCode = 255;
} else if (verb === "up" || verb === "refresh") {
  let asked = 0;
  process.on("SIGINT", () => { say("SIGINT"); asked++; setTimeout(() => process.exit(asked > 1 ? 3 : 4), 50); });
  setInterval(() => {}, 1000);
  say("ready");
} else if (verb === "crash") process.kill(process.pid, "SIGKILL");
`;

describe("the Pulumi command", function () {
  const path0 = process.env.PATH;
  let dir: string;
  let run: Run;
  let traced: string[] = [];
  const trace: UpdateTrace = { marking: (command, args) => (traced.push("marked"), { command, args }), ended: (pid) => void traced.push(`ended ${pid > 0}`) };

  before(async () => {
    dir = folder("command");
    fs.writeFileSync(path.join(dir, "pulumi"), SCRIPT, { mode: 0o755 });
    process.env.PATH = `${dir}${path.delimiter}${path0}`;
    run = ((await sessionCommand(automation, trace)) as unknown as { run: Run }).run;
  });
  after(() => {
    process.env.PATH = path0;
    fs.rmSync(dir, { recursive: true });
  });
  beforeEach(() => (traced = []));

  const until = (text: string, run: (onOutput: (text: string) => void) => Promise<unknown>): { ready: Promise<void>; done: Promise<Error | undefined> } => {
    let found = (): void => undefined;
    const ready = new Promise<void>((resolve) => (found = resolve));
    return { done: rejection(run((said) => said.includes(text) && found())), ready };
  };

  it("runs in a session of its own, so that Ctrl-C at a terminal does not reach it", async () => {
    const { stdout, code } = await run(["whoami"], dir, { EXTRA: "x" });
    const child = JSON.parse(stdout) as { pid: number; group: number; session: number };
    expect(code).to.equal(0);
    expect([child.group, child.session]).to.deep.equal([child.pid, child.pid]);
    const stat = fs.readFileSync("/proc/self/stat", "utf8");
    expect(Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[3])).not.to.equal(child.session);
  });

  it("gets its arguments, folder and environment as the Automation API gives them, and asks nobody anything", async () => {
    const args = ["whoami", "--json"];
    const { stdout } = await run(args, dir, { EXTRA: "x" });
    expect(JSON.parse(stdout)).to.deep.include({ args: ["whoami", "--json", "--non-interactive"], cwd: fs.realpathSync(dir), extra: "x", api: "true" });
    expect(args).to.deep.equal(["whoami", "--json"]);
    expect((JSON.parse((await run(["whoami", "--non-interactive"], dir, {})).stdout) as { args: string[] }).args).to.deep.equal(["whoami", "--non-interactive"]);
  });

  it("hands on what it says while it says it", async () => {
    const [out, err]: [string[], string[]] = [[], []];
    await run(["whoami"], dir, {}, (text) => out.push(text));
    await rejection(run(["fail"], dir, { SAYS: "error: no" }, undefined, (text) => err.push(text)));
    expect(out.join("")).to.match(/^\{"pid"/);
    expect(err.join("")).to.equal("error: no");
  });

  it("fails with the error classes of the Automation API", async () => {
    const cases: readonly (readonly [string, new (...args: never[]) => Error])[] = [
      ["error: something else", automation.CommandError],
      ["error: the stack is currently locked by 1 lock(s)", automation.ConcurrentUpdateError],
      ["error: [409] Conflict: Another update is currently in progress.", automation.ConcurrentUpdateError],
      ["error: no stack named 'dev' found", automation.StackNotFoundError],
      ["error: stack 'dev' already exists", automation.StackAlreadyExistsError],
    ];
    for (const [says, type] of cases) {
      const failure = await rejection(run(["fail"], dir, { SAYS: says }));
      expect(failure, says).to.be.instanceOf(type);
      expect(failure!.message).to.include(says).and.to.include("code: 255");
    }
  });

  it("fails too when it is killed, or is not there", async () => {
    expect(await rejection(run(["crash"], dir, {}))).to.be.instanceOf(automation.CommandError);
    expect(await rejection(run(["whoami"], path.join(dir, "gone"), {}))).to.be.instanceOf(automation.CommandError);
  });

  it("is asked to end by SIGINT when its signal aborts, and is gone when it rejects", async () => {
    const controller = new AbortController();
    const said: string[] = [];
    const { ready, done } = until("ready", (onOutput) => run(["up"], dir, {}, (text) => (said.push(text), onOutput(text)), undefined, controller.signal));
    await ready;
    controller.abort();
    const failure = await done;
    expect(said.join("").match(/SIGINT/g)).to.have.length(1);
    expect(failure!.message).to.include("code: 4");
  });

  it("is ended at once when the signal has aborted already", async () => {
    expect(await rejection(run(["up"], dir, {}, undefined, undefined, AbortSignal.abort()))).to.be.instanceOf(automation.CommandError);
  });

  it("is followed from its start to its end when it may leave a lock", async () => {
    for (const verb of ["up", "refresh"]) {
      traced = [];
      const controller = new AbortController();
      const { ready, done } = until("ready", (onOutput) => run([verb], dir, {}, onOutput, undefined, controller.signal));
      await ready;
      expect(traced).to.deep.equal(["marked"]);
      controller.abort();
      await done;
      expect(traced).to.deep.equal(["marked", "ended true"]);
    }
    traced = [];
    await run(["whoami"], dir, {});
    expect(traced).to.deep.equal([]);
  });
});
