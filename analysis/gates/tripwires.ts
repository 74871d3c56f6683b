import { percent, plain } from "../units";
import type { Answer, Clock, Gate, GateAnswer, Observation, PodHealth } from "./gate";
import type { RuleOf } from "./schema";

/** Rolls back at once when `rollbackAt` canary requests have failed since the stage began, settling included. */
export class CountTripwire implements Gate {
  readonly critical: boolean;
  private errors = 0;
  private requests = 0;

  constructor(
    readonly metric: string,
    private readonly rule: RuleOf<"count">,
  ) {
    this.critical = rule.critical;
  }

  beginStage(): void {
    this.errors = this.requests = 0;
  }

  observe(observation: Observation): void {
    if (observation.type !== "traffic") return;
    this.errors += observation.window.canary.errors;
    this.requests += observation.window.canary.requests;
  }

  answer(now: Clock): GateAnswer[] {
    const { rollbackAt, minSamples } = this.rule;
    const early = now.elapsedSeconds < now.dwellSeconds || this.requests < minSamples;
    const answer: Answer = this.errors >= rollbackAt ? "fail" : early ? "undecided" : "pass";
    const sentence = `${plain(this.errors)} of ${plain(this.requests)} canary requests failed; ${rollbackAt} roll back${answer === "undecided" ? `, and a pass needs the end of the dwell and ${minSamples} requests` : ""}.`;
    return [{ metric: this.metric, gate: "count", critical: this.critical, decides: "both", answer, sentence, value: this.errors, limit: rollbackAt, n: this.requests }];
  }
}

/** Share of failed health probes through the canary; fails the moment it exceeds the limit. */
export class ProbeGate implements Gate {
  readonly critical: boolean;
  private failed = 0;
  private probes = 0;

  constructor(
    readonly metric: string,
    private readonly rule: RuleOf<"probe">,
  ) {
    this.critical = rule.critical;
  }

  beginStage(): void {
    this.failed = this.probes = 0;
  }

  observe(observation: Observation): void {
    if (observation.type !== "probe") return;
    this.probes++;
    if (!observation.ok) this.failed++;
  }

  answer(now: Clock): GateAnswer[] {
    const { atMost, minSamples } = this.rule;
    const value = this.probes === 0 ? 0 : this.failed / this.probes;
    const enough = this.probes >= minSamples;
    const answer: Answer = !enough ? "undecided" : value > atMost ? "fail" : now.elapsedSeconds < now.dwellSeconds ? "undecided" : "pass";
    const sentence = `${this.failed} of ${this.probes} health probes failed; at most ${percent(atMost)} may${enough ? "" : `, and ${minSamples} are needed`}.`;
    return [{ metric: this.metric, gate: "probe", critical: this.critical, decides: "both", answer, sentence, value, limit: atMost, n: this.probes }];
  }
}

/** Fails when the canary's pods restart too often; passes while all of them are ready. */
export class PodGate implements Gate {
  readonly critical: boolean;
  private pods: PodHealth | undefined;

  constructor(
    readonly metric: string,
    private readonly rule: RuleOf<"pods">,
  ) {
    this.critical = rule.critical;
  }

  /** Readiness is a state, not a sum: what was last seen stays true until something newer is. */
  beginStage(): void {}

  observe(observation: Observation): void {
    if (observation.type === "pods") this.pods = observation.pods;
  }

  answer(): GateAnswer[] {
    const { maxRestarts } = this.rule;
    const base = { metric: this.metric, gate: "pods", critical: this.critical, decides: "both" as const, limit: maxRestarts };
    if (!this.pods) return [{ ...base, answer: "undecided", sentence: "The health of the canary's pods has not been seen yet." }];
    const { ready, desired, restarts, reason } = this.pods;
    const answer: Answer = restarts > maxRestarts ? "fail" : desired > 0 && ready >= desired ? "pass" : "undecided";
    const sentence = `${ready} of ${desired} canary pods are ready, with ${restarts} restarts${reason ? ` (${reason})` : ""}; at most ${maxRestarts} restarts are allowed.`;
    return [{ ...base, answer, sentence, value: restarts, n: desired }];
  }
}
