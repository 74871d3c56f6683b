import * as fs from "node:fs";
import * as path from "node:path";
import { expect } from "chai";
import { UpdateFailedError } from "../../../driver/errors";
import { openStack, type Stale, type StackEngine } from "../../../driver/stack/engine";
import { folder } from "./fakes";

/** Writes down how each update and refresh was called. */
const SCRIPT = `#!${process.execPath}
const [verb] = process.argv.slice(2);
if (verb === "version") console.log("v3.215.0");
else if (verb === "up") require("fs").appendFileSync(process.env.CALLS, (process.env.PULUMI_SKIP_CHECKPOINTS ?? "each") + "\\n");
else if (verb === "refresh") require("fs").appendFileSync(process.env.CALLS, process.argv.filter((arg, n, all) => all[n - 1] === "--exclude").join() + "!" + "\\n");
else if (verb === "stack") console.log(process.env.STATE);
`;

describe("an update of the driver", () => {
  const before = { ...process.env };
  let dir: string;

  beforeEach(() => {
    dir = folder("engine");
    fs.writeFileSync(path.join(dir, "pulumi"), SCRIPT, { mode: 0o755 });
    fs.writeFileSync(path.join(dir, "Pulumi.yaml"), "name: canary\nruntime: yaml\n");
    delete process.env.PULUMI_SKIP_CHECKPOINTS;
    Object.assign(process.env, { PATH: `${dir}${path.delimiter}${before.PATH}`, CALLS: path.join(dir, "calls") });
  });
  afterEach(() => {
    for (const key of ["PATH", "CALLS", "STATE", "PULUMI_SKIP_CHECKPOINTS", "PULUMI_BACKEND_URL"]) if (before[key] === undefined) delete process.env[key]; else process.env[key] = before[key];
    fs.rmSync(dir, { recursive: true });
  });

  /** What each of some updates was told of the state; the engine is opened after the environment is set. */
  const told = async (...updates: ((engine: StackEngine) => Promise<void>)[]): Promise<string[]> => {
    const engine = await openStack(dir, "dev");
    for (const update of updates) await update(engine);
    return fs.readFileSync(path.join(dir, "calls"), "utf8").trim().split("\n");
  };
  const raise = (engine: StackEngine): Promise<void> => engine.up("weight 25");
  const start = (engine: StackEngine): Promise<void> => engine.up("start v2", { creates: true });

  it("has the state written once, at its end, where it creates nothing", async () => {
    expect(await told(raise, start, raise)).to.deep.equal(["true", "each", "true"]);
  });

  it("leaves to the user what the environment says of that", async () => {
    process.env.PULUMI_SKIP_CHECKPOINTS = "false";
    expect(await told(raise, start)).to.deep.equal(["false", "false"]);
  });

  it("is not begun where the disk of its state is too full, which would cut the state off", async () => {
    process.env.PULUMI_BACKEND_URL = `file://${dir}`;
    const engine = await openStack(dir, "dev");
    const state = path.join(dir, ".pulumi", "stacks", "canary");
    fs.mkdirSync(state, { recursive: true });
    fs.writeFileSync(path.join(state, "dev.json"), "{}");
    await raise(engine);
    // A file with a hole: as long as this, and nowhere on the disk.
    fs.truncateSync(path.join(state, "dev.json"), 2 ** 40);
    for (const act of [raise(engine), engine.repair("all")]) {
      const error = await act.then(() => undefined, (cause: unknown) => cause);
      expect(error).to.be.instanceOf(UpdateFailedError).with.property("message").that.matches(/^pulumi up is not begun: the disk of Pulumi's state \(.*\) has \d+\.\d MB of space left where it needs 4194305\.0 MB, and a full one would cut the state off: make room\.$/);
    }
    expect(fs.readFileSync(path.join(dir, "calls"), "utf8")).to.equal("true\n");
  });

  it("reads all but the Deployments anew after a driver that died, and those too where something is unfinished or was deleted", async () => {
    const repair = (stale: Stale) => async (engine: StackEngine): Promise<void> => void (await engine.repair(stale));
    process.env.STATE = JSON.stringify({ version: 3, deployment: {} });
    expect(await told(raise, repair("unfinished"), repair("traffic"), repair("all"))).to.deep.equal(["true", "**kubernetes:apps/v1:Deployment::**!", "!"]);
    process.env.STATE = JSON.stringify({ version: 3, deployment: { pending_operations: [{ type: "creating", resource: { urn: "urn:pulumi:dev::canary::x::shop" } }] } });
    expect((await told(repair("traffic"))).at(-1)).to.equal("!");
  });
});
