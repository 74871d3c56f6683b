import { setTimeout as sleep } from "node:timers/promises";
import { joinVerdicts, whyMissing, type Verdict } from "../../analysis";
import type { StackConfig, Stage } from "../../components/config";
import { apply, type RolloutContext } from "./context";
import { verifySplit } from "./verify";
import { pollAll, type TrafficWatch } from "./watch";

/** What a stage came to: on to the next one, home, or a person's turn. */
export interface StageResult {
  readonly verdict: "promote" | "rollback" | "hold";
  readonly reason: string;
}

interface StageClock {
  elapsedSeconds: number;
  dwellSeconds: number;
  capSeconds: number;
}

function judge(watch: TrafficWatch, clock: StageClock): Verdict {
  return joinVerdicts(
    Object.fromEntries(
      watch.services.map((s) => {
        const verdict = s.judge.verdict(clock);
        // A service that is not critical may ask for a review; it reverts nobody.
        return [s.name, s.critical || verdict.verdict !== "rollback" ? verdict : { ...verdict, verdict: "hold" as const }];
      }),
    ),
  );
}

const summary = (verdict: Verdict): string => verdict.gates.filter((g) => g.answer !== "not-applicable").map((g) => `${g.metric} ${g.answer}`).join(", ");

/** Runs one stage: set the weight, verify what is served, warm up, observe, judge. */
export async function runStage(context: RolloutContext, watch: TrafficWatch, config: StackConfig, index: number): Promise<StageResult> {
  const { weight, dwellSeconds } = config.rollout.stages[index] as Stage;
  const { report, signal } = context;
  const pollSeconds = config.analysis.scrapeIntervalSeconds;
  const lost = (): boolean => judge(watch, { elapsedSeconds: 0, dwellSeconds, capSeconds: Infinity }).verdict === "rollback";

  report({ event: "stage", stage: index, weight, message: `stage ${index + 1} of ${config.rollout.stages.length}: weight ${weight}` });
  watch.services.forEach((s) => s.judge.beginStage(index));
  await apply(context, { weight }, `weight ${weight}`);
  signal.throwIfAborted();
  const verified = await verifySplit({ watch, weight, report, signal, pollSeconds, timeoutSeconds: config.rollout.verifyTimeoutSeconds, stop: lost });
  if (verified.state === "off") return { verdict: "rollback", reason: `The weight is not what is served: ${verified.sentence} after ${config.rollout.verifyTimeoutSeconds} s.` };
  if (verified.state === "unseen") return { verdict: config.rollout.onBlind, reason: `The split could not be verified within ${config.rollout.verifyTimeoutSeconds} s: ${verified.sentence}.` };
  if (verified.state === "served") report({ event: "split", stage: index, weight, served: verified.share, message: `served as set: ${verified.sentence}` });

  const began = Date.now();
  let lastSeen = Date.now();
  for (;;) {
    const settled = (Date.now() - began) / 1000;
    const elapsedSeconds = Math.max(0, settled - config.rollout.warmUpSeconds);
    const verdict = judge(watch, { elapsedSeconds, dwellSeconds, capSeconds: config.rollout.capSeconds });
    if (verdict.verdict !== "undecided") {
      report({ event: "verdict", stage: index, weight, gates: verdict.gates, verdict: verdict.verdict, message: `${verdict.verdict}: ${verdict.reason}` });
      return { verdict: verdict.verdict, reason: verdict.reason };
    }
    report({ event: "observe", stage: index, weight, gates: verdict.gates, message: `weight ${weight}, ${settled.toFixed(0)} s: ${summary(verdict)}` });
    await sleep(pollSeconds * 1000, undefined, { signal });
    const phase = (Date.now() - began) / 1000 < config.rollout.warmUpSeconds ? "settling" : "observing";
    for (const { reading } of await pollAll(watch, phase, signal)) {
      if (reading.kind === "value") lastSeen = Date.now();
      else if (Date.now() - lastSeen > config.rollout.verifyTimeoutSeconds * 1000)
        return { verdict: config.rollout.onBlind, reason: `No metrics for ${config.rollout.verifyTimeoutSeconds} s: ${whyMissing(reading)}` };
    }
  }
}

/** Asks every gate of the last stage once more, on fresh data: between its verdict and the promotion a person may have thought for long. */
export async function finalCheck(context: RolloutContext, watch: TrafficWatch, config: StackConfig): Promise<StageResult> {
  const { signal, report } = context;
  const waiting = new Map(watch.services.map((s) => [s, "no new samples"]));
  for (const deadline = Date.now() + config.rollout.verifyTimeoutSeconds * 1000; waiting.size > 0 && Date.now() < deadline; ) {
    await sleep(config.analysis.scrapeIntervalSeconds * 1000, undefined, { signal });
    for (const { service, reading } of await pollAll(watch, "observing", signal))
      if (reading.kind === "value") waiting.delete(service);
      else if (waiting.has(service)) waiting.set(service, whyMissing(reading));
  }
  const [missing] = waiting.values();
  if (missing !== undefined) return { verdict: "hold", reason: `The final check before promotion has no data: ${missing}` };
  const dwellSeconds = config.rollout.stages.at(-1)?.dwellSeconds ?? 0;
  const { verdict, reason, gates } = judge(watch, { elapsedSeconds: dwellSeconds, dwellSeconds, capSeconds: dwellSeconds });
  report({ event: "verdict", weight: context.file.read().weight, gates, verdict, message: `final check: ${verdict}: ${reason}` });
  return { verdict: verdict === "undecided" ? "hold" : verdict, reason };
}
