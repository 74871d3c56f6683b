import { execFile } from "node:child_process";
import * as fs from "node:fs";
import { AppsV1Api, CoreV1Api, KubeConfig, NetworkingV1Api } from "@kubernetes/client-node";
import { upCluster, type Cluster } from "../../sandbox/cluster/launch";
import { runCanary, type DriverEvent, type DriverRun } from "../../sandbox/demo/driver";
import { shopImages, SHOP_IMAGE } from "../../sandbox/demo/images";
import { Load, type Counts } from "../../sandbox/demo/load";
import { createProject, DEMO_ROLLOUT, type DemoProject, type StackValues } from "../../sandbox/demo/project";
import { ensureToolchain, type Toolchain } from "../../sandbox/toolchain";

let shared: Promise<{ cluster: Cluster; tools: Toolchain }> | undefined;

/** The suite's one cluster, started by the first test that asks for it. */
export function sharedCluster(): Promise<{ cluster: Cluster; tools: Toolchain }> {
  shared ??= (async () => {
    const tools = await ensureToolchain();
    const versions = { v1: {}, v2: {}, bad: { errorShare: 0.2 }, slow: { latencyMs: 1500 }, sick: { healthy: false }, regional: {} };
    // A release that is bad in one region only.
    const us = shopImages({ ...versions, regional: { errorShare: 0.2 } })[SHOP_IMAGE]!;
    const images = { ...shopImages(versions), [`${SHOP_IMAGE}-us`]: us };
    return { tools, cluster: await upCluster({ name: `test-${process.pid}`, images }) };
  })();
  return shared;
}

export interface Shop extends DemoProject {
  readonly namespace: string;
  readonly host: string;
  readonly cluster: Cluster;
  canary(...args: string[]): Promise<DriverRun>;
  /** The same, with every event as it comes. */
  canaryWatched(args: string[], onEvent: (event: DriverEvent) => void): Promise<DriverRun>;
  pulumi(...args: string[]): Promise<{ code: number; output: string }>;
  /** The same on several stacks of the project. */
  canaryOn(stacks: string, ...args: string[]): Promise<DriverRun>;
  /** Replaces text in the stack file, as a person with an editor does. */
  edit(from: string | RegExp, to: string): void;
  /** An open-loop load for so many requests; resolves when all are answered. */
  load(requests: number, rate?: number, headers?: Record<string, string>): Promise<Counts>;
  /** Starts a load that runs until `stop`. */
  background(rate: number): Load;
}

/** A stack of its own, with a namespace and a host of its own, on the shared cluster. */
export async function shopStack(name: string, overrides: StackValues = {}): Promise<Shop> {
  const { cluster, tools } = await sharedCluster();
  const host = `${name}.example`;
  const services = { shop: { image: SHOP_IMAGE, port: 8080, hosts: [host], workload: { drain: "1s", progressDeadline: "8s" } } };
  const project = createProject(cluster, tools, name, { namespace: name, services, rollout: { ...DEMO_ROLLOUT, undoWindow: "1h" }, ...overrides });
  const load = (rate: number, seconds: number, headers?: Record<string, string>): Load => new Load({ url: `${cluster.url("ingress")}/`, host, rate, seconds, headers });
  const shop: Shop = {
    ...project,
    namespace: name,
    host,
    cluster,
    canary: (...args) => runCanary(project, args),
    canaryOn: (stacks, ...args) => runCanary({ ...project, stack: stacks }, args),
    canaryWatched: (args, onEvent) => runCanary(project, args, { onEvent }),
    pulumi: (...args) =>
      new Promise((resolve) => {
        execFile("pulumi", [...args, "--stack", name, "--non-interactive", "--color", "never"], { cwd: project.dir, env: project.env, maxBuffer: 1 << 26 }, (error, stdout, stderr) =>
          resolve({ code: typeof error?.code === "number" ? error.code : error ? 1 : 0, output: stdout + stderr }));
      }),
    edit: (from, to) => fs.writeFileSync(project.stackFile, fs.readFileSync(project.stackFile, "utf8").replace(from, to)),
    async load(requests, rate = 500, headers) {
      const running = load(rate, requests / rate, headers).start();
      await new Promise((resolve) => setTimeout(resolve, (requests / rate) * 1000 + 50));
      return running.stop();
    },
    background: (rate) => load(rate, 300).start(),
  };
  await shop.canary("init");
  return shop;
}

/** Clients of the shared cluster. */
export async function kubernetes(): Promise<{ core: CoreV1Api; apps: AppsV1Api; networking: NetworkingV1Api }> {
  const config = new KubeConfig();
  config.loadFromFile((await sharedCluster()).cluster.files.kubeconfig);
  return { core: config.makeApiClient(CoreV1Api), apps: config.makeApiClient(AppsV1Api), networking: config.makeApiClient(NetworkingV1Api) };
}

/** Ends the shared cluster, if it was ever started. */
export async function endSharedCluster(): Promise<void> {
  if (shared) await (await shared).cluster.down();
  shared = undefined;
}

after(endSharedCluster);
