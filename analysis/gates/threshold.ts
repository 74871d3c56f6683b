import { slowerThan, slowerThanBounds, quantile, total } from "../statistics/histogram";
import { clopperPearson, quantileBracket, wilson } from "../statistics/intervals";
import { type ArmCounts, type Share, addCounts, noTraffic } from "../traffic";
import { duration, percent, plain } from "../units";
import type { Answer, Clock, Gate, GateAnswer, Observation } from "./gate";
import { type BuiltIn, QUANTILES } from "./metrics";
import type { RuleOf } from "./schema";
import { Trail } from "./trail";

/** Confidence that an early failure, looked for at every scrape, is no noise. */
const EARLY_CONFIDENCE = 0.999;
const DEFAULT_MIN_REQUESTS = 20;

type Traffic = { from: number; to: number; counts: ArmCounts };
const join = (a: Traffic, b: Traffic): Traffic => ({ from: Math.min(a.from, b.from), to: Math.max(a.to, b.to), counts: addCounts(a.counts, b.counts) });

/** What a threshold on a quantity of the canary's traffic comes down to: a share of requests and the share that is allowed. */
interface Excess {
  /** Best estimate and certain part of the share. */
  share: Share;
  certain: Share;
  allowed: number;
}

/**
 * A plain limit on the canary's own traffic. At the end of the dwell the plain comparison decides; before, it fails only if the exact
 * one-sided 99.9 % lower bound of the share lies above the limit, because a comparison at every scrape would fail on noise.
 * Quantiles are judged by the share of slower requests: exact on a bucket edge, interpolated between.
 */
export class TrafficThreshold implements Gate {
  private readonly observed: Trail<Traffic>;
  private sinceStart: ArmCounts = noTraffic();
  readonly critical: boolean;

  constructor(
    readonly metric: string,
    private readonly rule: RuleOf<"threshold"> & { of: BuiltIn },
  ) {
    this.critical = rule.critical;
    this.observed = new Trail(join, rule.over);
  }

  beginStage(): void {
    this.observed.clear();
    this.sinceStart = noTraffic();
  }

  observe(observation: Observation): void {
    if (observation.type !== "traffic") return;
    const { window, phase } = observation;
    this.sinceStart = addCounts(this.sinceStart, window.canary);
    if (phase === "observing") this.observed.add(window.to, { from: window.from, to: window.to, counts: window.canary });
  }

  answer(now: Clock): GateAnswer[] {
    return [now.elapsedSeconds < now.dwellSeconds ? this.early() : this.final()];
  }

  private early(): GateAnswer {
    const excess = this.excess(this.sinceStart);
    const counts = this.sinceStart;
    if (excess && excess.certain.n > 0) {
      // The lower end of a two-sided interval at 2c − 1 is the one-sided bound at c.
      const bound = clopperPearson(excess.certain.x, excess.certain.n, 2 * EARLY_CONFIDENCE - 1).low;
      if (bound > excess.allowed)
        return this.say("fail", counts, `${this.finding(counts)}; with ${percent(EARLY_CONFIDENCE)} certainty more than ${percent(bound)} of its requests are beyond the limit, ${percent(excess.allowed)} may be.`);
    }
    return this.say("undecided", counts, `${this.finding(counts)}, to be compared at the end of the dwell.`);
  }

  private final(): GateAnswer {
    const traffic = this.observed.total();
    const counts = traffic?.counts ?? noTraffic();
    const need = this.rule.minSamples ?? DEFAULT_MIN_REQUESTS;
    const n = this.measured(counts);
    if (!traffic || n < need) return this.say("undecided", counts, `${plain(n)} canary requests were measured, ${need} are needed to judge ${this.metric}.`);
    if (this.rule.of === "rate") {
      const rate = counts.requests / (traffic.to - traffic.from);
      const bad = this.rule.direction === "atMost" ? rate > this.rule.limit : rate < this.rule.limit;
      return { ...this.say(bad ? "fail" : "pass", counts, `The canary served ${plain(rate)} requests/s; the limit is ${this.limitText()}.`), value: rate };
    }
    const excess = this.excess(counts);
    const beyond = excess !== undefined && excess.share.x / excess.share.n > excess.allowed;
    const bad = this.rule.direction === "atMost" || this.rule.of === "success" ? beyond : !beyond;
    return this.say(bad ? "fail" : "pass", counts, `${this.finding(counts)}.`);
  }

