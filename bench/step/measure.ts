import { execFile } from "node:child_process";
import * as fs from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { KubeConfig, NetworkingV1Api, PatchStrategy, setHeaderOptions, Watch, type V1Ingress } from "@kubernetes/client-node";
import type { Cluster } from "../../sandbox/cluster/launch";
import { runCanary, type DriverEvent } from "../../sandbox/demo/driver";
import { SHOP_IMAGE } from "../../sandbox/demo/images";
import { Load } from "../../sandbox/demo/load";
import { createProject, type DemoProject } from "../../sandbox/demo/project";
import type { Toolchain } from "../../sandbox/toolchain";

const ANNOTATION = "nginx.ingress.kubernetes.io/canary-weight";
const run = promisify(execFile);

/** The two weights between which a step is measured, in percent. */
export const LOW = 5;
export const HIGH = 50;
/** Seconds of a stage's dwell. */
export const DWELL = 5;

/** One raise, in seconds after the decision. */
export interface Step {
  /** Every canary Ingress has the weight. */
  readonly set: number;
  /** Users are served by it; first service only. */
  readonly served: number;
  /** `pulumi up` has ended; of a bare one. */
  readonly ended?: number;
  /** The driver has verified the split from the router's counters. */
  readonly verified?: number;
  /** What the stage took beyond its dwell. */
  readonly own?: number;
  /** Most resident memory of the driver's process at once, in MB. */
  readonly memory?: number;
}

export interface Stack extends DemoProject {
  readonly host: string;
  readonly names: readonly string[];
}

/** A stack with v1 installed and so many services, which are all alike; by default its rollouts stop before the promotion. */
export async function stackOf(cluster: Cluster, tools: Toolchain, name: string, services: number, autoPromote = false): Promise<Stack> {
  const names = Array.from({ length: services }, (_, n) => `shop${n || ""}`);
  const project = createProject(cluster, tools, name, {
    namespace: name,
    services: Object.fromEntries(names.map((n) => [n, { image: SHOP_IMAGE, port: 8080, hosts: [`${n}.${name}.example`], critical: n === "shop", workload: { replicas: 1, drain: "1s", progressDeadline: "300s" } }])),
    rollout: { stages: [{ weight: LOW, dwell: "1s" }, { weight: HIGH, dwell: `${DWELL}s` }], warmUp: "0s", verifyTimeout: "120s", autoPromote },
    analysis: { prometheus: cluster.url("prometheus"), source: "traefik", scrapeInterval: "1s", gates: { preset: "C" } },
  });
  for (const command of [["init"], ["deploy", "v1", "--yes"]]) {
    const { exitCode, stderr, events } = await runCanary(project, command);
    if (exitCode !== 0) throw new Error(`canary ${command.join(" ")} on ${services} services: exit ${exitCode}: ${stderr || events.at(-1)?.message}`);
  }
  return { ...project, host: `shop.${name}.example`, names };
}

/** A load on every service of a stack, `rate` requests a second on the first and `others` on each other. */
export function loads(cluster: Cluster, stack: Stack, rate: number, others: number, seconds: number): { first: Load; stop(): Promise<void> } {
  const started = stack.names.map((name, n) => new Load({ url: `${cluster.url("ingress")}/`, host: `${name}.${stack.stack}.example`, rate: n === 0 ? rate : others, seconds }).start());
  return { first: started[0]!, stop: async () => void (await Promise.all(started.map((load) => load.stop()))) };
}

/** Follows the weights that the API server has, and who serves the users. */
class Observer {
  private readonly weights = new Map<string, string>();
  private readonly recent: boolean[] = [];
  private since: { readonly weight: number; readonly set?: number; readonly served?: number } | undefined;
  private abort: () => void = () => undefined;

  constructor(private readonly stack: Stack) {}

  async start(load: Load): Promise<this> {
    const config = new KubeConfig();
    config.loadFromFile(this.stack.env.KUBECONFIG!);
    const controller = await new Watch(config).watch(`/apis/networking.k8s.io/v1/namespaces/${this.stack.stack}/ingresses`, {}, (_, { metadata }: V1Ingress) => {
      if (metadata?.name?.endsWith("-canary")) this.weights.set(metadata.name, metadata.annotations?.[ANNOTATION] ?? "");
      if (this.since && !this.since.set && this.weights.size === this.stack.names.length && [...this.weights.values()].every((w) => w === String(this.since!.weight))) this.since = { ...this.since, set: Date.now() };
    }, () => undefined);
    this.abort = () => controller.abort();
    const off = load.onAnswer(({ version, at }) => {
      this.recent.push(version === "v2");
      if (this.recent.length > 40) this.recent.shift();
      // 12 of 40 are one in ten million windows at 5 %, and nine in ten at 50 %.
      if (this.since && !this.since.served && this.recent.filter(Boolean).length >= 12) this.since = { ...this.since, served: at };
    });
    const stop = this.abort;
    this.abort = () => (stop(), off());
    return this;
  }

