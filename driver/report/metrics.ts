import type { Registry } from "prom-client";
import type { GateAnswer } from "../../analysis";
import type { RollbackReason } from "../../components/record/format";
import type { Ledger } from "../record/ledger";
import type { Outcome, RolloutEvent } from "./events";
import { instrumentsOf, type Instruments, type Labels } from "./instruments";

/** Whose metrics they are. */
export interface MeteredStack {
  /** Pulumi's name of the stack; of a fully qualified one, the last part. */
  readonly stack: string;
  /** Namespace of the release, because two projects may have stacks of one name. */
  readonly namespace: string;
  readonly services: readonly string[];
}

/** What the record says beside the events, at any moment. */
export interface Recorded {
  /** The rollout under way; absent before and after it. */
  readonly rollout?: { readonly version: string; readonly startedAt: string };
  /** Rollbacks so far by kind of reason, those of earlier processes included. */
  readonly rollbacks: Readonly<Record<string, number>>;
  /** The latest write failed, so that it does not know of what came last. */
  readonly unwritten: boolean;
}

/** What a driver's ledger says of the rollout that it runs. */
export const recordedBy = (ledger: Ledger) => (): Recorded =>
  ({ ...(ledger.rollout ? { rollout: ledger.rollout } : {}), rollbacks: ledger.rollbacks, unwritten: ledger.trouble !== undefined });

const REASONS: readonly RollbackReason[] = ["verdict", "split", "start", "update", "interrupt", "manual", "guard", "blind", "fleet", "approval"];
const OUTCOMES: readonly Outcome[] = ["promoted", "rolled-back", "held", "interrupted", "failed"];

/** Why a rollout may end without a verdict, where the event does not say so. */
type Told = Pick<RolloutEvent, "event" | "t"> & Partial<RolloutEvent>;

/**
 * Prometheus metrics of one stack's rollouts, fed by their events; it learns each version from the record. Rollbacks are there with what
 * the record counts, 0 included, from the beginning: `increase` of a series that appears with 1 is 0.
 */
export class RolloutMetrics {
  private readonly metrics: Instruments;
  private version: string | undefined;
  private clock = new RolloutClock();
  /** Versions that have been rolled out. */
  private readonly known = new Set<string>();
  /** Rollbacks that happened while the record could not be written. */
  private readonly unrecorded: Partial<Record<RollbackReason, number>> = {};

  constructor(private readonly of: MeteredStack, private readonly recorded: () => Recorded, registry: Registry) {
    this.metrics = instrumentsOf(registry);
    this.countRollbacks();
  }

  hear(event: Told): void {
    const { weight, served, verdict, outcome } = event;
    this.follow(event);
    const stageSeconds = this.clock.tick(event);
    this.all((labels) => {
      if (stageSeconds !== undefined) this.metrics.stage.observe(labels, stageSeconds);
      if (weight !== undefined) this.metrics.weight.set(labels, weight);
      if (served !== undefined) this.metrics.served.set(labels, served);
      if (verdict === "promote" || verdict === "hold" || verdict === "rollback") this.metrics.success.set(labels, verdict === "promote" ? 1 : 0);
    });
    if (event.gates) this.gates(event.gates);
    if (outcome !== undefined) this.ended(outcome, event.t);
    this.countRollbacks();
  }

  private all(act: (labels: Labels) => void): void {
    const { stack, namespace, services } = this.of;
    // Of a verb that rolls nothing out, such as the installation of a first version, there is nothing to say.
    if (this.version !== undefined) for (const service of services) act({ stack, namespace, service, version: this.version });
  }

  /** Begins anew where the record has another rollout than before. */
  private follow({ t }: Told): void {
    const { rollout } = this.recorded();
    if (!rollout || (rollout.version === this.version && this.clock.isOf(rollout.startedAt))) return;
    this.forget();
    this.version = rollout.version;
    this.clock = new RolloutClock(rollout.startedAt);
    this.all((labels) => {
      this.metrics.weight.set(labels, 0);
      // What its rollouts before took stays.
      if (this.known.has(rollout.version)) return;
      this.metrics.stage.zero(labels);
      for (const outcome of OUTCOMES) this.metrics.rollout.zero({ ...labels, outcome });
    });
    this.known.add(rollout.version);
    this.clock.tick({ event: "note", t });
  }

