import { Command } from "commander";
import { KubeConfig, NetworkingV1Api, PatchStrategy, setHeaderOptions } from "@kubernetes/client-node";
import { setTimeout as sleep } from "node:timers/promises";
import { positive } from "../../driver/cli/arguments";
import { upCluster, type Cluster } from "../../sandbox/cluster/launch";
import { runCanary, type DriverEvent } from "../../sandbox/demo/driver";
import { SHOP_IMAGE, shopImages } from "../../sandbox/demo/images";
import { Load } from "../../sandbox/demo/load";
import { createProject, type DemoProject } from "../../sandbox/demo/project";
import { ensureToolchain, type Toolchain } from "../../sandbox/toolchain";
import { median, seconds } from "../figures";

const RATE = 200;
const WEIGHT = 50;
const ANNOTATION = "nginx.ingress.kubernetes.io/canary-weight";
/** Seconds in which a router must have turned, or the figure is none. */
const PATIENCE = 10;


async function stack(cluster: Cluster, tools: Toolchain, name: string, dwell: string): Promise<DemoProject & { host: string }> {
  const host = `${name}.example`;
  const project = createProject(cluster, tools, name, {
    namespace: name,
    services: { shop: { image: SHOP_IMAGE, port: 8080, hosts: [host], workload: { replicas: 1, drain: "1s" } } },
    rollout: { stages: [{ weight: WEIGHT, dwell }], warmUp: "0s", verifyTimeout: "20s", autoPromote: false },
    analysis: { prometheus: cluster.url("prometheus"), source: "traefik", scrapeInterval: "1s" },
  });
  for (const command of [["init"], ["deploy", "v1", "--yes"]]) await runCanary(project, command);
  return { ...project, host };
}

/** Unix time in ms of the latest request that a version got. */
function lastOf(load: Load, version: string): () => number {
  let last = 0;
  load.onAnswer((answer) => {
    if (answer.version === version) last = answer.at;
  });
  return () => last;
}

/** Seconds from a patch of the live annotation by hand to the last request of the canary. */
async function direct(cluster: Cluster, project: DemoProject & { host: string }): Promise<number> {
  const config = new KubeConfig();
  config.loadFromFile(cluster.files.kubeconfig);
  const networking = config.makeApiClient(NetworkingV1Api);
  const set = (weight: number): Promise<unknown> =>
    networking.patchNamespacedIngress({ name: "shop-canary", namespace: project.stack, body: { metadata: { annotations: { [ANNOTATION]: String(weight) } } } }, setHeaderOptions("Content-Type", PatchStrategy.MergePatch));
  await set(WEIGHT);
  const load = new Load({ url: `${cluster.url("ingress")}/`, host: project.host, rate: RATE, seconds: 60 }).start();
  const last = lastOf(load, "v2");
  await sleep(3000);
  const patched = Date.now();
  await set(0);
  await sleep(PATIENCE * 300);
  await load.stop();
  return (last() - patched) / 1000;
}

/** Seconds from the driver's verdict until the API server has the patch, and to the last request of the canary. */
async function reverted(cluster: Cluster, project: DemoProject & { host: string }): Promise<{ readonly told: number; readonly home: number }> {
  const load = new Load({ url: `${cluster.url("ingress")}/`, host: project.host, rate: RATE, seconds: 120 }).start();
  const last = lastOf(load, "bad");
  let [verdict, told] = [0, 0];
  const { exitCode } = await runCanary(project, ["deploy", "bad", "--yes", "--retry"], { onEvent: (event: DriverEvent & { t?: number; verdict?: string }) => {
    if (event.event === "verdict" && event.verdict === "rollback") verdict ||= (event.t ?? 0) * 1000;
    if (event.event === "revert") told ||= (event.t ?? 0) * 1000;
  } });
  await load.stop();
  if (exitCode !== 2 || verdict === 0) throw new Error(`The bad release was not rolled back (exit ${exitCode}).`);
  return { told: (told - verdict) / 1000, home: (last() - verdict) / 1000 };
}

/**
 * How fast traffic is home: the driver's revert beside a patch by hand, in one run on the same machine. Traefik takes a change at once, but not within two
 * seconds of another (providersThrottleDuration): by hand it is patched at rest, and the bad version is one that is found out only later.
 */
async function main({ runs }: { runs: number }): Promise<boolean> {
  const tools = await ensureToolchain();
  const cluster = await upCluster({ name: `revert-${process.pid}`, images: shopImages({ v1: {}, v2: {}, bad: { errorShare: 0.2, errorsAfter: 15 } }) });
  const [byHand, byDriver, toldBy]: [number[], number[], number[]] = [[], [], []];
  try {
    const [hand, driver] = [await stack(cluster, tools, "hand", "1s"), await stack(cluster, tools, "driver", "60s")];
    const load = new Load({ url: `${cluster.url("ingress")}/`, host: hand.host, rate: RATE, seconds: 60 }).start();
    await runCanary(hand, ["deploy", "v2", "--yes"]);
    await load.stop();
    for (let n = 0; n < runs; n++) {
      byHand.push(await direct(cluster, hand));
      const { told, home } = await reverted(cluster, driver);
      byDriver.push(home);
      toldBy.push(told);
      process.stdout.write(`run ${n + 1} of ${runs}: patch by hand ${byHand[n]!.toFixed(2)} s, verdict of the driver ${home.toFixed(2)} s (patched at ${told.toFixed(2)} s)\n`);
    }
  } finally {
    await cluster.down();
  }
  const ratio = median(byDriver) / median(byHand);
  process.stdout.write(`to the last request of the canary, under ${RATE} requests a second at weight ${WEIGHT}: by hand ${seconds(byHand)}; by the driver ${seconds(byDriver)}, patched at ${seconds(toldBy)}; ratio ${ratio.toFixed(2)}\n`);
  return ratio <= 2;
}

const { runs } = new Command("bench:revert").description("the driver's revert beside a patch by hand").option("--runs <n>", "of each", positive, 10).parse().opts<{ runs: number }>();
void main({ runs }).then((ok) => process.exit(ok ? 0 : 1), (error: Error) => {
  process.stderr.write(`${error.message}\n`);
  process.exit(1);
});
