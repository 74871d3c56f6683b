import { Command } from "commander";
import { upCluster, type Cluster } from "../../sandbox/cluster/launch";
import { runCanary } from "../../sandbox/demo/driver";
import { SHOP_IMAGE, shopImages } from "../../sandbox/demo/images";
import { failedOf, Load, totalOf } from "../../sandbox/demo/load";
import { createProject } from "../../sandbox/demo/project";
import { ensureToolchain, type Toolchain } from "../../sandbox/toolchain";

const RATE = 200;
/** Seconds for which a good release is watched at 5 %; it is far from enough to pass, and every second is a chance to err. */
const GOOD_CAP = 30;

interface Run {
  readonly version: string;
  readonly exitCode: number;
  /** From the first request the version ever got to the last one, in seconds. */
  readonly seconds: number;
  readonly requests: number;
  readonly failed: number;
}

const median = (values: readonly number[]): number => {
  const sorted = [...values].sort((a, b) => a - b);
  return ((sorted[Math.floor((sorted.length - 1) / 2)] as number) + (sorted[Math.ceil((sorted.length - 1) / 2)] as number)) / 2;
};

/** One rollout judged by the default sequential gates alone, on a fresh stack, under load. */
async function rollOut(cluster: Cluster, tools: Toolchain, version: string, n: number): Promise<Run> {
  const name = `${version}${n}`;
  const host = `${name}.example`;
  const project = createProject(cluster, tools, name, {
    namespace: name,
    services: { shop: { image: SHOP_IMAGE, port: 8080, hosts: [host], workload: { replicas: 1, drain: "1s" } } },
    rollout: { stages: [{ weight: 5, dwell: "10s" }], warmUp: "0s", verifyTimeout: "20s", cap: `${GOOD_CAP}s` },
    analysis: { prometheus: cluster.url("prometheus"), source: "traefik", scrapeInterval: "1s" },
  });
  for (const command of [["init"], ["deploy", "v1", "--yes"]]) await runCanary(project, command);
  const load = new Load({ url: `${cluster.url("ingress")}/`, host, rate: RATE, seconds: 200 }).start();
  let first = 0;
  let last = 0;
  load.onAnswer((answer) => {
    if (answer.version !== version) return;
    first ||= answer.at;
    last = answer.at;
  });
  const { exitCode } = await runCanary(project, ["deploy", version, "--yes"]);
  const counts = await load.stop();
  const run = { version, exitCode, seconds: (last - first) / 1000, requests: totalOf(counts[version]), failed: failedOf(counts[version]) };
  // Held rollouts are taken down so that the next run has the machine to itself.
  if (exitCode === 3) await runCanary(project, ["rollback"]);
  return run;
}

/** Finds a release that fails 20 % of its requests, at 5 % of 200 requests a second, and leaves one that fails 1 % alone. */
async function main({ bad, good }: { bad: number; good: number }): Promise<boolean> {
  const tools = await ensureToolchain();
  const images = shopImages({ v1: { errorShare: 0.01 }, good: { errorShare: 0.01 }, bad: { errorShare: 0.2 } });
  const cluster = await upCluster({ name: `bench-${process.pid}`, images });
  const runs: Run[] = [];
  try {
    const next = async (version: string, n: number, count: number): Promise<void> => {
      const run = await rollOut(cluster, tools, version, n);
      runs.push(run);
      process.stdout.write(`${version} ${n + 1} of ${count}: exit ${run.exitCode}, ${run.requests} requests (${run.failed} failed) in ${run.seconds.toFixed(1)} s\n`);
    };
    for (let n = 0; n < bad; n++) await next("bad", n, bad);
    // Nothing is timed in these, so two share the machine.
    const queue = [...Array(good).keys()];
    const worker = async (): Promise<void> => {
      for (let n = queue.shift(); n !== undefined; n = queue.shift()) await next("good", n, good);
    };
    await Promise.all([worker(), worker()]);
  } finally {
    await cluster.down();
  }
  const of = (version: string): Run[] => runs.filter((r) => r.version === version);
  const [bads, goods] = [of("bad"), of("good")];
  const [seconds, failed] = [median(bads.map((r) => r.seconds)), median(bads.map((r) => r.failed))];
  const reverted = goods.filter((r) => r.exitCode === 2).length;
  process.stdout.write(`bad: median ${seconds.toFixed(1)} s and ${failed} failed requests, slowest ${Math.max(...bads.map((r) => r.seconds)).toFixed(1)} s; good: ${reverted} of ${goods.length} reverted\n`);
  return bads.every((r) => r.exitCode === 2 && r.seconds <= 20) && seconds <= 10 && failed <= 15 && reverted === 0;
}

new Command("bench:detection")
  .option("--bad <n>", "rollouts of a release that fails 20 %", Number, 10)
  .option("--good <n>", "rollouts of a release that fails 1 %, as stable does", Number, 20)
  .action(async (options: { bad: number; good: number }) => process.exit((await main(options)) ? 0 : 1))
  .parse();
