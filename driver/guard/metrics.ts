import { Counter, Gauge, Registry } from "prom-client";
import type { HistoryEntry, RecordedRollout, RollbackReason } from "../../components/record/format";
import type { Book } from "../record/store";

/** All of them have a series from the start: an increase from nothing to one is none that Prometheus could see. */
const REASONS: Readonly<Record<RollbackReason, 0>> = { verdict: 0, split: 0, start: 0, update: 0, interrupt: 0, manual: 0, guard: 0, blind: 0, fleet: 0, approval: 0 };

const FAILED: readonly HistoryEntry["outcome"][] = ["rolled-back", "failed"];

/** What the record says of one moment. */
export interface Figures {
  readonly version: string;
  /** Percent that is set; 0 where the traffic was sent home. */
  readonly weight: number;
  /** Fraction of requests; absent when none was looked at. */
  readonly served?: number;
  readonly success: boolean;
  readonly rollbacks: Readonly<Record<string, number>>;
}

const failing = ({ phase, sentHome, seen }: RecordedRollout): boolean =>
  sentHome !== undefined || phase === "reverting" || (seen?.gates.some(({ answer }) => answer === "fail") ?? false);

/** The figures of a book: of the rollout that is under way, or of the last one. */
export function figuresOf({ record, history, rollbacks }: Book): Figures {
  const rollout = record?.rollout;
  const last = history.filter(({ kind }) => kind === "rollout" || kind === "experiment").at(-1);
  return {
    version: rollout?.version ?? last?.version ?? "",
    weight: !rollout || rollout.sentHome ? 0 : rollout.weight,
    ...(rollout?.seen?.served === undefined || rollout.sentHome ? {} : { served: rollout.seen.served }),
    success: rollout ? !failing(rollout) : !last || !FAILED.includes(last.outcome),
    rollbacks: { ...REASONS, ...rollbacks },
  };
}

export interface GuardMetrics {
  readonly registry: Registry;
  /** Shows what was read; undefined when the cluster could not be asked: the figures then stay, and say how old they are. */
  show(book: Book | undefined): void;
}

/** The metrics that must outlive a CI job, by the record. Services move together: each has the same figures. */
export function guardMetrics(stack: string, namespace: string, services: readonly string[]): GuardMetrics {
  const registry = new Registry();
  const registers = [registry];
  const common = ["stack", "namespace"] as const;
  const gauge = (name: string, help: string) => new Gauge({ name, help, labelNames: [...common, "service", "version"], registers });
  const weight = gauge("canary_weight", "Percent of new requests that is set for the canary.");
  const served = gauge("canary_served_share", "Fraction of requests that the router was seen to send to the canary.");
  const success = gauge("canary_validation_success", "0 when the last rollout, or the one under way, failed its validation.");
  const rollbacks = new Counter({ name: "canary_rollback_total", help: "Rollbacks so far, by kind of reason.", labelNames: [...common, "service", "reason"], registers });
  const blind = new Gauge({
    name: "canary_guard_blind", help: "1 while the guard cannot read the rollout's record, or cannot do what follows from it.", labelNames: common, registers,
  });
  return {
    registry,
    show(book) {
      blind.set({ stack, namespace }, book ? 0 : 1);
      if (!book) return;
      const figures = figuresOf(book);
      // The version before would otherwise stay beside the new one.
      [weight, served, success, rollbacks].forEach((metric) => metric.reset());
      for (const service of services) {
        const labels = { stack, namespace, service, version: figures.version };
        weight.set(labels, figures.weight);
        success.set(labels, figures.success ? 1 : 0);
        if (figures.served !== undefined) served.set(labels, figures.served);
        for (const [reason, count] of Object.entries(figures.rollbacks)) rollbacks.inc({ stack, namespace, service, reason }, count);
      }
    },
  };
}
