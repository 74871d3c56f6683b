import { execFileSync } from "node:child_process";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { expect } from "chai";
import { exportsFor, stacksOf } from "../../../sandbox/app/env";
import { install } from "../../../sandbox/app/install";
import { countLines, firstHost } from "../../../sandbox/app/load";
import { parseGiven } from "../../../sandbox/app/source";
import { ImageTable } from "../../../sandbox/cluster/images";
import { ClusterFiles } from "../../../sandbox/cluster/state";

describe("a user's own images in the sandbox", () => {
  let home: string;
  let files: ClusterFiles;
  beforeEach(() => {
    home = fs.mkdtempSync(path.join(os.tmpdir(), "canary-own-"));
    process.env.XDG_STATE_HOME = home;
    files = new ClusterFiles("own");
    fs.mkdirSync(files.file("project"), { recursive: true });
  });
  afterEach(() => {
    fs.rmSync(home, { recursive: true });
    delete process.env.XDG_STATE_HOME;
  });

  it("are npm packages with their version, or files, with arguments", () => {
    expect(parseGiven("shop:v2=npm:http-server@14.1.1 --cors -p $(PORT)")).to.deep.equal({ name: "shop", tag: "v2", source: { kind: "npm", spec: "http-server@14.1.1", packageName: "http-server", args: ["--cors", "-p", "$(PORT)"] } });
    expect(parseGiven("api:1=npm:@acme/api@2.0.0").source).to.include({ packageName: "@acme/api", spec: "@acme/api@2.0.0" });
    expect(parseGiven("shop:v1=file:./server.js").source).to.deep.equal({ kind: "file", file: "./server.js", args: [] });
  });

  it("are refused in one sentence when they cannot be understood", () => {
    for (const [text, why] of [
      ["shop:v1", "cannot be understood"], ["shop:v1=docker:nginx", "cannot be understood"], ["shop=npm:http-server@14.1.1", "has no tag"],
      ["Shop:v1=npm:http-server@14.1.1", "cannot name a service"], ["shop:v1=npm:http-server", "no npm package with a version"], ["shop:v1=npm:../x@1", "no npm package with a version"],
    ] as const) expect(() => parseGiven(text), text).to.throw(why);
  });

  it("run a file by Node.js or by itself, and say what is wrong with one that cannot be run", async () => {
    const script = path.join(home, "a.js");
    const data = path.join(home, "data");
    for (const file of [script, data]) fs.writeFileSync(file, "");
    const given = (file: string) => install({ kind: "file", file, args: ["x"] });
    expect((await given(script)).command).to.deep.equal([process.execPath, script, "x"]);
    expect(await given(data).catch((e: Error) => e.message)).to.include("neither JavaScript nor executable");
    fs.chmodSync(data, 0o755);
    expect((await given(data)).command).to.deep.equal([data, "x"]);
    expect(await given(path.join(home, "none")).catch((e: Error) => e.message)).to.include("There is no file");
  });

  it("have a program for each tag, kept when others are added", () => {
    const table = new ImageTable(files);
    for (const tag of ["v1", "v2"]) table.add({ shop: { command: [tag], tags: { [tag]: {} }, programs: { [tag]: { command: [`run-${tag}`], workingDir: `/${tag}` } } } });
    expect(table.resolve("shop:v1")).to.deep.equal({ command: ["run-v1"], env: {}, workingDir: "/v1", files: [] });
    expect(table.resolve("shop:v2")?.command).to.deep.equal(["run-v2"]);
  });

  it("are reached by a shell that has evaluated `sandbox env`, whatever is in the paths", () => {
    fs.writeFileSync(files.file("project", "Pulumi.sandbox.yaml"), "config:\n  canary:services:\n    shop: {hosts: [shop.example]}\n");
    const tools = { path: (tool: string) => tool, env: ({ PATH }: NodeJS.ProcessEnv) => ({ PATH: `/to ols/it's:${PATH}` }) };
    const lines = exportsFor(files, tools as never);
    const seen = execFileSync("/bin/bash", ["--noprofile", "--norc", "-c", `${lines.join("\n")}\necho "$PULUMI_STACK|$CANARY_CWD|$PATH|$KUBECONFIG"`], { encoding: "utf8", env: { PATH: "/mine" } });
    expect(seen).to.equal(`sandbox|${files.file("project")}|/to ols/it's:/mine|${files.kubeconfig}\n`);
    expect(firstHost(files)).to.equal("shop.example");
  });

  it("leave the choice of a stack to the user where there are several, or none", () => {
    const tools = { path: (tool: string) => tool, env: ({ PATH }: NodeJS.ProcessEnv) => ({ PATH }) };
    expect(exportsFor(files, tools as never).join("\n")).to.not.include("PULUMI_STACK");
    for (const name of ["eu", "us"]) fs.writeFileSync(files.file("project", `Pulumi.${name}.yaml`), "config: {}\n");
    expect(stacksOf(files)).to.deep.equal(["eu", "us"]);
    expect(exportsFor(files, tools as never).join("\n")).to.not.include("PULUMI_STACK");
    expect(() => firstHost(files)).to.throw("--host");
  });

  it("are counted by version where they name themselves", () => {
    expect(countLines({ none: { "200": 5, none: 1 } })).to.deep.equal(["6 requests, 1 failed"]);
    expect(countLines({ v1: { "200": 5 }, v2: { "500": 2 } })).to.deep.equal(["7 requests, 2 failed", "  v1: 5, 0 failed", "  v2: 2, 2 failed"]);
  });
});