  /** The version before would otherwise seem to be under way still; what it took stays. */
  private forget(): void {
    const { weight, served, success, evidence, limit } = this.metrics;
    this.all((labels) => {
      for (const metric of [weight, served, success]) metric.remove(labels);
      for (const [service, metric, gate] of this.gatesSeen.values()) if (service === labels.service) for (const one of [evidence, limit]) one.remove({ ...labels, metric, gate });
    });
    this.gatesSeen.clear();
  }

  private readonly gatesSeen = new Map<string, readonly [service: string, metric: string, gate: string]>();

  private gates(answers: readonly GateAnswer[]): void {
    const each: Labels[] = [];
    this.all((labels) => each.push(labels));
    for (const { labels, metric, answer } of answers.flatMap((answer) => owners(answer, each))) {
      const own = { ...labels, metric, gate: answer.gate };
      this.gatesSeen.set(`${labels.service} ${metric} ${answer.gate}`, [labels.service, metric, answer.gate]);
      if (isNumber(answer.logE)) this.metrics.evidence.set(own, answer.logE);
      if (isNumber(answer.logELimit)) this.metrics.limit.set(own, answer.logELimit);
    }
  }

  private ended(outcome: Outcome, t: number): void {
    const seconds = this.clock.sinceStart(t);
    this.all((labels) => this.metrics.rollout.observe({ ...labels, outcome }, seconds));
    const home = outcome === "rolled-back" || (outcome === "interrupted" && this.clock.reverted);
    if (home) {
      const reason = outcome === "interrupted" ? "interrupt" : this.clock.reason();
      if (this.recorded().unwritten) this.unrecorded[reason] = (this.unrecorded[reason] ?? 0) + 1;
      this.all((labels) => this.metrics.success.set(labels, 0));
    }
    // A held canary keeps its traffic; of one that is gone there is no share.
    if (outcome === "held" || outcome === "failed" || (outcome === "interrupted" && !home)) return;
    this.all((labels) => {
      this.metrics.weight.set(labels, 0);
      this.metrics.served.remove(labels);
    });
  }

  /** As the record has them: whoever counted them, and however often this process was started. */
  private countRollbacks(): void {
    const { rollbacks } = this.recorded();
    const { stack, namespace, services } = this.of;
    for (const service of services)
      for (const reason of REASONS) {
        const labels = { stack, namespace, service, reason };
        this.metrics.rollbacks.remove(labels);
        this.metrics.rollbacks.inc(labels, (rollbacks[reason] ?? 0) + (this.unrecorded[reason] ?? 0));
      }
  }
}

const isNumber = (value: number | undefined): value is number => value !== undefined && !Number.isNaN(value);

/** A gate's metric is named `<service>/<metric>` where a stack has several services; otherwise it speaks of the only one. */
function owners(answer: GateAnswer, each: readonly Labels[]): { labels: Labels; metric: string; answer: GateAnswer }[] {
  const owner = each.find(({ service }) => answer.metric.startsWith(`${service}/`));
  if (owner) return [{ labels: owner, metric: answer.metric.slice(owner.service.length + 1), answer }];
  return each.map((labels) => ({ labels, metric: answer.metric, answer }));
}

/** What the order of events says: how long things took, and, where no event says so, why traffic went home. */
class RolloutClock {
  reverted = false;
  private started: number | undefined;
  private stage: number | undefined;
  private stages = 0;
  private verdict: string | undefined;
  private why: RollbackReason | undefined;

  /** @param startedAt by the record, ISO 8601: a driver that goes on with a rollout did not see it start */
  constructor(private readonly startedAt?: string) {
    if (startedAt !== undefined) this.started = Date.parse(startedAt) / 1000;
  }

  isOf = (startedAt: string): boolean => startedAt === this.startedAt;

  sinceStart = (t: number): number => Math.max(0, t - (this.started ?? t));

  /** Seconds of the stage that the event ends, if it does. */
  tick({ event, verdict, why, t }: Told): number | undefined {
    this.started ??= t;
    this.why = why ?? this.why;
    if (event === "revert") this.reverted = true;
    if (event === "verdict") this.verdict = verdict;
    if (event === "stage") this.stages++;
    const began = this.stage;
    const ends = event === "stage" || event === "verdict" || event === "revert" || event === "end";
    if (ends) this.stage = event === "stage" ? t : undefined;
    return ends && began !== undefined ? Math.max(0, t - began) : undefined;
  }

  reason(): RollbackReason {
    if (this.why !== undefined) return this.why;
    if (this.stages === 0) return "start";
    return this.verdict === "rollback" ? "verdict" : "update";
  }
}
