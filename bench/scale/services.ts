import * as fs from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { CoreV1Api, KubeConfig } from "@kubernetes/client-node";
import { createMeter } from "../../analysis";
import { recordName } from "../../components/record/format";
import { openPrometheus } from "../../driver/resilience/prometheus";
import { Dependencies } from "../../driver/resilience/registry";
import { targetOf } from "../../driver/rollout/watch";
import { openStack, type StackEngine } from "../../driver/stack/engine";
import { StackFile } from "../../driver/stack/file";
import { upCluster } from "../../sandbox/cluster/launch";
import { shopImages } from "../../sandbox/demo/images";
import { stateFileOf } from "../../sandbox/demo/project";
import type { Toolchain } from "../../sandbox/toolchain";
import { median } from "../figures";
import { edit, loads, LOW, park, stackOf, type Stack } from "../step/measure";

/** What a stack of so many services costs; times in seconds. */
export interface ServicesPoint {
  readonly services: number;
  readonly resources: number;
  /** Of the state, in MB. */
  readonly state: number;
  /** Of the rollout record, which the API server bounds to 1 MB, in kB. */
  readonly record: number;
  /** `canary deploy` of the first version. */
  readonly install: number;
  /** An update that changes nothing. */
  readonly same: number;
  /** An update that changes the weight of every service. */
  readonly raise: number;
  /** The same where Pulumi writes the state twice for each object, as it does by default and as the driver has it do where it creates objects. */
  readonly raiseEach: number;
  /** One look at the counters of all services, the queries side by side. */
  readonly look: number;
}

const timed = async (work: () => Promise<unknown>): Promise<number> => {
  const began = performance.now();
  await work();
  return (performance.now() - began) / 1000;
};

function stateOf(stack: Stack): { readonly resources: readonly unknown[]; readonly bytes: number } {
  const text = fs.readFileSync(stateFileOf(stack), "utf8");
  const { checkpoint } = JSON.parse(text) as { checkpoint: { latest: { resources: readonly unknown[] } } };
  return { resources: checkpoint.latest.resources, bytes: text.length };
}

async function recordOf({ env, stack }: Stack): Promise<number> {
  const config = new KubeConfig();
  config.loadFromFile(env.KUBECONFIG!);
  const { data } = await config.makeApiClient(CoreV1Api).readNamespacedConfigMap({ name: recordName("canary", stack), namespace: stack });
  return JSON.stringify(data).length / 1000;
}

async function looks(stack: Stack, runs: number): Promise<number> {
  const config = new StackFile(stack.dir, stack.stack).read();
  const source = openPrometheus(config.analysis.prometheus, new Dependencies());
  const meters = Object.keys(config.services).map((name) => createMeter(source, targetOf(config, name, { stable: "v1", canary: "v2" })));
  const times: number[] = [];
  for (let n = 0; n < runs; n++) {
    await sleep(1000);
    times.push(await timed(() => Promise.all(meters.map((meter) => meter.poll()))));
  }
  source.close();
  return median(times);
}

/** Installs so many services, parks a canary on each, and measures updates as the driver makes them, and looks at the counters. */
export async function measureServices(tools: Toolchain, services: number, runs: number): Promise<ServicesPoint> {
  const cluster = await upCluster({ name: `scale-${process.pid}`, images: shopImages({ v1: {}, v2: {} }) });
  try {
    let stack!: Stack;
    const install = await timed(async () => (stack = await stackOf(cluster, tools, "scale", services)));
    const load = loads(cluster, stack, 50, 5, 900);
    await park(stack);
    const [look, record] = [await looks(stack, 5), await recordOf(stack)];
    await load.stop();
    Object.assign(process.env, stack.env);
    const engine: StackEngine = await openStack(stack.dir, stack.stack);
    let weight = LOW;
    const raise = (creates: boolean): Promise<number> => {
      edit(stack, ++weight);
      return timed(() => engine.up(`weight ${weight}`, { creates }));
    };
    const times = { same: [] as number[], raise: [] as number[], raiseEach: [] as number[] };
    for (let n = 0; n < runs; n++) {
      times.same.push(await timed(() => engine.up("nothing")));
      times.raise.push(await raise(false));
      times.raiseEach.push(await raise(true));
    }
    const { resources, bytes } = stateOf(stack);
    return { services, resources: resources.length, state: bytes / 1e6, record, install, same: median(times.same), raise: median(times.raise), raiseEach: median(times.raiseEach), look };
  } finally {
    await cluster.down();
  }
}
