import { upCluster, type Cluster } from "../cluster/launch";
import { describe } from "../commands";
import { SandboxError } from "../errors";
import { ensureToolchain, type Toolchain } from "../toolchain";
import { runCanary } from "./driver";
import { demoImages } from "./images";
import { failedOf, Load, type Counts } from "./load";
import { createProject, SHOP_HOST, type DemoProject } from "./project";
import { difference, summaryLines, type RolloutSummary } from "./summary";

export interface DemoOptions {
  readonly json?: boolean;
  readonly keep?: boolean;
}

const RATE = 200;
/** The load ends by itself when the demo does not. */
const LOAD_SECONDS = 600;
const EXPECTED = { v2: "promoted", v3: "rolled-back" } as const;
const OUTCOMES: Record<number, string> = { 0: "promoted", 2: "rolled-back", 3: "held" };

/** The person's word goes to standard error, so that standard output stays clean for the summary. */
const say = (line: string): void => void process.stderr.write(`${line}\n`);

/** Times of a version's failed and of all its answers. */
function follow(load: Load, version: string): { end(): number | null } {
  let firstFailure: number | undefined;
  let last = 0;
  const stop = load.onAnswer((answer) => {
    if (answer.version !== version) return;
    if (Number(answer.status) >= 500) firstFailure ??= answer.at;
    last = answer.at;
  });
  return {
    end: () => {
      stop();
      return firstFailure === undefined ? null : (last - firstFailure) / 1000;
    },
  };
}

async function rollOut(project: DemoProject, load: Load, version: string, options: DemoOptions, signal: AbortSignal): Promise<RolloutSummary> {
  say(`\n$ canary deploy ${version} --yes`);
  const before = structuredClone(load.counts) as Counts;
  const times = follow(load, version);
  const run = await runCanary(project, ["deploy", version, "--yes"], {
    signal,
    attached: !options.json,
    onEvent: (e) => e.event !== "observe" && e.event !== "update" && say(`  ${e.message}`),
  });
  signal.throwIfAborted();
  if (run.stderr) say(run.stderr.trim());
  const requests = difference(load.counts, before);
  const outcome = OUTCOMES[run.exitCode] ?? "failed";
  const faultToLastRequest = times.end();
  return {
    version,
    outcome,
    seconds: run.seconds,
    requests,
    failed: Object.values(requests).reduce((sum, byStatus) => sum + failedOf(byStatus), 0),
    faultToLastRequest: outcome === "rolled-back" ? faultToLastRequest : null,
  };
}

async function install(project: DemoProject, options: DemoOptions, signal: AbortSignal): Promise<void> {
  for (const command of [["init"], ["deploy", "v1", "--yes"]]) {
    say(`\n$ canary ${command.join(" ")}`);
    const run = await runCanary(project, command, { signal, attached: !options.json });
    signal.throwIfAborted();
    if (run.exitCode !== 0) throw new SandboxError(`\`canary ${command.join(" ")}\` failed. ${run.stderr || run.events.at(-1)?.message || ""}`.trim());
  }
}

async function tour(cluster: Cluster, tools: Toolchain, options: DemoOptions, signal: AbortSignal): Promise<{ project: DemoProject; rollouts: RolloutSummary[] }> {
  const project = createProject(cluster, tools);
  say("Demo profile: each stage is watched for 5 seconds, where production watches for minutes.");
  await install(project, options, signal);
  say(`\nload: ${RATE} requests a second to ${SHOP_HOST}; v1 and v2 fail 1 % of them, v3 fails 20 %`);
  const load = new Load({ url: `${cluster.url("ingress")}/`, host: SHOP_HOST, rate: RATE, seconds: LOAD_SECONDS }).start();
  try {
    const rollouts: RolloutSummary[] = [];
    for (const version of Object.keys(EXPECTED)) rollouts.push(await rollOut(project, load, version, options, signal));
    return { project, rollouts };
  } finally {
    await load.stop();
  }
}

/**
 * Shows the main job on a cluster of its own and returns the exit code: 0 only when v2 was promoted and v3 rolled back.
 * Ctrl-C ends everything; `--keep` leaves the cluster up.
 */
export async function runDemo(options: DemoOptions): Promise<number> {
  const began = Date.now();
  const controller = new AbortController();
  const { signal } = controller;
  for (const name of ["SIGINT", "SIGTERM"] as const) process.on(name, () => controller.abort(new SandboxError(`\nStopped by ${name}; nothing of the demo is left.`)));
  const tools = await ensureToolchain(signal);
  const name = `demo-${process.pid}`;
  const cluster = await upCluster({ name, images: demoImages(), signal, onProgress: (step) => say(`starting ${step}`) });
  say(`cluster up after ${((Date.now() - began) / 1000).toFixed(1)} s`);
  try {
    const { project, rollouts } = await tour(cluster, tools, options, signal);
    say(`\nSummary, after ${((Date.now() - began) / 1000).toFixed(1)} s`);
    summaryLines(rollouts).forEach(say);
    if (options.keep) {
      await cluster.detach();
      say("\nThe cluster stays up:");
      [...describe(name), `  stack file  ${project.stackFile}`, "go on with:", `  eval "$(npm run --silent sandbox -- env --name ${name})"`, "  npx canary status", `end it with: npm run sandbox -- down --name ${name}`].forEach(say);
    }
    if (options.json) process.stdout.write(`${JSON.stringify({ rollouts })}\n`);
    return rollouts.every((r) => r.outcome === EXPECTED[r.version as keyof typeof EXPECTED]) ? 0 : 1;
  } finally {
    if (!options.keep || signal.aborted) await cluster.down();
  }
}
