import { execFile } from "node:child_process";
import * as fs from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { AppsV1Api, CoreV1Api, KubeConfig, NetworkingV1Api, PatchStrategy, setHeaderOptions } from "@kubernetes/client-node";
import type { Cluster } from "../../sandbox/cluster/launch";
import { runCanary, type DriverEvent, type DriverRun } from "../../sandbox/demo/driver";
import { SHOP_IMAGE } from "../../sandbox/demo/images";
import { failures, Load, totalOf, type Counts } from "../../sandbox/demo/load";
import { createProject, type DemoProject, type StackValues } from "../../sandbox/demo/project";
import { treeOf } from "../../sandbox/processes";
import type { Toolchain } from "../../sandbox/toolchain";

const RATE = 100;
const run = promisify(execFile);

/** What a stack came to after a fault and the command that followed it. */
export interface Aftermath {
  /** The versions that are served; safe is one healthy one. */
  readonly served: readonly string[];
  /** What a preview with refresh would change; safe is nothing. */
  readonly drift: string;
  /** Operations that the state says are unfinished; safe is 0. */
  readonly pending: number;
}

/** The app's own counters, for gates on them. */
const SCRAPED = { "prometheus.io/scrape": "true", "prometheus.io/port": "8080" };

type PulumiRun = { readonly code: number; readonly output: string };

async function pulumi(project: DemoProject, ...args: string[]): Promise<PulumiRun> {
  const [command, ...rest] = [...(project.within ?? []), "pulumi", ...args, "--cwd", project.dir, "--stack", project.stack, "--non-interactive", "--color", "never"];
  try {
    const { stdout, stderr } = await run(command!, rest, { env: project.env, maxBuffer: 1 << 26 });
    return { code: 0, output: stdout + stderr };
  } catch (error) {
    const { code, stdout = "", stderr = "" } = error as { code?: number; stdout?: string; stderr?: string };
    return { code: code ?? 1, output: stdout + stderr };
  }
}

export async function drift(project: DemoProject): Promise<string> {
  const { code, output } = await pulumi(project, "preview", "--json", "--refresh");
  if (code !== 0) return `preview fails: ${output.slice(-200)}`;
  const summary = JSON.parse(/"changeSummary": (\{[^}]*\})/.exec(output)?.[1] ?? "{}") as Record<string, number>;
  return Object.entries(summary).filter(([op]) => op !== "same").map(([op, n]) => `${n} ${op}`).join(", ") || "none";
}

export async function pendingOperations(project: DemoProject): Promise<number> {
  const { output } = await pulumi(project, "stack", "export");
  const state = JSON.parse(output.slice(output.indexOf("{"))) as { deployment?: { pending_operations?: unknown[] } };
  return state.deployment?.pending_operations?.length ?? 0;
}

/** The requests that failed for users in words, e.g. `none 502 3`. */
export const failuresIn = (counts: Counts, bad?: string): string =>
  Object.entries(counts).filter(([version]) => version !== bad).flatMap(([version, c]) => Object.entries(c).filter(([status]) => version === "none" || !/^[23]/.test(status)).map(([status, n]) => `${version} ${status} ${n}`)).join(", ");

/** A stack with v1 installed, under load, in which a fault can be injected. */
export class Scene {
  private load: Load | undefined;
  private readonly lastAt = new Map<string, number>();

  private constructor(readonly cluster: Cluster, readonly project: DemoProject, readonly host: string) {}

  static async of(cluster: Cluster, tools: Toolchain, name: string, overrides: StackValues = {}, place: (project: DemoProject) => Promise<DemoProject> = async (p) => p): Promise<Scene> {
    const host = `${name}.example`;
    const project = await place(createProject(cluster, tools, name, {
      namespace: name,
      services: { shop: { image: SHOP_IMAGE, port: 8080, hosts: [host], workload: { drain: "1s", progressDeadline: "10s", annotations: SCRAPED } } },
      ...overrides,
      analysis: { prometheus: cluster.url("prometheus"), source: "traefik", scrapeInterval: "1s", gates: { preset: "C" }, ...(overrides.analysis as object) },
      rollout: { stages: [{ weight: 20, dwell: "8s" }, { weight: 50, dwell: "1s" }], warmUp: "0s", verifyTimeout: "20s", undoWindow: "1h", lease: "6s", lockWait: "10s", ...(overrides.rollout as object) },
    }));
    const scene = new Scene(cluster, project, host);
    for (const command of [["init"], ["deploy", "v1", "--yes"]]) {
      const { exitCode, stderr, events } = await scene.canary(command);
      if (exitCode !== 0) throw new Error(`canary ${command.join(" ")}: exit ${exitCode}: ${stderr || events.at(-1)?.message}`);
    }
    await scene.untilServed();
    return scene;
  }

