import { spawn } from "node:child_process";
import * as fs from "node:fs";
import * as path from "node:path";
import { clusterNames, endCluster, findCluster } from "./cluster/control";
import { answers } from "./cluster/daemon";
import { upCluster, urlOf, type Cluster } from "./cluster/launch";
import { ClusterFiles } from "./cluster/state";
import { demoImages } from "./demo/images";
import type { DemoProject } from "./demo/project";
import { SandboxError } from "./errors";
import { addImages, createStack } from "./app/app";
import { exportsFor } from "./app/env";
import { countLines, firstHost, underLoad } from "./app/load";
import type { GivenImage } from "./app/source";
import { ensureToolchain } from "./toolchain";

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

/** The cluster's files. @throws SandboxError when it is not up */
function running(name: string): NonNullable<ReturnType<typeof findCluster>> {
  const found = findCluster(name);
  if (!found) throw new SandboxError(`There is no cluster named "${name}": start one with \`npm run sandbox -- up\`, or see \`npm run sandbox -- status\`.`);
  return found;
}

const flagOf = (name: string): string => (name === "default" ? "" : ` --name ${name}`);

export async function up({ name, image: given = [] }: { name: string; image?: readonly GivenImage[] }): Promise<void> {
  const began = Date.now();
  const stopped = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => stopped.abort(new SandboxError(`Stopped by ${signal}; nothing is left of cluster "${name}".`)));
  const cluster = await upCluster({ name, images: demoImages(), signal: stopped.signal, onProgress: (step) => process.stderr.write(`starting ${step}\n`) });
  const project = given.length > 0 ? await ownImages(cluster, given) : undefined;
  await cluster.detach();
  process.stderr.write(`up after ${((Date.now() - began) / 1000).toFixed(1)} s\n`);
  describe(name).forEach(say);
  if (!project) return;
  say(`  stack file  ${project.stackFile}`);
  say("go on with:");
  [`eval "$(npm run --silent sandbox -- env${flagOf(name)})"`, `npx canary deploy ${given[0]!.tag}`].forEach((line) => say(`  ${line}`));
}

/** Gives the cluster a user's images and a stack of them; nothing is left of it when that fails. */
async function ownImages(cluster: Cluster, given: readonly GivenImage[]): Promise<DemoProject> {
  try {
    for (const { name, tag } of given) process.stderr.write(`image ${name}:${tag}\n`);
    await addImages(cluster.files, given);
    return await createStack(cluster, await ensureToolchain(), [...new Set(given.map((image) => image.name))]);
  } catch (cause) {
    await cluster.down();
    throw cause;
  }
}

/** Adds images while the cluster runs. */
export async function image(given: readonly GivenImage[], { name }: { name: string }): Promise<void> {
  await addImages(running(name).files, given);
  for (const each of given) say(`${each.name}:${each.tag} is there: npx canary deploy ${each.tag}`);
}

export async function env({ name }: { name: string }): Promise<void> {
  exportsFor(running(name).files, await ensureToolchain()).forEach(say);
}

/** Returns the command's exit code, or 0. */
export async function load(command: readonly string[], { name, rate, seconds, host }: { name: string; rate: number; seconds: number; host?: string }): Promise<number> {
  const { files, record } = running(name);
  const { exitCode, counts } = await underLoad({ url: urlOf(record, "ingress"), host: host ?? firstHost(files), rate, seconds, command });
  countLines(counts).forEach(say);
  return exitCode;
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
