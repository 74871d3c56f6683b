import { Command } from "commander";
import { positive } from "../../driver/cli/arguments";
import { upCluster } from "../../sandbox/cluster/launch";
import { shopImages } from "../../sandbox/demo/images";
import { ensureToolchain } from "../../sandbox/toolchain";
import { median, seconds } from "../figures";
import { bare, driven, HIGH, loads, LOW, park, stackOf, type Step } from "./measure";

const RATE = 200;

function tell(bares: readonly Step[], drivens: readonly Step[]): boolean {
  const up = median(bares.map((s) => s.ended!));
  const rows: readonly (readonly [string, readonly number[]])[] = [
    ["bare pulumi up, to its end", bares.map((s) => s.ended!)],
    ["bare pulumi up, to the last Ingress", bares.map((s) => s.set)],
    ["bare pulumi up, to what users are served", bares.map((s) => s.served)],
    ["driver, decision to the last Ingress", drivens.map((s) => s.set)],
    ["driver, decision to what users are served", drivens.map((s) => s.served)],
    ["driver, decision to the verified split", drivens.map((s) => s.verified!)],
    ["driver, the stage beyond its dwell", drivens.map((s) => s.own!)],
  ];
  for (const [what, values] of rows) process.stdout.write(`${what.padEnd(44)} ${seconds(values)}, ${(median(values) / up).toFixed(2)} of a bare up\n`);
  return median(drivens.map((s) => s.served)) <= up / 2 && median(drivens.map((s) => s.own!)) <= up / 2;
}

/** What one weight step costs, beside a bare `pulumi up` of the same change on the same machine in the same minutes. */
async function main({ runs, services }: { runs: number; services: number }): Promise<boolean> {
  const tools = await ensureToolchain();
  const cluster = await upCluster({ name: `step-${process.pid}`, images: shopImages({ v1: {}, v2: {} }) });
  const [bares, drivens]: [Step[], Step[]] = [[], []];
  try {
    const [hand, driver] = [await stackOf(cluster, tools, "hand", services), await stackOf(cluster, tools, "driver", services)];
    const [a, b] = [hand, driver].map((stack) => loads(cluster, stack, RATE, 10, 3000));
    await park(hand);
    for (let n = 0; n < runs; n++) {
      bares.push(await bare(hand, a!.first));
      drivens.push(await driven(driver, b!.first));
      process.stdout.write(`run ${n + 1} of ${runs}: bare up ${bares[n]!.ended!.toFixed(2)} s; driver: served ${drivens[n]!.served.toFixed(2)} s, own cost ${drivens[n]!.own!.toFixed(2)} s\n`);
    }
    await Promise.all([a!.stop(), b!.stop()]);
  } finally {
    await cluster.down();
  }
  process.stdout.write(`A raise from ${LOW} to ${HIGH} %, ${services} service${services > 1 ? "s" : ""}, ${RATE} requests a second on the first:\n`);
  return tell(bares, drivens);
}

const options = new Command("bench:step").description("one weight step of the driver beside a bare pulumi up")
  .option("--runs <n>", "of each", positive, 5).option("--services <n>", "in the stack", positive, 1).parse().opts<{ runs: number; services: number }>();
void main(options).then((ok) => process.exit(ok ? 0 : 1), (error: Error) => {
  process.stderr.write(`${error.message}\n`);
  process.exit(1);
});
