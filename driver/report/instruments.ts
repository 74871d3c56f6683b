import { Counter, Gauge, Histogram, Registry } from "prom-client";

/** Labels of everything but the rollbacks. One rollout is of one version; all services of the stack move with it. */
export const LABELS = ["stack", "namespace", "service", "version"] as const;
export type Labels = Readonly<Record<(typeof LABELS)[number], string>>;

/** The version is left out of the rollbacks: the record, from which they are continued, counts them by reason alone. */
export const ROLLBACK_LABELS = ["stack", "namespace", "service", "reason"] as const;

/** Edges in seconds: stages last from seconds in a demo to hours, rollouts up to days. */
const STAGE_BUCKETS = [10, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14_400];
const ROLLOUT_BUCKETS = [60, 300, 900, 1800, 3600, 7200, 14_400, 43_200, 86_400, 259_200];

function make(registry: Registry) {
  const registers = [registry];
  const gauge = <L extends string>(name: string, help: string, ...labelNames: L[]) => new Gauge({ name, help, labelNames: [...LABELS, ...labelNames], registers });
  return {
    weight: gauge("canary_weight", "Percent of new requests that the canary is meant to get."),
    served: gauge("canary_served_share", "Fraction of requests that the router was seen to send to the canary, over all services of the stack."),
    success: gauge("canary_validation_success", "1 when the latest verdict was to go on, 0 when it was to hold or to roll back."),
    evidence: gauge("canary_gate_log_evidence", "Natural logarithm of a gate's evidence.", "metric", "gate"),
    limit: gauge("canary_gate_log_evidence_limit", "Evidence at which the gate decides, as a natural logarithm.", "metric", "gate"),
    rollbacks: new Counter({ name: "canary_rollback_total", help: "Rollbacks so far, by the kind of reason.", labelNames: ROLLBACK_LABELS, registers }),
    stage: new Histogram({ name: "canary_stage_duration_seconds", help: "Time from a stage's beginning to its verdict.", labelNames: LABELS, buckets: STAGE_BUCKETS, registers }),
    rollout: new Histogram({
      name: "canary_rollout_duration_seconds", help: "Time from a rollout's start to its outcome.", labelNames: [...LABELS, "outcome"], buckets: ROLLOUT_BUCKETS, registers,
    }),
  };
}

export type Instruments = ReturnType<typeof make>;

const made = new WeakMap<Registry, Instruments>();

/** The instruments of a registry, made once: the stacks of one process share them, each with labels of its own. */
export function instrumentsOf(registry: Registry): Instruments {
  const found = made.get(registry) ?? make(registry);
  made.set(registry, found);
  return found;
}
