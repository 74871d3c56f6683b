import type { Cluster } from "../../sandbox/cluster/launch";
import { runCanary } from "../../sandbox/demo/driver";
import { SHOP_IMAGE } from "../../sandbox/demo/images";
import { runAndKill } from "../../sandbox/demo/kill";
import { failures, Load } from "../../sandbox/demo/load";
import { createProject, type DemoProject } from "../../sandbox/demo/project";
import type { Toolchain } from "../../sandbox/toolchain";
import { drift, pendingOperations } from "./scene";

const RATE = 200;

/** One killed rollout, and what became of it. */
export interface KillRow {
  readonly version: string;
  readonly point: string;
  readonly n: number;
  readonly tree: boolean;
  /** How the next command ended, and what it said. */
  readonly exitCode: number;
  readonly message: string;
  /** Requests of users that failed, from the start of the rollout to the end of the next command; without those a bad version answers itself. */
  readonly failed: number;
  /** The versions that are served afterwards; safe is one healthy one. */
  readonly served: readonly string[];
  /** What a preview with refresh would change; safe is nothing. */
  readonly drift: string;
  readonly pending: number;
  readonly safe: boolean;
}

/** A stack with v1 installed, whose rollout takes some ten seconds. */
export async function victim(cluster: Cluster, tools: Toolchain, name: string): Promise<DemoProject & { host: string; namespace: string }> {
  const host = `${name}.example`;
  const project = createProject(cluster, tools, name, {
    namespace: name,
    services: { shop: { image: SHOP_IMAGE, port: 8080, hosts: [host], workload: { drain: "1s", progressDeadline: "10s" } } },
    rollout: { stages: [{ weight: 50, dwell: "1s" }, { weight: 100, dwell: "1s" }], warmUp: "0s", verifyTimeout: "30s", undoWindow: "1h", lease: "3s" },
    analysis: { prometheus: cluster.url("prometheus"), source: "traefik", scrapeInterval: "1s" },
  });
  for (const command of [["init"], ["deploy", "v1", "--yes"]]) await runCanary(project, command);
  return { ...project, host, namespace: name };
}

export interface KillCase {
  readonly cluster: Cluster;
  readonly project: DemoProject & { host: string; namespace: string };
  readonly version: string;
  readonly at: number;
  readonly tree: boolean;
}

/**
 * Rolls a version out under load, kills the driver at a write of its record, and runs the next command, which is the same again, as a
 * CI system would. Undefined when the rollout has fewer writes.
 */
export async function killAt({ cluster, project, version, at, tree }: KillCase): Promise<KillRow | undefined> {
  const load = new Load({ url: `${cluster.url("ingress")}/`, host: project.host, rate: RATE, seconds: 240 }).start();
  const args = ["deploy", version, "--yes", "--retry"];
  const killed = await runAndKill({ project, args, record: { namespace: project.namespace, name: `canary-${project.stack}-rollout` }, at, tree });
  if (!killed.killedAt) {
    await load.stop();
    return undefined;
  }
  const next = await runCanary(project, args);
  const bad = version === "bad" ? version : undefined;
  const failed = failures(await load.stop(), bad);
  const after = new Load({ url: `${cluster.url("ingress")}/`, host: project.host, rate: RATE, seconds: 1 }).start();
  await new Promise((resolve) => setTimeout(resolve, 1100));
  const served = Object.keys(await after.stop());
  const [found, pending] = [await drift(project), await pendingOperations(project)];
  const safe = served.length === 1 && served[0] !== "bad" && served[0] !== "none" && found === "none" && pending === 0 && failed === 0;
  return { version, point: killed.killedAt.name, n: at, tree, exitCode: next.exitCode, message: next.events.at(-1)?.message ?? next.stderr, failed, served, drift: found, pending, safe };
}
