import * as path from "node:path";
import { expect } from "chai";
import { killTree } from "../../sandbox/processes";
import { Runner, stepOf, type StepRun } from "../unit/ci/steps";
import { Desk } from "../integration/guarded";
import { shopStack, type Shop } from "../integration/harness";
import { CHECKOUT } from "../integration/image";

/** Milliseconds from a cancelled step's SIGINT to its SIGTERM, and from that to its end, as GitHub documents them. */
const [PATIENCE, LAST] = [7500, 2500];

describe("the steps of the workflow, on the embedded cluster", function () {
  this.timeout(600_000);
  let runner: Runner;
  let shop: Shop;
  let load: ReturnType<Shop["background"]>;

  before(async () => {
    runner = new Runner();
    shop = await shopStack("ci-steps", { rollout: { stages: [{ weight: 20, dwell: "120s" }, { weight: 100, dwell: "1s" }], warmUp: "0s", verifyTimeout: "30s", undoWindow: "0s", lease: "5s" } });
    shop.edit("progressDeadline: 8s", "progressDeadline: 60s");
    const install = await shop.canary("deploy", "v1");
    expect(install.exitCode, install.stderr).to.equal(0);
  });
  beforeEach(() => void (load = shop.background(100)));
  afterEach(() => load.stop());
  after(() => runner.remove());

  const env = (more: NodeJS.ProcessEnv): NodeJS.ProcessEnv => ({
    ...shop.env, DRIVER: path.join(CHECKOUT, "bin/canary.js"), STACK: shop.stack, COMMIT: "false", VERB: "deploy", PERCENTAGE: "", MINUTES: "", THRESHOLD: "", AUTO_PROMOTE: "true", RETRY: "true", REASON: "", ...more,
  });
  const step = (name: string, more: NodeJS.ProcessEnv): Promise<StepRun> => runner.end(runner.start(stepOf(name).run, env(more), shop.dir));
  const exitCode = ({ outputs }: StepRun): string | undefined => /exit-code=(\d+)\n$/.exec(outputs)?.[1];

  /** Starts a deployment and does something to it once its canary serves. */
  async function disturbed(version: string, disturb: (pid: number) => void): Promise<StepRun> {
    runner.clear();
    const child = runner.start(stepOf("Drive").run, env({ TAG: version }), shop.dir);
    let seen = "";
    let done = false;
    child.stdout!.on("data", (chunk: Buffer) => {
      seen += chunk.toString();
      // The mark of a split that is seen to be served: users are on the canary.
      if (done || !seen.includes("✔")) return;
      done = true;
      disturb(child.pid!);
    });
    return runner.end(child);
  }

  async function expectHome(version: string): Promise<void> {
    expect(Object.keys(await shop.load(200))).to.deep.equal([version]);
    const preview = await shop.pulumi("preview", "--json", "--refresh");
    expect(preview.code, preview.output).to.equal(0);
    expect(JSON.parse(/"changeSummary": (\{[^}]*\})/.exec(preview.output)?.[1] ?? "{}"), preview.output.slice(-2000)).to.have.all.keys("same");
    expect((await shop.canary("rollback", "--abandoned")).events.at(-1)?.message).to.equal("No rollout is under way: nothing is left behind.");
  }

  it("promote a good version by the form's percentage and minutes", async () => {
    runner.clear();
    const drive = await step("Drive", { TAG: "v2", PERCENTAGE: "50", MINUTES: "2s", THRESHOLD: "5" });
    expect(drive.code, drive.output).to.equal(0);
    expect(exitCode(drive)).to.equal("0");
    expect(drive.output).to.match(/50/);
    const result = await step("Result", { TAG: "v2", EXIT_CODE: "0" });
    expect(result.code, result.output).to.equal(0);
    expect(result.outputs).to.include("outcome=promoted\n");
    expect(result.summary).to.include("### canary deploy: promoted").and.to.include("v2");
    await expectHome("v2");
  });

  it("send the traffic home when the job is cancelled, and leave nothing behind", async () => {
    const timers: NodeJS.Timeout[] = [];
    const drive = await disturbed("v1", (pid) => {
      const signal = (name: NodeJS.Signals) => (): void => {
        try {
          process.kill(pid, name);
        } catch {
          // It has ended.
        }
      };
      signal("SIGINT")();
      timers.push(setTimeout(signal("SIGTERM"), PATIENCE), setTimeout(() => void killTree(pid), PATIENCE + LAST));
    });
    timers.forEach(clearTimeout);
    const code = exitCode(drive);
    // How far it comes in its ten seconds is the machine's matter; what is left for the next step is not.
    expect(code, drive.output).to.be.oneOf(["130", "131", undefined]);
    const recover = await step("Leave nothing behind", { EXIT_CODE: code ?? "" });
    expect(recover.code, recover.output).to.equal(0);
    expect(Object.keys(await shop.load(200))).to.deep.equal(["v2"]);
    const result = await step("Result", { TAG: "v1", EXIT_CODE: code ?? "" });
    expect(result.code).to.equal(1);
    expect(result.outputs).to.include("outcome=interrupted\n");
    await expectHome("v2");
  });

  it("end the rollout of a driver that was killed before it could say a word", async () => {
    const drive = await disturbed("v1", (pid) => void killTree(pid));
    expect(exitCode(drive), drive.output).to.equal(undefined);
    const recover = await step("Leave nothing behind", { EXIT_CODE: "" });
    expect(recover.code, recover.output).to.equal(0);
    expect(recover.output).to.include("v1 is rolled back");
    await expectHome("v2");
  });

  it("leave a rollout alone that is held, or whose driver lives", async () => {
    const desk = await Desk.of(shop);
    await desk.rollOut({ phase: "held", reason: "lunch" });
    const held = await shop.canary("rollback", "--abandoned");
    expect([held.exitCode, held.events.at(-1)?.message]).to.deep.equal([3, "v2 is held at weight 50, and stays so: lunch"]);
    const lease = desk.lease("somebody");
    await lease.acquire();
    await desk.rollOut({ phase: "observing" });
    const driven = await shop.canary("rollback", "--abandoned");
    await lease.release();
    expect(driven.exitCode, driven.stderr).to.equal(4);
    expect(driven.stderr).to.match(/^canary: somebody .*\n$/);
    expect((await desk.book()).record?.rollout).to.include({ phase: "observing", weight: 50 });
  });
});