  expect(weight: number): void {
    this.recent.length = 0;
    this.since = { weight };
  }

  /** Waits until both are seen. */
  async seen(decided: number): Promise<Pick<Step, "set" | "served">> {
    while (!this.since?.set || !this.since.served) await sleep(10);
    return { set: (this.since.set - decided) / 1000, served: (this.since.served - decided) / 1000 };
  }

  stop(): void {
    this.abort();
  }
}

/** Writes a weight into the stack file, as somebody with an editor does. */
export function edit(stack: Stack, weight: number): void {
  fs.writeFileSync(stack.stackFile, fs.readFileSync(stack.stackFile, "utf8").replace(/canary:weight: \d+/, `canary:weight: ${weight}`));
}

const pulumiUp = (stack: Stack): Promise<unknown> => run("pulumi", ["up", "--yes", "--skip-preview", "--non-interactive", "--stack", stack.stack], { cwd: stack.dir, env: stack.env, maxBuffer: 1 << 26 });

/** Somebody patches the live weight of every service, and nothing else: the limit of what the router and the API server allow. */
export async function patched(stack: Stack, load: Load): Promise<Step> {
  const config = new KubeConfig();
  config.loadFromFile(stack.env.KUBECONFIG!);
  const networking = config.makeApiClient(NetworkingV1Api);
  const set = (weight: number): Promise<unknown> => Promise.all(stack.names.map((name) => networking.patchNamespacedIngress(
    { name: `${name}-canary`, namespace: stack.stack, body: { metadata: { annotations: { [ANNOTATION]: String(weight) } } } }, setHeaderOptions("Content-Type", PatchStrategy.MergePatch))));
  const observer = await new Observer(stack).start(load);
  try {
    const decided = Date.now();
    observer.expect(HIGH);
    await set(HIGH);
    return await observer.seen(decided);
  } finally {
    observer.stop();
    await set(LOW);
    // The router takes a change up at once, but not within some seconds of another.
    await sleep(3000);
  }
}

/** A rollout that waits at the low weight, so that somebody can edit the stack file. */
export async function park(stack: Stack): Promise<void> {
  const { exitCode, stderr, events } = await runCanary(stack, ["deploy", "v2", "--yes", "--stages", `${LOW}:1s`]);
  if (exitCode !== 3) throw new Error(`The canary is not held at ${LOW} %: exit ${exitCode}: ${stderr || events.at(-1)?.message}`);
}

/** Somebody edits the weight and runs `pulumi up`, with the Pulumi CLI and nothing else. */
export async function bare(stack: Stack, load: Load): Promise<Step> {
  const observer = await new Observer(stack).start(load);
  try {
    edit(stack, HIGH);
    const decided = Date.now();
    observer.expect(HIGH);
    await pulumiUp(stack);
    const ended = (Date.now() - decided) / 1000;
    return { ...(await observer.seen(decided)), ended };
  } finally {
    observer.stop();
    edit(stack, LOW);
    await pulumiUp(stack);
  }
}

/** Most resident memory that a process has had, in MB; 0 when it is gone. */
export function peakMemory(pid: number): number {
  try {
    return Number(/^VmHWM:\s+(\d+) kB$/m.exec(fs.readFileSync(`/proc/${pid}/status`, "utf8"))?.[1] ?? 0) / 1024;
  } catch {
    return 0;
  }
}

/** The driver raises the weight in a rollout, which goes home afterwards. */
export async function driven(stack: Stack, load: Load): Promise<Step> {
  const observer = await new Observer(stack).start(load);
  const at: Record<string, number> = {};
  let memory = 0;
  try {
    const { exitCode, stderr, events } = await runCanary(stack, ["deploy", "v2", "--yes", "--retry"], { onEvent: (event: DriverEvent & { t?: number; weight?: number }, pid) => {
      memory = Math.max(memory, peakMemory(pid));
      if (event.weight !== HIGH || at[event.event]) return;
      at[event.event] = event.t! * 1000;
      if (event.event === "stage") observer.expect(HIGH);
    } });
    if (exitCode !== 3 || !at.verdict) throw new Error(`The rollout did not get through its stages: exit ${exitCode}: ${stderr || events.at(-1)?.message}`);
    const after = (what: string): number => (at[what]! - at.stage!) / 1000;
    return { ...(await observer.seen(at.stage!)), verified: after("split"), own: after("verdict") - DWELL, memory };
  } finally {
    observer.stop();
    await runCanary(stack, ["rollback"]);
  }
}
