import type { Cluster } from "../../sandbox/cluster/launch";
import { upCluster } from "../../sandbox/cluster/launch";
import { runCanary, type DriverEvent } from "../../sandbox/demo/driver";
import { shopImages } from "../../sandbox/demo/images";
import type { Toolchain } from "../../sandbox/toolchain";
import { median } from "../figures";
import { DWELL, HIGH, loads, peakMemory, stackOf, type Stack } from "../step/measure";

/** What one command on so many stacks costs; times in seconds. */
export interface StacksPoint {
  readonly stacks: number;
  /** From a stack's decision to the split that is verified: median and slowest of the stacks. */
  readonly verified: number;
  readonly slowest: number;
  /** What a stage takes beyond its dwell, of the slowest stack. */
  readonly own: number;
  /** The whole command. */
  readonly command: number;
  /** Most memory of the driver at once, in MB. */
  readonly memory: number;
}

type Stamped = DriverEvent & { readonly t: number; readonly stack?: string; readonly weight?: number };

async function together(stacks: readonly Stack[]): Promise<StacksPoint> {
  const names = stacks.map(({ stack }) => stack);
  const at = new Map<string, number>();
  let memory = 0;
  const run = await runCanary({ ...stacks[0]!, stack: names.join(",") }, ["deploy", "v2", "--yes", ...(names.length > 1 ? ["--parallel", String(names.length)] : [])], {
    onEvent: (event, pid) => {
      const { t, stack = names[0]!, weight, event: kind } = event as Stamped;
      memory = Math.max(memory, peakMemory(pid));
      const key = `${stack} ${kind}`;
      if (weight === HIGH && !at.has(key)) at.set(key, t);
    },
  });
  const after = (stack: string, kind: string): number => at.get(`${stack} ${kind}`)! - at.get(`${stack} stage`)!;
  const verified = names.map((name) => after(name, "split"));
  const own = names.map((name) => after(name, "verdict") - DWELL);
  if (run.exitCode !== 0 || [...verified, ...own].some(Number.isNaN)) throw new Error(`The rollout on ${names.length} stacks did not get through its stages: exit ${run.exitCode}: ${run.stderr || run.events.at(-1)?.message}`);
  return { stacks: names.length, verified: median(verified), slowest: Math.max(...verified), own: Math.max(...own), command: run.seconds, memory };
}

async function measured(cluster: Cluster, tools: Toolchain, counts: readonly number[]): Promise<StacksPoint[]> {
  const points: StacksPoint[] = [];
  for (const count of counts) {
    // Each is promoted at the end, together with the others: the next count has stacks of its own.
    const some: Stack[] = [];
    for (let n = 0; n < count; n++) some.push(await stackOf(cluster, tools, `part${count}-${n}`, 1, true));
    const running = some.map((stack) => loads(cluster, stack, 40, 0, 600));
    points.push(await together(some));
    await Promise.all(running.map((load) => load.stop()));
  }
  return points;
}

/** One command on several stacks of one service each, all at once, on one cluster. */
export async function measureStacks(tools: Toolchain, counts: readonly number[]): Promise<StacksPoint[]> {
  const cluster = await upCluster({ name: `scale-${process.pid}`, images: shopImages({ v1: {}, v2: {} }) });
  try {
    return await measured(cluster, tools, counts);
  } finally {
    await cluster.down();
  }
}
