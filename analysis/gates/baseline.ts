import { quantile, total } from "../statistics/histogram";
import { type ArmCounts, addCounts } from "../traffic";
import { duration, percent, plain } from "../units";
import { hasBaseline } from "./context";
import type { Answer, Clock, Gate, GateAnswer, Observation, StageContext } from "./gate";
import { type BuiltIn, QUANTILES } from "./metrics";
import type { RuleOf } from "./schema";
import { Trail } from "./trail";

/** What both arms brought: traffic over a span, or the sum of a gauge's batches. */
interface Both {
  seconds: number;
  canary: ArmCounts;
  stable: ArmCounts;
  batches: { canary: number; stable: number; number: number };
}

const join = (a: Both, b: Both): Both => ({
  seconds: a.seconds + b.seconds,
  canary: addCounts(a.canary, b.canary),
  stable: addCounts(a.stable, b.stable),
  batches: { canary: a.batches.canary + b.batches.canary, stable: a.batches.stable + b.batches.stable, number: a.batches.number + b.batches.number },
});

const quiet: ArmCounts = { requests: 0, errors: 0 };

const measured = (of: BuiltIn, counts: ArmCounts): number => (QUANTILES[of] === undefined ? counts.requests : counts.latency ? total(counts.latency) : 0);

function valueOf(of: BuiltIn, counts: ArmCounts, seconds: number): number | undefined {
  if (of === "rate") return seconds > 0 ? counts.requests / seconds : undefined;
  if (measured(of, counts) <= 0) return undefined;
  if (of === "errors") return counts.errors / counts.requests;
  if (of === "success") return 1 - counts.errors / counts.requests;
  return counts.latency && quantile(counts.latency, QUANTILES[of] as number);
}

/**
 * Canary ÷ baseline at the end of the dwell: passes within one multiple, fails past another, stays undecided between them. A baseline of
 * zero has no multiples: a canary at zero passes, one above `pFloor` fails, anything between is undecided.
 */
export class BaselineGate implements Gate {
  readonly critical: boolean;
  private readonly higherIsBetter: boolean;
  private readonly trail: Trail<Both>;
  private stage: StageContext | undefined;

  constructor(
    readonly metric: string,
    private readonly rule: RuleOf<"baseline">,
    private readonly pFloor: number,
  ) {
    this.critical = rule.critical;
    this.higherIsBetter = (rule.better ?? (rule.of === "success" || rule.of === "rate" ? "higher" : "lower")) === "higher";
    this.trail = new Trail(join, rule.over);
  }

  beginStage(stage: StageContext): void {
    this.stage = stage;
    this.trail.clear();
  }

  observe(observation: Observation): void {
    if (this.rule.of !== undefined && observation.type === "traffic" && observation.phase === "observing") {
      const { from, to, canary, stable } = observation.window;
      this.trail.add(to, { seconds: to - from, canary, stable, batches: { canary: 0, stable: 0, number: 0 } });
    }
    if (this.rule.query !== undefined && observation.type === "gauge" && observation.metric === this.metric && observation.phase === "observing" && observation.stable)
      this.trail.add(observation.at, { seconds: 0, canary: quiet, stable: quiet, batches: { canary: observation.canary.mean, stable: observation.stable.mean, number: 1 } });
  }

  answer(now: Clock): GateAnswer[] {
    if (this.stage && !hasBaseline(this.stage)) return [this.say("not-applicable", "No baseline is left to compare with at weight 100.")];
    const { rule } = this;
    const both = this.trail.total();
    const n = both ? (rule.of === undefined ? both.batches.number : Math.min(measured(rule.of, both.canary), measured(rule.of, both.stable))) : 0;
    const need = rule.of === undefined ? 1 : rule.minSamples;
    if (!both || n < need) return this.undecided(`${plain(n)} samples of the smaller arm were seen, ${need} are needed${n === 0 && rule.query ? `; if this service has no such metric, remove it with ${this.metric}: false` : ""}.`);
    const [canary, stable] =
      rule.of === undefined
        ? [both.batches.canary / both.batches.number, both.batches.stable / both.batches.number]
        : [valueOf(rule.of, both.canary, both.seconds), valueOf(rule.of, both.stable, both.seconds)];
    if (canary === undefined || stable === undefined) return this.undecided(`There is no latency histogram of both arms to judge ${this.metric} by.`);
    const ratio = canary === stable ? 1 : canary / stable;
    const answer = now.elapsedSeconds < now.dwellSeconds ? "undecided" : this.judge(ratio, canary, stable);
    const limits = this.higherIsBetter ? `at least ${percent(1 / rule.within)}, and below ${percent(rule.fail)} fails` : `at most ${percent(rule.within)}, and past ${percent(rule.fail)} fails`;
    const sentence = `${this.show(canary)} on the canary, ${this.show(stable)} on stable, a ratio of ${percent(ratio)}; to pass it may be ${limits}.`;
    return [{ ...this.say(answer, sentence), value: ratio, limit: rule.fail, n }];
  }

  private judge(ratio: number, canary: number, stable: number): Answer {
    const { within, fail } = this.rule;
    if (this.higherIsBetter) return ratio < fail ? "fail" : ratio >= 1 / within ? "pass" : "undecided";
    // One failed request beside a baseline without any is no multiple of it.
    if (stable === 0 && canary > 0) return canary > this.pFloor ? "fail" : "undecided";
    return ratio > fail ? "fail" : ratio <= within ? "pass" : "undecided";
  }

  private show(value: number): string {
    const { of } = this.rule;
    if (of === undefined) return plain(value);
    if (of === "rate") return `${plain(value)}/s`;
    return of === "errors" || of === "success" ? percent(value) : duration(value);
  }

  private undecided(sentence: string): GateAnswer[] {
    return [this.say("undecided", sentence)];
  }

  private say(answer: Answer, sentence: string): GateAnswer {
    return { metric: this.metric, gate: "baseline", critical: this.critical, decides: "both", answer, sentence };
  }
}
