import { setTimeout as sleep } from "node:timers/promises";
import { gather } from "../../approvals/gather";
import { earlyRollback, judgeAll, ONLY_FAILS, recorded, servedShare } from "../judging";
import type { StepEvent } from "../machine";
import type { Rollout } from "../rollout";
import { pollAll, samplesOf } from "../watch";
import { finalCheck } from "./observe";

/** Waits for an answer and goes on watching; the answer, or the failure that came before it. */
export async function whileWatching<T extends boolean | StepEvent>({ context, config, watch }: Rollout, answering: (signal: AbortSignal) => Promise<T>): Promise<T | StepEvent> {
  const { signal, ledger, report } = context;
  const asking = new AbortController();
  let answer: T | undefined;
  let broken: Error | undefined;
  const stop = (): void => asking.abort();
  signal.addEventListener("abort", stop);
  const answered = answering(asking.signal).then((yes) => void (answer = yes), (error: Error) => void (broken = error));
  try {
    for (;;) {
      await Promise.race([answered, sleep(config.analysis.scrapeIntervalSeconds * 1000, undefined, { signal })]);
      signal.throwIfAborted();
      if (broken) throw broken;
      if (answer !== undefined) return answer;
      const polled = await pollAll(watch, "observing", signal);
      const { gates } = judgeAll(watch, ONLY_FAILS);
      report({ event: "observe", asking: true, served: servedShare(watch), gates, ...samplesOf(polled), message: "waiting for an answer" });
      const failed = earlyRollback(watch);
      if (failed) return { type: "failed", why: "verdict", reason: failed.reason };
      ledger.seen(servedShare(watch), recorded(gates));
    }
  } finally {
    signal.removeEventListener("abort", stop);
    asking.abort();
  }
}

/** Before a stage: whether it may begin. After the last: whether the canary is to be promoted, and every gate once more before it is. */
export async function ask(rollout: Rollout, { stage = -1 }: { readonly stage?: number }): Promise<StepEvent> {
  const { config, plan, insisted, context } = rollout;
  const place = stage + 1 < plan.stages ? stage + 1 : "promotion";
  if (insisted) return { type: "approved" };
  if (place === "promotion" && !config.rollout.autoPromote) return { type: "hold", reason: "It passed every stage, and canary:rollout.autoPromote is false." };
  const answer = await whileWatching(rollout, async (signal) => {
    if (place === "promotion") await context.beforeAsking?.();
    return gather(rollout, place, signal);
  });
  if (answer.type !== "approved" || place !== "promotion") return answer;
  return (await finalCheck(rollout)) ?? answer;
}
