import { Counter, Gauge, Histogram, Registry } from "prom-client";
import type { GateAnswer } from "../../analysis";
import type { RollbackReason } from "../../components/record/format";
import type { Outcome, Reporter, RolloutEvent } from "./events";

/** What every series says of itself. One rollout is of one version; all services of the stack move with it. */
export interface RolloutLabels {
  /** Pulumi's name of the stack; of a fully qualified one, the last part. */
  readonly stack: string;
  /** Namespace of the release, because two projects may have stacks of one name. */
  readonly namespace: string;
  readonly services: readonly string[];
  /** The version under rollout. */
  readonly version: string;
}

/** An event, with what it may say beyond {@link RolloutEvent}: when it happened, seconds since the epoch (default now), and why traffic went home. */
export type MeteredEvent = Omit<RolloutEvent, "t"> & { readonly t?: number; readonly why?: RollbackReason };

export interface RolloutMetrics {
  readonly reporter: Reporter & ((event: MeteredEvent) => void);
  /** Serve or push it; it holds nothing but the rollout's metrics. */
  readonly registry: Registry;
}

const REASONS: readonly RollbackReason[] = ["verdict", "split", "start", "update", "interrupt", "manual", "guard", "blind", "fleet", "approval"];
const OUTCOMES: readonly Outcome[] = ["promoted", "rolled-back", "held", "interrupted", "failed"];

/** Edges in seconds: stages last from seconds in a demo to hours, rollouts up to days. */
const STAGE_BUCKETS = [10, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14_400];
const ROLLOUT_BUCKETS = [60, 300, 900, 1800, 3600, 7200, 14_400, 43_200, 86_400, 259_200];

const LABELS = ["stack", "namespace", "service", "version"] as const;
type Labels = Readonly<Record<(typeof LABELS)[number], string>>;

function instruments(registry: Registry) {
  const registers = [registry];
  const gauge = <L extends string>(name: string, help: string, ...labelNames: L[]) => new Gauge({ name, help, labelNames: [...LABELS, ...labelNames], registers });
  return {
    weight: gauge("canary_weight", "Percent of new requests that the canary is meant to get."),
    served: gauge("canary_served_share", "Fraction of requests that the router was seen to send to the canary, over all services of the stack."),
    success: gauge("canary_validation_success", "1 when the latest verdict was to go on, 0 when it was to hold or to roll back."),
    evidence: gauge("canary_gate_log_evidence", "Natural logarithm of a gate's evidence.", "metric", "gate"),
    limit: gauge("canary_gate_log_evidence_limit", "Evidence at which the gate decides, as a natural logarithm.", "metric", "gate"),
    rollbacks: new Counter({ name: "canary_rollback_total", help: "Rollbacks, by the kind of reason.", labelNames: [...LABELS, "reason"], registers }),
    stage: new Histogram({ name: "canary_stage_duration_seconds", help: "Time from a stage's beginning to its verdict.", labelNames: LABELS, buckets: STAGE_BUCKETS, registers }),
    rollout: new Histogram({
      name: "canary_rollout_duration_seconds", help: "Time from a rollout's start to its outcome.", labelNames: [...LABELS, "outcome"], buckets: ROLLOUT_BUCKETS, registers,
    }),
  };
}

/**
 * Prometheus metrics of one rollout, fed by its events. Counters are there with 0 from the beginning: `increase` of a series that
 * appears with 1 is 0.
 */
export function metricsReporter({ stack, namespace, services, version }: RolloutLabels): RolloutMetrics {
  const registry = new Registry();
  const metrics = instruments(registry);
  const each: readonly Labels[] = services.map((service) => ({ stack, namespace, service, version }));
  for (const labels of each) {
    metrics.weight.set(labels, 0);
    for (const reason of REASONS) metrics.rollbacks.inc({ ...labels, reason }, 0);
    for (const outcome of OUTCOMES) metrics.rollout.zero({ ...labels, outcome });
    metrics.stage.zero(labels);
  }
  const all = (act: (labels: Labels) => void): void => each.forEach(act);
  const clock = new RolloutClock();

  const gates = (answers: readonly GateAnswer[]): void => {
    for (const { labels, metric, answer } of answers.flatMap((answer) => owners(answer, each))) {
      const own = { ...labels, metric, gate: answer.gate };
      if (isNumber(answer.logE)) metrics.evidence.set(own, answer.logE);
      if (isNumber(answer.logELimit)) metrics.limit.set(own, answer.logELimit);
    }
  };

  const ended = (outcome: Outcome, t: number | undefined): void => {
    const seconds = clock.sinceStart(t);
    all((labels) => metrics.rollout.observe({ ...labels, outcome }, seconds));
    const home = outcome === "rolled-back" || (outcome === "interrupted" && clock.reverted);
    if (home) {
      const reason = outcome === "interrupted" ? "interrupt" : clock.reason();
      all((labels) => {
        metrics.rollbacks.inc({ ...labels, reason });
        metrics.success.set(labels, 0);
      });
    }
    // A held canary keeps its traffic; of one that is gone there is no share.
    if (outcome === "held" || outcome === "failed" || (outcome === "interrupted" && !home)) return;
    all((labels) => {
      metrics.weight.set(labels, 0);
      metrics.served.remove(labels);
    });
  };

  return {
    registry,
    reporter: (event: MeteredEvent) => {
      const { weight, served, verdict, outcome } = event;
      const stageSeconds = clock.tick(event);
      if (stageSeconds !== undefined) all((labels) => metrics.stage.observe(labels, stageSeconds));
      if (weight !== undefined) all((labels) => metrics.weight.set(labels, weight));
      if (served !== undefined) all((labels) => metrics.served.set(labels, served));
      if (event.gates) gates(event.gates);
      if (verdict === "promote" || verdict === "hold" || verdict === "rollback") all((labels) => metrics.success.set(labels, verdict === "promote" ? 1 : 0));
      if (outcome !== undefined) ended(outcome, event.t);
    },
  };
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

  private now = (t: number | undefined): number => t ?? Date.now() / 1000;

  sinceStart = (t: number | undefined): number => Math.max(0, this.now(t) - (this.started ?? this.now(t)));

  /** Seconds of the stage that the event ends, if it does. */
  tick({ event, verdict, why, t }: MeteredEvent): number | undefined {
    const now = this.now(t);
    this.started ??= now;
    this.why = why ?? this.why;
    if (event === "revert") this.reverted = true;
    if (event === "verdict") this.verdict = verdict;
    if (event === "stage") this.stages++;
    const began = this.stage;
    const ends = event === "stage" || event === "verdict" || event === "revert" || event === "end";
    if (ends) this.stage = event === "stage" ? now : undefined;
    return ends && began !== undefined ? Math.max(0, now - began) : undefined;
  }

  reason(): RollbackReason {
    if (this.why !== undefined) return this.why;
    if (this.stages === 0) return "start";
    return this.verdict === "rollback" ? "verdict" : "update";
  }
}
