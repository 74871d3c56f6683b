import { upCluster } from "../../sandbox/cluster/launch";
import { shopImages } from "../../sandbox/demo/images";
import type { Toolchain } from "../../sandbox/toolchain";
import { median, seconds } from "../figures";
import { bare, driven, HIGH, loads, LOW, park, patched, stackOf, type Step } from "./measure";

/** Requests a second on the first service. */
const RATE = 200;
/** Requests a second on each other one. */
const OTHERS = 10;

export interface Compared {
  readonly services: number;
  readonly patches: readonly Step[];
  readonly bares: readonly Step[];
  readonly drivens: readonly Step[];
}

/** Weight steps of the driver beside patches by hand and bare `pulumi up`s of the same change, in turn, on a cluster of their own. */
export async function compare(tools: Toolchain, services: number, runs: number): Promise<Compared> {
  const cluster = await upCluster({ name: `step-${process.pid}`, images: shopImages({ v1: {}, v2: {} }) });
  const [patches, bares, drivens]: [Step[], Step[], Step[]] = [[], [], []];
  try {
    const [hand, driver] = [await stackOf(cluster, tools, "hand", services), await stackOf(cluster, tools, "driver", services)];
    const [a, b] = [hand, driver].map((stack) => loads(cluster, stack, RATE, OTHERS, 3000));
    await park(hand);
    for (let n = 0; n < runs; n++) {
      patches.push(await patched(hand, a!.first));
      bares.push(await bare(hand, a!.first));
      drivens.push(await driven(driver, b!.first));
      process.stdout.write(`${services} service${services > 1 ? "s" : ""}, run ${n + 1} of ${runs}: patch by hand: served ${patches[n]!.served.toFixed(2)} s; bare up ${bares[n]!.ended!.toFixed(2)} s; driver: set ${drivens[n]!.set.toFixed(2)} s, served ${drivens[n]!.served.toFixed(2)} s, own cost ${drivens[n]!.own!.toFixed(2)} s\n`);
    }
    await Promise.all([a!.stop(), b!.stop()]);
  } finally {
    await cluster.down();
  }
  return { services, patches, bares, drivens };
}

type Row = readonly [what: string, of: (compared: Compared) => readonly number[]];

const ROWS: readonly Row[] = [
  ["patch by hand, to what users are served", ({ patches }) => patches.map((s) => s.served)],
  ["bare pulumi up, to its end", ({ bares }) => bares.map((s) => s.ended!)],
  ["bare pulumi up, to the last Ingress", ({ bares }) => bares.map((s) => s.set)],
  ["bare pulumi up, to what users are served", ({ bares }) => bares.map((s) => s.served)],
  ["driver, decision to the last Ingress", ({ drivens }) => drivens.map((s) => s.set)],
  ["driver, decision to what users are served", ({ drivens }) => drivens.map((s) => s.served)],
  ["driver, decision to the verified split", ({ drivens }) => drivens.map((s) => s.verified!)],
  ["driver, the stage beyond its dwell", ({ drivens }) => drivens.map((s) => s.own!)],
];

/** Prints what a step cost; true when the driver's is at most half of a bare `pulumi up`. */
export function tell(compared: Compared): boolean {
  const { services, bares, drivens } = compared;
  const up = median(bares.map((s) => s.ended!));
  process.stdout.write(`A raise from ${LOW} to ${HIGH} %, ${services} service${services > 1 ? "s" : ""}, ${RATE} requests a second on the first:\n`);
  for (const [what, of] of ROWS) process.stdout.write(`${what.padEnd(44)} ${seconds(of(compared))}, ${(median(of(compared)) / up).toFixed(2)} of a bare up\n`);
  process.stdout.write(`${"driver, most memory".padEnd(44)} ${Math.max(...drivens.map((s) => s.memory!)).toFixed(0)} MB\n`);
  return median(drivens.map((s) => s.served)) <= up / 2 && median(drivens.map((s) => s.own!)) <= up / 2;
}
