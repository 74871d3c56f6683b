import { spawn } from "node:child_process";
import * as fs from "node:fs";
import * as path from "node:path";
import { clusterNames, endCluster, findCluster } from "./cluster/control";
import { answers } from "./cluster/daemon";
import { upCluster, urlOf } from "./cluster/launch";
import { ClusterFiles } from "./cluster/state";
import { demoImages } from "./demo/images";
import { SandboxError } from "./errors";

const say = (line: string): void => void process.stdout.write(`${line}\n`);

/** What a person or a script needs to use a running cluster. */
export function describe(name: string): string[] {
  const found = findCluster(name);
  if (!found) return [`${name}: not running`];
  const { files, record } = found;
  return [
    `${name}: running`,
    `  ingress     ${urlOf(record, "ingress")}`,
    `  prometheus  ${urlOf(record, "prometheus")}`,
    `  api server  ${urlOf(record, "api")}`,
    `  export KUBECONFIG=${files.kubeconfig}`,
  ];
}

export async function up({ name }: { name: string }): Promise<void> {
  const began = Date.now();
  const stopped = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => stopped.abort(new SandboxError(`Stopped by ${signal}; nothing is left of cluster "${name}".`)));
  const cluster = await upCluster({ name, images: demoImages(), signal: stopped.signal, onProgress: (step) => process.stderr.write(`starting ${step}\n`) });
  await cluster.detach();
  process.stderr.write(`up after ${((Date.now() - began) / 1000).toFixed(1)} s\n`);
  describe(name).forEach(say);
}

export async function down({ name, all }: { name: string; all?: boolean }): Promise<void> {
  for (const each of all ? clusterNames() : [name]) {
    await endCluster(new ClusterFiles(each));
    say(`${each}: down`);
  }
}

export async function status(): Promise<void> {
  const names = clusterNames();
  if (names.length === 0) say("no cluster is up");
  for (const name of names) {
    describe(name).forEach(say);
    const found = findCluster(name);
    if (found && !(await answers(`${urlOf(found.record, "prometheus")}/-/ready`).catch(() => false))) say("  Prometheus does not answer");
  }
}

/** @throws SandboxError when there is no such log. */
export async function logs(component: string | undefined, { name, follow }: { name: string; follow?: boolean }): Promise<void> {
  const files = new ClusterFiles(name);
  const dir = files.file("logs");
  if (!fs.existsSync(dir)) throw new SandboxError(`There is no cluster named "${name}": see \`npm run sandbox -- status\`.`);
  const known = (fs.readdirSync(dir, { recursive: true }) as string[]).filter((f) => f.endsWith(".log")).map((f) => f.slice(0, -4)).sort();
  if (component === undefined) return known.forEach(say);
  const match = known.find((k) => k === component || path.basename(k).startsWith(component));
  if (!match) throw new SandboxError(`Cluster "${name}" has no log of "${component}": choose one of ${known.join(", ")}.`);
  const tail = spawn("tail", [...(follow ? ["-f"] : []), "-n", "+1", path.join(dir, `${match}.log`)], { stdio: "inherit" });
  await new Promise((resolve) => tail.on("close", resolve));
}
