import { setTimeout as sleep } from "node:timers/promises";
import type { Cluster } from "../../sandbox/cluster/launch";
import type { DriverEvent, DriverRun } from "../../sandbox/demo/driver";
import { failures } from "../../sandbox/demo/load";
import type { DemoProject, StackValues } from "../../sandbox/demo/project";
import type { Toolchain } from "../../sandbox/toolchain";
import { failuresIn, Scene } from "./scene";

/** One fault, injected into a rollout from v1 under load. */
export interface FaultCase {
  readonly name: string;
  /** What is rolled out. Default v2, a good one. */
  readonly version?: string;
  readonly values?: StackValues;
  /** It disturbs every stack of its cluster. Default false. */
  readonly alone?: boolean;
  /** Moves the project elsewhere before anything is done. */
  readonly place?: (project: DemoProject) => Promise<DemoProject>;
  /** Done before the rollout begins. */
  readonly prepare?: (scene: Scene) => Promise<void>;
  /** The first event after which the fault is injected. Default: the first observation of the first stage. */
  readonly when?: (event: DriverEvent) => boolean;
  /** Injects it; `pid` is the driver's. Not given where the version or the preparation is the fault. */
  readonly fault?: (scene: Scene, pid: number) => Promise<unknown>;
  /** How the command may end. */
  readonly exits: readonly number[];
  /** What it must say, on its last line or on stderr; with exit 0 nothing is asked. */
  readonly says: RegExp;
  /** Takes the fault away, where it does not end by itself, before the next command. */
  readonly mend?: (scene: Scene) => Promise<unknown>;
  /** What somebody does next, by how it ended; default: `resume` after a hold, the same command again after a failure. */
  readonly next?: (exitCode: number) => readonly string[] | undefined;
  /** What is served at the end: stable, or the new version too. */
  readonly ends: readonly string[];
  /** The fault itself fails requests, whatever a driver does. Default false. */
  readonly hurts?: boolean;
}

/** A row of the table. */
export interface FaultRow {
  readonly name: string;
  readonly exitCode: number;
  readonly message: string;
  /** How the command that followed ended. */
  readonly next?: number;
  /** Requests of users that failed, but for those that a bad version answered itself. */
  readonly failed: number;
  /** How, by version and status. */
  readonly failedHow: string;
  /** Seconds from the fault to the last request that a version got which is served no longer; of a rollout that went home. */
  readonly home?: number;
  readonly served: readonly string[];
  readonly drift: string;
  readonly pending: number;
  readonly safe: boolean;
  /** What is not. */
  readonly unsafe: readonly string[];
}

const isObserved = ({ event, gates }: DriverEvent & { gates?: unknown }): boolean => event === "observe" && gates !== undefined;

function nextOf({ next }: FaultCase, exitCode: number, version: string): readonly string[] | undefined {
  if (next) return next(exitCode);
  if (exitCode === 0 || exitCode === 2) return undefined;
  return exitCode === 3 || exitCode === 131 ? ["resume", "--yes"] : ["deploy", version, "--yes", "--retry"];
}

const wordsOf = ({ events, stderr }: DriverRun): string => (events.at(-1)?.event === "end" ? events.at(-1)!.message : stderr.trim() || (events.at(-1)?.message ?? ""));

/** What is wrong with a row; nothing when it is safe. */
function faultsOf({ exits, says, ends, hurts = false }: FaultCase, row: Omit<FaultRow, "safe" | "unsafe">): string[] {
  const checks: readonly (readonly [boolean, string])[] = [
    [exits.includes(row.exitCode), `exit ${row.exitCode} where ${exits.join(" or ")} was expected`],
    [row.exitCode === 0 || says.test(row.message), `the message does not name the fault: ${row.message}`],
    [!/\n\s+at /.test(row.message), "the message has a stack trace"],
    [row.served.length === 1 && ends.includes(row.served[0]!), `served is ${row.served.join(", ")}`],
    [row.drift === "none", `drift: ${row.drift}`],
    [row.pending === 0, `${row.pending} pending operations`],
    [hurts || row.failed === 0, `${row.failed} requests failed: ${row.failedHow}`],
  ];
  return checks.flatMap(([ok, what]) => (ok ? [] : [what]));
}

/** Injects a fault into a rollout, does what somebody would do next, and looks at what is left. */
export async function inject(test: FaultCase, cluster: Cluster, tools: Toolchain, name: string): Promise<FaultRow> {
  const { version = "v2", when = isObserved, fault, prepare, mend } = test;
  const scene = await Scene.of(cluster, tools, name, test.values, test.place);
  let mended = false;
  try {
    const load = scene.startLoad();
    await prepare?.(scene);
    let injected: Promise<unknown> | undefined;
    let began = Date.now();
    const run = await scene.canary(["deploy", version, "--yes"], (event, pid) => {
      if (injected || !fault || !when(event)) return;
      began = Date.now();
      injected = fault(scene, pid).catch((error: Error) => process.stderr.write(`${test.name}: the fault could not be injected: ${error.message}\n`));
    });
    if (fault && !injected) process.stderr.write(`${test.name}: nothing was injected: ${wordsOf(run)}\n`);
    await injected;
    mended = true;
    await mend?.(scene);
    const args = nextOf(test, run.exitCode, version);
    const next = args && (await scene.canary(args));
    const left = scene.lastOf(version);
    await sleep(500);
    const counts = await load.stop();
    const { served, drift, pending } = await scene.aftermath();
    const bad = version === "v2" ? undefined : version;
    const wentHome = served.length === 1 && served[0] === "v1" && left > began;
    const row = {
      name: test.name, exitCode: run.exitCode, message: wordsOf(run), ...(next ? { next: next.exitCode } : {}), ...(wentHome ? { home: (left - began) / 1000 } : {}),
      failed: failures(counts, bad), failedHow: failuresIn(counts, bad), served, drift, pending,
    };
    const unsafe = [...faultsOf(test, row), ...(fault && !injected ? ["nothing was injected"] : []), ...(next && ![0, 2].includes(next.exitCode) ? [`the next command ends with ${next.exitCode}: ${wordsOf(next)}`] : [])];
    return { ...row, safe: unsafe.length === 0, unsafe };
  } finally {
    // Otherwise the next fault would meet this one.
    if (!mended) await mend?.(scene).catch(() => undefined);
    await scene.stop();
  }
}
