import { setTimeout as sleep } from "node:timers/promises";
import { whyMissing, type Verdict } from "../../analysis";
import type { StackConfig, Stage } from "../../components/config";
import { foreignWeight } from "../cluster/traffic";
import { apply, type RolloutContext } from "./context";
import { driftedSplit, earlyRollback, judgeAll } from "./judging";
import { verifySplit } from "./verify";
import { pollAll, type TrafficWatch, type WatchedService } from "./watch";

/** What a stage came to: on to the next one, home, or a person's turn. */
export interface StageResult {
  readonly verdict: "promote" | "rollback" | "hold";
  readonly reason: string;
}

const summary = (verdict: Verdict): string => verdict.gates.filter((g) => g.answer !== "not-applicable").map((g) => `${g.metric} ${g.answer}`).join(", ");
const hold = (reason: string): StageResult => ({ verdict: "hold", reason });
const rollback = (reason: string): StageResult => ({ verdict: "rollback", reason });

/** Raises the weight and waits until it is served; undefined when it is. */
export async function raise(context: RolloutContext, watch: TrafficWatch, config: StackConfig, weight: number): Promise<StageResult | undefined> {
  const { report, signal, file } = context;
  const { verifyTimeoutSeconds, onBlind } = config.rollout;
  const foreign = await foreignWeight(context.cluster, config.namespace, Object.keys(config.services), file.read().weight);
  // Pulumi would overwrite it (patchForce): somebody's emergency stop is never overruled.
  if (foreign) return hold(`The weight is not raised to ${weight}, because ${foreign}.`);
  await apply(context, { weight }, `weight ${weight}`);
  signal.throwIfAborted();
  const seen = await verifySplit({ watch, weight, report, signal, pollSeconds: config.analysis.scrapeIntervalSeconds, timeoutSeconds: verifyTimeoutSeconds, stop: () => earlyRollback(watch) !== undefined });
  const after = `after ${verifyTimeoutSeconds} s`;
  if (seen.state === "stopped") return rollback(earlyRollback(watch)?.reason ?? seen.sentence);
  if (seen.state === "off") return rollback(`The weight is not what is served: ${seen.sentence} ${after}.`);
  if (seen.state === "few") return hold(`Too few requests to verify the split: ${seen.sentence} ${after}.`);
  if (seen.state === "unseen") return { verdict: onBlind, reason: `The split could not be verified, there is no data: ${seen.sentence} ${after}.` };
  report({ event: "split", weight, served: seen.share, message: `served as set: ${seen.sentence}` });
  return undefined;
}

/** Runs one stage: set the weight, verify what is served, warm up, observe, judge. */
export async function runStage(context: RolloutContext, watch: TrafficWatch, config: StackConfig, index: number): Promise<StageResult> {
  const { weight, dwellSeconds } = config.rollout.stages[index] as Stage;
  const { report, signal } = context;
  report({ event: "stage", stage: index, weight, message: `stage ${index + 1} of ${config.rollout.stages.length}: weight ${weight}` });
  watch.services.forEach((s) => s.judge.beginStage(index));
  const stopped = await raise(context, watch, config, weight);
  if (stopped) {
    const gates = judgeAll(watch, { elapsedSeconds: 0, dwellSeconds, capSeconds: Infinity }).gates;
    report({ event: "verdict", stage: index, weight, gates, verdict: stopped.verdict, message: `${stopped.verdict}: ${stopped.reason}` });
    return stopped;
  }

  const began = Date.now();
  const sight = new Sight(watch, config);
  for (;;) {
    const settled = (Date.now() - began) / 1000;
    const elapsedSeconds = Math.max(0, settled - config.rollout.warmUpSeconds);
    const verdict = judgeAll(watch, { elapsedSeconds, dwellSeconds, capSeconds: config.rollout.capSeconds });
    if (verdict.verdict !== "undecided") {
      report({ event: "verdict", stage: index, weight, gates: verdict.gates, verdict: verdict.verdict, message: `${verdict.verdict}: ${verdict.reason}` });
      return { verdict: verdict.verdict, reason: verdict.reason };
    }
    const drifted = driftedSplit(watch, weight);
    if (drifted) return hold(`The split changed during the stage: ${drifted}.`);
    report({ event: "observe", stage: index, weight, gates: verdict.gates, message: `weight ${weight}, ${settled.toFixed(0)} s: ${summary(verdict)}` });
    await sleep(config.analysis.scrapeIntervalSeconds * 1000, undefined, { signal });
    const phase = (Date.now() - began) / 1000 < config.rollout.warmUpSeconds ? "settling" : "observing";
    const lost = await sight.poll(phase, signal);
    if (lost) return { verdict: config.rollout.onBlind, reason: lost };
  }
}

/** Polls, and notices when a service has had no data for too long. */
class Sight {
  private readonly lastSeen: Map<WatchedService, number>;

  constructor(private readonly watch: TrafficWatch, private readonly config: StackConfig) {
    this.lastSeen = new Map(watch.services.map((s) => [s, Date.now()]));
  }

  async poll(phase: "settling" | "observing", signal: AbortSignal): Promise<string | undefined> {
    const patience = this.config.rollout.verifyTimeoutSeconds;
    for (const { service, reading } of await pollAll(this.watch, phase, signal)) {
      if (reading.kind === "value") this.lastSeen.set(service, Date.now());
      else if (Date.now() - (this.lastSeen.get(service) ?? 0) > patience * 1000) return `No metrics for ${patience} s: ${whyMissing(reading)}`;
    }
    return undefined;
  }
}

/** Asks every gate of the last stage once more, on fresh data: since its verdict the weight may have been raised, or a person have thought for long. */
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
  if (missing !== undefined) return hold(`The final check before promotion has no data: ${missing}`);
  const dwellSeconds = config.rollout.stages.at(-1)?.dwellSeconds ?? 0;
  const { verdict, reason, gates } = judgeAll(watch, { elapsedSeconds: dwellSeconds, dwellSeconds, capSeconds: dwellSeconds });
  report({ event: "verdict", weight: context.file.read().weight, gates, verdict, message: `final check: ${verdict}: ${reason}` });
  return { verdict: verdict === "undecided" ? "hold" : verdict, reason };
}

/**
 * Waits for a person's answer and goes on watching: a canary that fails meanwhile is reported at once.
 *
 * @returns the answer, or the rollback that came before it
 */
export async function askWhileWatching(context: RolloutContext, watch: TrafficWatch, config: StackConfig, question: string): Promise<boolean | StageResult> {
  const asking = new AbortController();
  const stop = (): void => asking.abort();
  context.signal.addEventListener("abort", stop);
  let answer: boolean | undefined;
  const answered = context.confirm(question, asking.signal).then((yes) => void (answer = yes), () => undefined);
  try {
    for (;;) {
      await Promise.race([answered, sleep(config.analysis.scrapeIntervalSeconds * 1000, undefined, { signal: context.signal })]);
      context.signal.throwIfAborted();
      if (answer !== undefined) return answer;
      await pollAll(watch, "observing", context.signal);
      const failed = earlyRollback(watch);
      if (failed) return rollback(failed.reason);
    }
  } finally {
    context.signal.removeEventListener("abort", stop);
    asking.abort();
  }
}
