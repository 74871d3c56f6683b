import { setTimeout as sleep } from "node:timers/promises";
import { earlyRollback, judgeAll, ONLY_FAILS, recorded, servedShare } from "../judging";
import type { StepEvent } from "../machine";
import type { Rollout } from "../rollout";
import { pollAll, samplesOf } from "../watch";
import { finalCheck } from "./observe";

/** Waits for an answer and goes on watching; the answer, or the failure that came before it. */
export async function whileWatching<T extends boolean>({ context, config, watch }: Rollout, answering: (signal: AbortSignal) => Promise<T>): Promise<T | StepEvent> {
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

/** After the last stage: whether the canary is to be promoted, and every gate once more before it is. */
export async function ask(rollout: Rollout): Promise<StepEvent> {
  const { config, version, insisted, context } = rollout;
  if (insisted) return { type: "approved" };
  if (!config.rollout.autoPromote) return { type: "hold", reason: "It passed every stage, and canary:rollout.autoPromote is false." };
  const answer = await whileWatching(rollout, (signal) => context.confirm(`Promote ${version}?`, signal));
  if (typeof answer === "object") return answer;
  if (!answer) return { type: "hold", reason: "It passed every stage, and nobody said yes to its promotion (--yes says it beforehand)." };
  return (await finalCheck(rollout)) ?? { type: "approved" };
}
