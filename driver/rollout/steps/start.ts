import { setTimeout as sleep } from "node:timers/promises";
import { isDeepStrictEqual } from "node:util";
import { withFloors } from "../../../components/config";
import { canaryHeader } from "../../../components/routing/header";
import { podReader } from "../../cluster/pods";
import { UpdateFailedError } from "../../errors";
import { apply, type RolloutContext } from "../context";
import { expectation } from "../expectation";
import type { StepEvent } from "../machine";
import { probeCanary } from "../probe";
import type { Rollout } from "../rollout";
import { stableFloors } from "../sizing";
import { pollAll, samplesOf } from "../watch";

const failed = (reason: string): StepEvent => ({ type: "failed", why: "start", reason });

/** Then the revision that is kept for it only costs pods. */
function undoIsOver({ ledger }: RolloutContext): boolean {
  const until = ledger.record?.undo?.until;
  return until !== undefined && Date.parse(until) < Date.now();
}

/** Starts the canary's pods with no traffic and says why when they do not become ready; undefined when they are. */
async function startPods({ context, config, version }: Rollout): Promise<string | undefined> {
  const { file, cluster, signal } = context;
  try {
    // A version that is in the file already keeps its overrides.
    const canary = file.read().canary?.version === version ? file.version("canary")! : version;
    const stable = file.version("stable")!;
    const lifted = withFloors(stable, await stableFloors(context, config));
    await apply(context, { canary, weight: 0, ...(isDeepStrictEqual(lifted, stable) ? {} : { stable: lifted }), ...(undoIsOver(context) ? { previous: null } : {}) }, `start ${version}`, { signal, creates: true });
    return undefined;
  } catch (cause) {
    if (!(cause instanceof UpdateFailedError) || signal.aborted) throw cause;
    const why = await podReader(cluster, config.namespace).explain(version);
    return why ? `its pods are not ready: ${why}` : cause.message;
  }
}

/** Starts the canary with no traffic, and asks it for its health by its header. */
export async function start(rollout: Rollout): Promise<StepEvent> {
  const { context, config, watch } = rollout;
  const { signal, report } = context;
  await pollAll(watch, "settling", signal);
  const trouble = (await startPods(rollout)) ?? (await probeCanary(watch, config, signal));
  if (trouble) return failed(trouble);
  // The canary's start took some seconds, in which the baseline was served: enough to foresee how long the stages will take.
  const polled = await pollAll(watch, "settling", signal);
  report({ event: "observe", weight: 0, ...samplesOf(polled), message: "the canary is ready" });
  const foreseen = expectation(config, polled);
  if (foreseen) report({ event: "note", message: foreseen });
  return { type: "done" };
}

/** Serves the canary by its header alone, for people and tests to look at, and goes on asking for its health. */
export async function preview({ context, config, watch, version }: Rollout): Promise<StepEvent> {
  const { signal, report } = context;
  const { previewSeconds } = config.rollout;
  const headers = [...new Set(Object.values(config.services).map(({ routing }) => {
    const header = canaryHeader(routing);
    return header ? `${header.name}: ${header.value}` : `${routing.header.name} that matches ${routing.header.pattern}`;
  }))].join(", ");
  if (previewSeconds === "hold") return { type: "hold", reason: `It serves requests with the header ${headers} and no others: look at it, then \`canary resume\`.` };
  report({ event: "note", weight: 0, message: `${version} serves requests with the header ${headers} and no others for ${previewSeconds} s` });
  for (const deadline = Date.now() + previewSeconds * 1000; Date.now() < deadline; ) {
    await sleep(Math.min(config.analysis.probeIntervalSeconds * 1000, Math.max(0, deadline - Date.now())), undefined, { signal });
    const trouble = await probeCanary(watch, config, signal);
    if (trouble) return failed(trouble);
  }
  return { type: "done" };
}
