import { createServer, type AddressInfo, type Server, type Socket } from "node:net";
import { Command } from "commander";
import { positive } from "../../driver/cli/arguments";
import { upCluster } from "../../sandbox/cluster/launch";
import { runCanary } from "../../sandbox/demo/driver";
import { SHOP_IMAGE, shopImages } from "../../sandbox/demo/images";
import { Load } from "../../sandbox/demo/load";
import { createProject } from "../../sandbox/demo/project";
import { ensureToolchain } from "../../sandbox/toolchain";

const RATE = 50;
const HOST = "notify.example";

const median = (values: readonly number[]): number => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)]!;

/** A port that accepts connections and says nothing, and one on which nobody listens. */
async function deadPorts(): Promise<{ readonly silent: string; readonly refused: string; close(): void }> {
  const sockets: Socket[] = [];
  const listen = async (): Promise<Server> => {
    const server = createServer((socket) => void sockets.push(socket.on("error", () => undefined)));
    await new Promise<void>((ready) => server.listen(0, "127.0.0.1", ready));
    return server;
  };
  const [silent, gone] = [await listen(), await listen()];
  const url = (server: Server): string => `http://127.0.0.1:${(server.address() as AddressInfo).port}/services/T0/B0/hush`;
  const urls = { silent: url(silent), refused: url(gone) };
  gone.close();
  return { ...urls, close: () => (sockets.forEach((socket) => socket.destroy()), silent.close()) };
}

/**
 * How long a whole rollout takes, from the command to its exit, without Slack and with a Slack that cannot be reached: the same rollout
 * in turns on the same machine, so that what else it does meets all of them.
 */
async function main({ runs }: { runs: number }): Promise<boolean> {
  const tools = await ensureToolchain();
  const cluster = await upCluster({ name: `notify-${process.pid}`, images: shopImages({ v1: {}, v2: {} }) });
  const ports = await deadPorts();
  const slack: Readonly<Record<string, string | undefined>> = { "without Slack": undefined, "Slack refuses": ports.refused, "Slack never answers": ports.silent };
  const measured = (): Map<string, number[]> => new Map(Object.keys(slack).map((name) => [name, []]));
  const [seconds, afterwards] = [measured(), measured()];
  try {
    const project = createProject(cluster, tools, "notify", {
      namespace: "notify",
      services: { shop: { image: SHOP_IMAGE, port: 8080, hosts: [HOST], workload: { replicas: 1, drain: "1s" } } },
      // How long a loaded machine takes to answer is not what is measured here.
      analysis: { prometheus: cluster.url("prometheus"), source: "traefik", scrapeInterval: "1s", gates: { preset: "C", latency: false } },
      rollout: { stages: [{ weight: 50, dwell: "1s" }, { weight: 100, dwell: "1s" }], warmUp: "0s", verifyTimeout: "30s", undoWindow: "0s" },
    });
    for (const command of [["init"], ["deploy", "v1", "--yes"]]) await runCanary(project, command);
    const load = new Load({ url: `${cluster.url("ingress")}/`, host: HOST, rate: RATE, seconds: 3600 }).start();
    let version = 1;
    for (let n = 0; n < runs; n++) {
      for (const [name, url] of Object.entries(slack)) {
        version = 3 - version;
        let ended = 0;
        const onEvent = ({ event }: { event: string }): void => void (event === "end" && (ended = Date.now()));
        const run = await runCanary({ ...project, env: { ...project.env, SLACK_WEBHOOK_URL: url ?? "" } }, ["deploy", `v${version}`, "--yes"], { onEvent });
        if (run.exitCode !== 0) throw new Error(`The rollout ended with ${run.exitCode} (${name}): ${run.events.at(-1)?.message ?? run.stderr}`);
        seconds.get(name)!.push(run.seconds);
        afterwards.get(name)!.push((Date.now() - ended) / 1000);
        const note = run.events.filter(({ event }) => event === "note").at(-1)?.message;
        process.stdout.write(`run ${n + 1} of ${runs}, ${name}: ${run.seconds.toFixed(1)} s, ${afterwards.get(name)!.at(-1)!.toFixed(2)} s of it after its end was told${url === undefined ? "" : ` – ${note}`}\n`);
      }
    }
    await load.stop();
  } finally {
    ports.close();
    await cluster.down();
  }
  for (const [name, all] of seconds) process.stdout.write(`${name}: median ${median(all).toFixed(1)} s, fastest ${Math.min(...all).toFixed(1)} s, slowest ${Math.max(...all).toFixed(1)} s; after its end was told median ${median(afterwards.get(name)!).toFixed(2)} s\n`);
  // Rollouts of one kind differ by more than a second among themselves.
  const without = seconds.get("without Slack")!;
  const spread = Math.max(1, Math.max(...without) - median(without));
  return [...seconds.values()].every((all) => median(all) <= median(without) + spread);
}

const { runs } = new Command("bench:notify").description("a rollout with Slack unreachable beside one without").option("--runs <n>", "of each", positive, 5).parse().opts<{ runs: number }>();
void main({ runs }).then((ok) => process.exit(ok ? 0 : 1), (error: Error) => {
  process.stderr.write(`${error.message}\n`);
  process.exit(1);
});
