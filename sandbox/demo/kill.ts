import { spawn } from "node:child_process";
import * as path from "node:path";
import { createInterface } from "node:readline";
import { KubeConfig, Watch, type V1ConfigMap } from "@kubernetes/client-node";
import { killTree } from "../processes";
import type { DriverEvent } from "./driver";
import type { DemoProject } from "./project";

const CANARY = path.resolve(__dirname, "../../../bin/canary.js");

/** What a write of the rollout record said the driver was about to do. */
export interface JournalPoint {
  /** Counts the writes of this run, from 1. */
  readonly n: number;
  /** E.g. `raising, stage 2` or `promoting (move)`. */
  readonly name: string;
}

export interface KilledRun {
  /** Where it was killed; absent when it ended before. */
  readonly killedAt?: JournalPoint;
  readonly points: readonly JournalPoint[];
  readonly exitCode: number | null;
  readonly events: readonly DriverEvent[];
}

export interface KillOptions {
  readonly project: DemoProject;
  readonly args: readonly string[];
  readonly record: { readonly namespace: string; readonly name: string };
  /** Kills with SIGKILL as soon as this write is seen; 0 never. */
  readonly at: number;
  /** Kills what the driver has started too (as the end of a container does), or the driver alone. Default false. */
  readonly tree?: boolean;
}

interface RecordText {
  readonly generation: number;
  readonly rollout?: { readonly phase: string; readonly step?: string; readonly stage?: number };
}

function nameOf({ data = {} }: V1ConfigMap, before: RecordText | undefined): { name: string; record: RecordText } {
  const record = JSON.parse(data["record.json"] ?? '{"generation":0}') as RecordText;
  const { rollout } = record;
  const place = rollout ? `${rollout.phase}${rollout.step ? ` (${rollout.step})` : ""}${rollout.stage === undefined ? "" : `, stage ${rollout.stage + 1}`}` : "ended";
  const what = before && record.generation !== before.generation ? "file" : before?.rollout?.phase === rollout?.phase && before?.rollout?.step === rollout?.step && before?.rollout?.stage === rollout?.stage ? "evidence" : "intent";
  return { name: `${place}: ${what}`, record };
}

/** Runs the driver and kills it at a write of the rollout record, which it makes before each thing that it does. */
export async function runAndKill({ project, args, record, at, tree = false }: KillOptions): Promise<KilledRun> {
  const config = new KubeConfig();
  config.loadFromFile(project.env.KUBECONFIG!);
  const points: JournalPoint[] = [];
  const events: DriverEvent[] = [];
  let last: RecordText | undefined;
  let killedAt: JournalPoint | undefined;
  let killing: Promise<void> | undefined;
  const child = spawn(process.execPath, [CANARY, ...args, "--json", "--stack", project.stack, "--cwd", project.dir], { env: project.env, detached: true, stdio: ["ignore", "pipe", "ignore"] });
  createInterface({ input: child.stdout }).on("line", (line) => events.push(JSON.parse(line) as DriverEvent));
  let known: string | undefined;
  const watch = await new Watch(config).watch(`/api/v1/namespaces/${record.namespace}/configmaps`, { fieldSelector: `metadata.name=${record.name}` }, (_, object: V1ConfigMap) => {
    const { resourceVersion } = object.metadata!;
    const { name, record: now } = nameOf(object, last);
    last = now;
    // The first event is what was there before.
    if (known === undefined) return void (known = resourceVersion);
    const point = { n: points.length + 1, name };
    points.push(point);
    if (point.n !== at || killedAt) return;
    killedAt = point;
    if (tree) killing = killTree(child.pid!);
    else process.kill(child.pid!, "SIGKILL");
  }, () => undefined);
  const exitCode = await new Promise<number | null>((resolve) => child.on("close", resolve));
  await killing;
  watch.abort();
  return { ...(killedAt ? { killedAt } : {}), points, exitCode, events };
}