  /** Requests beyond the limit, or undefined where no share expresses it (a request rate, or latencies that are not measured). */
  private excess(counts: ArmCounts): Excess | undefined {
    const { of, limit } = this.rule;
    if (of === "rate") return undefined;
    if (of === "errors" || of === "success") {
      const failed = { x: counts.errors, n: counts.requests };
      return { share: failed, certain: failed, allowed: of === "errors" ? limit : 1 - limit };
    }
    if (!counts.latency) return undefined;
    return { share: slowerThan(counts.latency, limit), certain: slowerThanBounds(counts.latency, limit).atLeast, allowed: 1 - (QUANTILES[of] as number) };
  }

  private measured(counts: ArmCounts): number {
    return QUANTILES[this.rule.of] === undefined ? counts.requests : counts.latency ? total(counts.latency) : 0;
  }

  private value(counts: ArmCounts): number | undefined {
    const { of } = this.rule;
    if (of === "rate" || this.measured(counts) <= 0) return undefined;
    if (of === "errors") return counts.errors / counts.requests;
    if (of === "success") return 1 - counts.errors / counts.requests;
    return counts.latency && quantile(counts.latency, QUANTILES[of] as number);
  }

  private limitText(): string {
    const { of, limit, direction } = this.rule;
    const text = of === "rate" ? `${plain(limit)}/s` : of === "errors" || of === "success" ? percent(limit) : duration(limit);
    return `${direction === "atMost" ? "at most" : "at least"} ${text}`;
  }

  private finding(counts: ArmCounts): string {
    const { of } = this.rule;
    const value = this.value(counts);
    if (value === undefined) return `The canary's ${of} is not known yet (limit ${this.limitText()})`;
    const n = plain(this.measured(counts));
    if (of === "errors" || of === "success") {
      const x = of === "errors" ? counts.errors : counts.requests - counts.errors;
      const { low, high } = wilson(x, counts.requests);
      return `${of === "errors" ? "Failed" : "Successful"}: ${percent(value)} of ${n} canary requests (95 %: ${percent(low)} … ${percent(high)}), limit ${this.limitText()}`;
    }
    const { low, high } = quantileBracket(counts.latency as NonNullable<ArmCounts["latency"]>, QUANTILES[of] as number);
    return `${of.toUpperCase()} of ${n} canary requests is ${duration(value)} (95 %: between the edges ${duration(low)} and ${duration(high)}), limit ${this.limitText()}`;
  }

  private say(answer: Answer, counts: ArmCounts, sentence: string): GateAnswer {
    const value = this.value(counts);
    const base = { metric: this.metric, gate: "threshold", critical: this.critical, decides: "both" as const, answer, sentence, limit: this.rule.limit, n: this.measured(counts) };
    return value === undefined ? base : { ...base, value };
  }
}

/** A plain limit on the mean of a query's value at the end of the dwell. */
export class QueryThreshold implements Gate {
  readonly critical: boolean;
  private readonly trail: Trail<{ sum: number; batches: number }>;

  constructor(
    readonly metric: string,
    private readonly rule: RuleOf<"threshold">,
  ) {
    this.critical = rule.critical;
    this.trail = new Trail((a, b) => ({ sum: a.sum + b.sum, batches: a.batches + b.batches }), rule.over);
  }

  beginStage(): void {
    this.trail.clear();
  }

  observe(observation: Observation): void {
    if (observation.type === "gauge" && observation.metric === this.metric && observation.phase === "observing") this.trail.add(observation.at, { sum: observation.canary.mean, batches: 1 });
  }

  answer(now: Clock): GateAnswer[] {
    const { direction, limit, minSamples = 1 } = this.rule;
    const { sum, batches } = this.trail.total() ?? { sum: 0, batches: 0 };
    const base = { metric: this.metric, gate: "threshold", critical: this.critical, decides: "both" as const, limit, n: batches };
    if (batches < minSamples) return [{ ...base, answer: "undecided", sentence: `${batches} values of ${this.metric} were read, ${minSamples} are needed.` }];
    const value = sum / batches;
    const bad = direction === "atMost" ? value > limit : value < limit;
    const early = now.elapsedSeconds < now.dwellSeconds;
    const sentence = `The mean of ${batches} values is ${plain(value)}, the limit ${direction === "atMost" ? "at most" : "at least"} ${plain(limit)}${early ? "; to be compared at the end of the dwell" : ""}.`;
    return [{ ...base, answer: early ? "undecided" : bad ? "fail" : "pass", sentence, value }];
  }
}
