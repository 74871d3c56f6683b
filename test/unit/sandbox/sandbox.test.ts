import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { expect } from "chai";
import { ImageTable, parseImage } from "../../../sandbox/cluster/images";
import { AddressPool } from "../../../sandbox/cluster/network";
import { ClusterFiles } from "../../../sandbox/cluster/state";
import { difference } from "../../../sandbox/demo/summary";
import { SandboxError } from "../../../sandbox/errors";
import { Backoff } from "../../../sandbox/node/backoff";
import { downwardResource, expand } from "../../../sandbox/node/environment";
import { statusOf } from "../../../sandbox/node/status";
import { moduleDir } from "../../../sandbox/toolchain/cache";
import { MODULES } from "../../../sandbox/toolchain/modules";

describe("the sandbox", () => {
  it("splits image references at the tag and not at the port of a registry", () => {
    expect(parseImage("localhost:5000/shop")).to.deep.equal({ repository: "localhost:5000/shop", tag: "latest" });
    expect(parseImage("localhost:5000/shop:v1")).to.deep.equal({ repository: "localhost:5000/shop", tag: "v1" });
    expect(parseImage("shop@sha256:abc")).to.deep.equal({ repository: "shop", tag: "sha256:abc" });
  });

  it("knows only the tags of an image that were added, with what each adds to the environment", () => {
    process.env.XDG_STATE_HOME = fs.mkdtempSync(path.join(os.tmpdir(), "canary-state-"));
    const files = new ClusterFiles("images");
    fs.mkdirSync(files.dir, { recursive: true });
    const table = new ImageTable(files);
    table.add({ shop: { command: ["shop"], env: { A: "1" }, tags: { v1: { B: "2" } } } });
    table.add({ shop: { command: ["shop"], env: { A: "1" }, tags: { v2: {} } } });
    expect(table.resolve("shop:v1")).to.deep.equal({ command: ["shop"], env: { A: "1", B: "2" } });
    expect(table.resolve("shop:v2")?.env).to.deep.equal({ A: "1" });
    expect(table.resolve("shop:v3")).to.equal(undefined);
    fs.rmSync(process.env.XDG_STATE_HOME, { recursive: true });
    delete process.env.XDG_STATE_HOME;
  });

  it("refuses a cluster name that could leave its folder", () => {
    expect(() => new ClusterFiles("../etc")).to.throw(SandboxError, "cannot name a cluster");
  });

  it("waits as long as the kubelet between restarts: 0, 10, 20, … at most 300 seconds, and forgives after ten good minutes", () => {
    const backoff = new Backoff();
    expect([...Array(8)].map(() => backoff.next(1))).to.deep.equal([0, 10, 20, 40, 80, 160, 300, 300]);
    expect(backoff.next(600)).to.equal(0);
  });

  it("expands $(NAME) in values, and leaves unknown and escaped ones", () => {
    expect(expand("$(A)/$(B)/$$(A)", { A: "1" })).to.equal("1/$(B)/$(A)");
  });

  it("tells a container its resources in the unit it asks for, and the node's where it has no limit", () => {
    const container = { name: "app", resources: { requests: { cpu: "250m" }, limits: { memory: "256Mi" } } };
    const pod = { spec: { containers: [container] } };
    const told = (resource: string, divisor?: string) => downwardResource({ resource, divisor }, pod, container);
    expect([told("requests.cpu"), told("requests.cpu", "1m"), told("limits.memory", "1Mi"), told("limits.cpu"), told("requests.memory")]).to.deep.equal(["1", "250", "256", "64", "0"]);
    expect(downwardResource({ resource: "limits.memory", containerName: "app" }, pod)).to.equal(String(256 * 2 ** 20));
    expect(() => told("limits.nvidia.com/gpu")).to.throw("is not known");
  });

  it("hands out each pod address once until it is released", () => {
    const pool = new AddressPool();
    const [a, b] = [pool.take(), pool.take()];
    expect([a, b]).to.deep.equal(["10.244.1.1", "10.244.1.2"]);
    pool.release(a!);
    expect(pool.take()).to.equal("10.244.1.3");
  });

  it("keeps a condition's time while its value stays, and other components' conditions altogether", () => {
    const old = new Date(0);
    const pod = { status: { conditions: [{ type: "PodScheduled", status: "True" }, { type: "Ready", status: "False", lastTransitionTime: old }] } };
    const status = statusOf(pod, { startTime: old, ip: undefined, initialized: false, init: [], containers: [] });
    expect(status.phase).to.equal("Pending");
    expect(status.conditions?.find((c) => c.type === "PodScheduled")).to.deep.equal({ type: "PodScheduled", status: "True" });
    expect(status.conditions?.find((c) => c.type === "Ready")).to.include({ status: "False", lastTransitionTime: old });
  });

  it("keys a tool's cache by its module files and its flags", () => {
    const [etcd] = MODULES;
    expect(moduleDir(etcd!)).to.not.equal(moduleDir({ ...etcd!, ldflags: "-X a=b" }));
    expect(moduleDir(etcd!)).to.equal(moduleDir({ ...etcd! }));
  });

  it("counts only what came between two states of the load's counters", () => {
    expect(difference({ v1: { "200": 7 }, v2: { "200": 3, "500": 1 } }, { v1: { "200": 7 }, v2: { "200": 1 } })).to.deep.equal({ v2: { "200": 2, "500": 1 } });
  });
});
