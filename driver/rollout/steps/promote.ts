import { setTimeout as sleep } from "node:timers/promises";
import { withFloors } from "../../../components/config";
import type { PromotionStep } from "../../../components/record/format";
import { versionOf } from "../../stack/file";
import { UsageError } from "../../errors";
import { apply } from "../context";
import type { StepEvent } from "../machine";
import type { Rollout } from "../rollout";
import { verifySplit } from "../verify";
import { samplesOf } from "../watch";
import { whileWatching } from "./ask";
import { finalCheck } from "./observe";
import { raise, whoInterfered } from "./raise";

/** Seconds that a router may take from an EndpointSlice to its own tables: ingress-nginx needs up to 5 s back to back. */
const ROUTER_SETTLES = 5;

const done: StepEvent = { type: "done" };

/** All traffic on the canary, and its gates asked there. */
async function full(rollout: Rollout): Promise<StepEvent> {
  const event = await atFull(rollout);
  const { beforeMove } = rollout.context;
  if (event.type !== "done" || !beforeMove) return event;
  const met = await whileWatching(rollout, () => beforeMove().then(() => true));
  return typeof met === "object" ? met : done;
}

async function atFull(rollout: Rollout): Promise<StepEvent> {
  const { context, insisted } = rollout;
  if (context.file.read().weight === 100) {
    const interfered = await whoInterfered(rollout);
    if (interfered) return { type: "hold", reason: `It is not promoted, because ${interfered}.` };
    // Who raised it here has asked every gate just now.
    return insisted || context.updates.count > 0 ? done : ((await finalCheck(rollout)) ?? done);
  }
  rollout.watch.services.forEach((s) => s.judge.beginStage(rollout.config.rollout.stages.length - 1));
  const raised = await raise(rollout, 100);
  if (raised.type !== "done" || insisted) return raised;
  return (await finalCheck(rollout)) ?? done;
}

/** The stable Service on the canary's pods: at weight 100 they are what it serves already. May be done twice. */
async function move({ context, version }: Rollout): Promise<StepEvent> {
  const { file } = context;
  const [stable, canary] = [file.version("stable")!, file.version("canary")];
  // A driver that died had come further than its record says.
  if (canary === undefined && versionOf(stable) === version) return done;
  if (canary === undefined) throw new UsageError(`the stack file has no canary any more: write canary:canary: ${version} into it`);
  const old = versionOf(stable) === versionOf(canary) ? file.version("previous") : stable;
  // What it had to have as a canary it need not have as stable.
  const next = withFloors(canary, {});
  await apply(context, { stable: next, canary: next, weight: 100, ...(old === undefined ? {} : { previous: old }) }, `stable Service to ${version}`, { lowers: true });
  await sleep(ROUTER_SETTLES * 1000);
  return done;
}

/** The weight back at 0 and the old revision kept for the undo window, or removed where there is none. May be done twice. */
async function close(rollout: Rollout): Promise<StepEvent> {
  const { context, config } = rollout;
  await apply(context, { canary: null, weight: 0 }, "weight 0, rollout closed", { lowers: true });
  await confirmClosed(rollout);
  if (config.rollout.undoWindowSeconds > 0 || context.file.version("previous") === undefined) return done;
  try {
    await apply(context, { previous: null }, "remove the previous revision", { lowers: true });
  } catch (cause) {
    context.report({ event: "note", message: `The previous revision is not removed yet, the next \`pulumi up\` does it (${(cause as Error).message})` });
  }
  return done;
}

/** Where versions are told apart by their own metrics, the new stable version looks like the canary it was: only the router's counters can tell. */
async function confirmClosed({ context, config, watch, version }: Rollout): Promise<void> {
  if (config.analysis.source === "app") return;
  const home = await verifySplit({ watch, weight: 0, report: context.report, telling: (polled) => samplesOf(polled, { stable: version, canary: version }), scrapeSeconds: config.analysis.scrapeIntervalSeconds, timeoutSeconds: config.rollout.verifyTimeoutSeconds });
  if (home.state === "off") context.report({ event: "note", message: `The weight is back at 0, but the counters do not confirm it: ${home.sentence}.` });
}

const STEPS: { readonly [S in PromotionStep]: (rollout: Rollout) => Promise<StepEvent> } = { full, move, close };

/**
 * Makes the canary the stable version. At weight 100 the stable Service moves to the canary's pods, then the weight returns to 0; no
 * pod is started or stopped. The old revision stays for the undo window.
 */
export const promote = (rollout: Rollout, step: PromotionStep): Promise<StepEvent> => {
  if (step === "full") rollout.context.report({ event: "promote", weight: 100, message: `promoting ${rollout.version}` });
  return STEPS[step](rollout);
};