  /** The router takes up a new stack some seconds after it is there. */
  private async untilServed(): Promise<void> {
    for (let inRow = 0; inRow < 20; ) {
      const load = new Load({ url: `${this.cluster.url("ingress")}/`, host: this.host, rate: 20, seconds: 1 }).start();
      await sleep(250);
      const counts = await load.stop();
      inRow = failures(counts) === 0 ? inRow + totalOf(counts["v1"]) : 0;
    }
  }

  startLoad(path = "/", rate = RATE): Load {
    const load = new Load({ url: `${this.cluster.url("ingress")}${path}`, host: this.host, rate, seconds: 300 }).start();
    load.onAnswer(({ version, at }) => void this.lastAt.set(version, at));
    return (this.load ??= load);
  }

  /** When a version answered last, ms since the epoch; 0 when never. */
  lastOf = (version: string): number => this.lastAt.get(version) ?? 0;

  canary = (args: readonly string[], onEvent?: (event: DriverEvent, pid: number) => void): Promise<DriverRun> => runCanary(this.project, args, onEvent ? { onEvent } : {});

  /** Changes text in the stack file, as a person with an editor does. */
  edit(from: string | RegExp, to: string): void {
    fs.writeFileSync(this.project.stackFile, fs.readFileSync(this.project.stackFile, "utf8").replace(from, to));
  }

  private config(): KubeConfig {
    const config = new KubeConfig();
    config.loadFromFile(this.cluster.files.kubeconfig);
    return config;
  }

  get core(): CoreV1Api {
    return this.config().makeApiClient(CoreV1Api);
  }

  get apps(): AppsV1Api {
    return this.config().makeApiClient(AppsV1Api);
  }

  get networking(): NetworkingV1Api {
    return this.config().makeApiClient(NetworkingV1Api);
  }

  /** As `kubectl patch` would. */
  async patchIngress(name: string, body: object): Promise<void> {
    await this.networking.patchNamespacedIngress({ name, namespace: this.project.stack, body, fieldManager: "kubectl-patch" }, setHeaderOptions("Content-Type", PatchStrategy.MergePatch));
  }

  /** Deletes the pods of a version at once. */
  async deletePods(version: string): Promise<void> {
    await this.core.deleteCollectionNamespacedPod({ namespace: this.project.stack, labelSelector: `app.kubernetes.io/version=${version}`, gracePeriodSeconds: 0 });
  }

  /** Pids of a part of the cluster, by a text of its command line. */
  private daemon(part: RegExp): number[] {
    return treeOf(this.cluster.record.pid).filter((pid) => {
      try {
        return part.test(fs.readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " "));
      } catch {
        return false;
      }
    });
  }

  signal(part: RegExp, name: NodeJS.Signals): void {
    const pids = this.daemon(part);
    if (pids.length === 0) throw new Error(`No process of the cluster matches ${part}.`);
    for (const pid of pids) process.kill(pid, name);
  }

  /** Stops a part of the cluster for some seconds: it answers nobody, and nobody is told. */
  async freeze(part: RegExp, seconds: number): Promise<void> {
    this.signal(part, "SIGSTOP");
    await sleep(seconds * 1000);
    this.signal(part, "SIGCONT");
  }

  async aftermath(): Promise<Aftermath> {
    const after = new Load({ url: `${this.cluster.url("ingress")}/`, host: this.host, rate: RATE, seconds: 2 }).start();
    await sleep(2100);
    const served = Object.keys(await after.stop());
    return { served, drift: await drift(this.project), pending: await pendingOperations(this.project) };
  }

  /** Ends the load, and the pods: a hundred stacks of them would take the machine's memory. */
  async stop(): Promise<void> {
    await this.load?.stop();
    await this.apps.deleteCollectionNamespacedDeployment({ namespace: this.project.stack, propagationPolicy: "Background" }).catch(() => undefined);
  }
}
