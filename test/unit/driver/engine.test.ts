import * as fs from "node:fs";
import * as path from "node:path";
import { expect } from "chai";
import { openStack, type StackEngine } from "../../../driver/stack/engine";
import { folder } from "./fakes";

/** Writes down how each update was called. */
const SCRIPT = `#!${process.execPath}
const [verb] = process.argv.slice(2);
if (verb === "version") console.log("v3.215.0");
else if (verb === "up") require("fs").appendFileSync(process.env.CALLS, (process.env.PULUMI_SKIP_CHECKPOINTS ?? "each") + "\\n");
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
    for (const key of ["PATH", "CALLS", "PULUMI_SKIP_CHECKPOINTS"]) if (before[key] === undefined) delete process.env[key]; else process.env[key] = before[key];
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
});
