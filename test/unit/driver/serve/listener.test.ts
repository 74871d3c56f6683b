import * as fs from "node:fs";
import { createServer, type AddressInfo } from "node:net";
import * as path from "node:path";
import { expect } from "chai";
import type { RecordedRollout } from "../../../../components/record/format";
import type { Occasion } from "../../../../driver/report/listeners";
import { serveRollout } from "../../../../driver/serve/listener";
import { folder, scene } from "../fakes";

const STACK = "config:\n  canary:namespace: shop\n  canary:stable: v1\n  canary:services:\n    shop: {image: registry.example/shop, port: 8080, hosts: [shop.example]}\n";
const ROLLOUT: RecordedRollout = { id: "v2-abc", version: "v2", from: "v1", phase: "observing", stages: [5, 100], weight: 5, startedAt: "2026-03-01T12:00:00.000Z", since: "2026-03-01T12:00:00.000Z" };

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((ready) => server.listen(0, "127.0.0.1", ready));
  const { port } = server.address() as AddressInfo;
  await new Promise((closed) => server.close(closed));
  return port;
}

describe("--listen", function () {
  this.timeout(20_000);
  const notes: string[] = [];
  let dir: string;

  beforeEach(() => {
    dir = folder("listen");
    notes.length = 0;
    fs.writeFileSync(path.join(dir, "Pulumi.yaml"), "name: canary\nruntime: nodejs\nbackend: {url: 'file:///nowhere'}\n");
  });

  /** A stack with a rollout under way, as its verb's listeners get it. */
  async function occasion(stack: string): Promise<Occasion> {
    fs.writeFileSync(path.join(dir, `Pulumi.${stack}.yaml`), STACK);
    const { context: { ledger, dependencies }, file } = scene("  canary:stable: v1");
    await ledger.begin(ROLLOUT, "v2 beside v1");
    return { project: "canary", stack, folder: dir, flags: { stack, cwd: dir }, verb: "deploy v2", config: file.read(), ledger, dependencies, note: (sentence) => void notes.push(sentence) };
  }

  it("shows the stacks of a fleet on one server, says once where, and ends with the last of them", async () => {
    const at = { host: "127.0.0.1", port: await freePort() };
    const url = `http://127.0.0.1:${at.port}/`;
    const text = async (name: string): Promise<string> => (await fetch(url + name)).text();
    const [eu, us] = await Promise.all([serveRollout(await occasion("eu"), at), serveRollout(await occasion("us"), at)]);
    expect(notes).to.deep.equal([`Status at ${url}`]);
    eu.hear({ t: Date.now() / 1000, event: "stage", stage: 0, weight: 5, message: "stage 1 of 2: weight 5" });
    us.hear({ t: Date.now() / 1000, event: "stage", stage: 0, weight: 20, message: "stage 1 of 2: weight 20" });
    const metrics = await text("metrics");
    for (const [stack, weight] of [["eu", 5], ["us", 20]]) expect(metrics).to.include(`canary_weight{stack="${stack}",namespace="shop",service="shop",version="v2"} ${weight}\n`);
    expect(metrics.match(/^# TYPE canary_weight /gm)).to.have.length(1);
    expect(await text("")).to.include("stacks/eu/").and.to.include("stacks/us/");
    expect(await text("stacks/us/")).to.include("weight 20").and.to.not.include("weight 5");
    await eu.close();
    expect((await fetch(`${url}health`)).status).to.equal(200);
    await us.close();
    expect(await fetch(`${url}health`).then(() => "answered", () => "gone")).to.equal("gone");
  });

  it("can be had again at the same address by the next verb of the process", async () => {
    const at = { host: "127.0.0.1", port: await freePort() };
    for (let i = 0; i < 2; i++) await (await serveRollout(await occasion("eu"), at)).close();
    expect(notes).to.have.length(2);
  });

  it("warns once where others than this machine may ask", async () => {
    const at = { host: "0.0.0.0", port: await freePort() };
    for (const stack of await Promise.all([serveRollout(await occasion("eu"), at), serveRollout(await occasion("us"), at)])) await stack.close();
    expect(notes).to.deep.equal([`Status at http://0.0.0.0:${at.port}/, for everybody who can reach this address: it can be read, and nothing can be changed there`]);
  });
});
