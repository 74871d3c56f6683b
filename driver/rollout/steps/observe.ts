import { setTimeout as sleep } from "node:timers/promises";
import { whyMissing, type Verdict } from "../../../analysis";
import type { StackConfig, Stage } from "../../../components/config";
import { driftedSplit, judgeAll, recorded, servedShare } from "../judging";
import type { StepEvent } from "../machine";
import type { Rollout } from "../rollout";
import { whoInterfered } from "./raise";
import { pollAll, samplesOf, type Polled, type TrafficWatch, type WatchedService } from "../watch";

const summary = (verdict: Verdict): string => verdict.gates.filter((g) => g.answer !== "not-applicable").map((g) => `${g.metric} ${g.answer}`).join(", ");

/** Polls, and notices when a service has had no data for too long. */
class Sight {
  private readonly lastSeen: Map<WatchedService, number>;

  constructor(private readonly watch: TrafficWatch, private readonly config: StackConfig) {
    this.lastSeen = new Map(watch.services.map((s) => [s, Date.now()]));
  }

  /** What came, and why nothing did for too long. */
  async poll(phase: "settling" | "observing", signal: AbortSignal): Promise<{ polled: readonly Polled[]; lost?: string }> {
    const patience = this.config.rollout.verifyTimeoutSeconds;
    const polled = await pollAll(this.watch, phase, signal);
    for (const { service, reading } of polled) {
      if (reading.kind === "value") this.lastSeen.set(service, Date.now());
      else if (Date.now() - (this.lastSeen.get(service) ?? 0) > patience * 1000) return { polled, lost: `No metrics for ${patience} s: ${whyMissing(reading)}` };
    }
    return { polled };
  }
}

/** A verdict as a step's event; undefined while there is none. */
function eventOf({ verdict, reason, gates }: Verdict): StepEvent | undefined {
  if (verdict === "undecided") return undefined;
  return verdict === "promote" ? { type: "done" } : verdict === "rollback" ? { type: "failed", why: "verdict", reason, gates } : { type: "hold", reason };
}

/** Observes a stage whose weight is served, since `began` (ms since the epoch), until its gates have decided: warm-up, dwell, verdict. */
export async function observe(rollout: Rollout, index: number, began = Date.now()): Promise<StepEvent> {
  const { context, config, watch, plan } = rollout;
  const { report, signal, ledger } = context;
  const { weight, dwellSeconds } = config.rollout.stages[index] as Stage;
  const { warmUpSeconds, capSeconds, onBlind } = config.rollout;
  const sight = new Sight(watch, config);
  let polled: readonly Polled[] = [];
  for (;;) {
    const settled = (Date.now() - began) / 1000;
    const elapsedSeconds = Math.max(0, settled - warmUpSeconds);
    const verdict = judgeAll(watch, { elapsedSeconds, dwellSeconds, capSeconds });
    report({ event: "observe", stage: index, weight, served: servedShare(watch), gates: verdict.gates, ...samplesOf(polled), message: `weight ${weight}, ${settled.toFixed(0)} s: ${summary(verdict)}` });
    const event = plan.experiment ? (elapsedSeconds >= dwellSeconds ? ({ type: "done" } as const) : undefined) : eventOf(verdict);
    if (event) {
      const said = plan.experiment ? "measured" : verdict.verdict;
      report({ event: "verdict", stage: index, weight, gates: verdict.gates, verdict: said, message: `${said}: ${verdict.reason}` });
      return event;
    }
    const drifted = driftedSplit(watch, weight);
    if (drifted) {
      const who = await whoInterfered(rollout);
      return { type: "hold", reason: `The split changed during the stage: ${drifted}${who ? `, because ${who}` : ""}.` };
    }
    ledger.seen(servedShare(watch), recorded(verdict.gates));
    // The dwell's end need not wait for the next scrape.
    const left = warmUpSeconds + dwellSeconds - settled;
    await sleep(Math.min(config.analysis.scrapeIntervalSeconds, left > 0 ? left : Infinity) * 1000, undefined, { signal });
    const looked = await sight.poll((Date.now() - began) / 1000 < warmUpSeconds ? "settling" : "observing", signal);
    polled = looked.polled;
    const { lost } = looked;
    if (lost) return onBlind === "rollback" ? { type: "failed", why: "blind", reason: lost } : { type: "hold", reason: lost };
  }
}

/**
 * Asks every gate of the last stage once more, on fresh data: since its verdict the weight may have been raised, or a person have
 * thought for long. Undefined when all of them pass.
 */
export async function finalCheck({ context, config, watch }: Rollout): Promise<StepEvent | undefined> {
  const { signal, report, file } = context;
  const waiting = new Map(watch.services.map((s) => [s, "no new samples"]));
  for (const deadline = Date.now() + config.rollout.verifyTimeoutSeconds * 1000; waiting.size > 0 && Date.now() < deadline; ) {
    await sleep(config.analysis.scrapeIntervalSeconds * 1000, undefined, { signal });
    const polled = await pollAll(watch, "observing", signal);
    report({ event: "observe", ...samplesOf(polled), message: "final check" });
    for (const { service, reading } of polled)
      if (reading.kind === "value") waiting.delete(service);
      else if (waiting.has(service)) waiting.set(service, whyMissing(reading));
  }
  const [missing] = waiting.values();
  if (missing !== undefined) return { type: "hold", reason: `The final check before promotion has no data: ${missing}` };
  const dwellSeconds = config.rollout.stages.at(-1)?.dwellSeconds ?? 0;
  const verdict = judgeAll(watch, { elapsedSeconds: dwellSeconds, dwellSeconds, capSeconds: dwellSeconds });
  report({ event: "verdict", weight: file.read().weight, gates: verdict.gates, verdict: verdict.verdict, message: `final check: ${verdict.verdict}: ${verdict.reason}` });
  const event = eventOf(verdict) ?? { type: "hold", reason: verdict.reason };
  return event.type === "done" ? undefined : event;
}
