import type { StackConfig } from "../../components/config";
import { duration, percent } from "../../analysis/units";
import type { TrafficSample } from "../report/events";
import { joinTraffic, quantilesOf, type TrafficPoint } from "../report/story-curve";
import type { Figures } from "../report/events";
import type { ComparisonView } from "../report/story-view";
import { gateView, quantity } from "../view/gates";
import type { Notice } from "./notice";

type Arms = Readonly<Record<"stable" | "canary", TrafficPoint>>;

/** What both tracks of every service have served since the stage began, while there was a canary to compare. */
export class Comparison {
  private now = new Map<string, Arms>();
  private before: ReadonlyMap<string, Arms> = new Map();

  /** Another stage begins; until its canary serves, the one before is what is known. */
  beginStage(): void {
    if (this.now.size > 0) this.before = this.now;
    this.now = new Map();
  }

  add(samples: readonly TrafficSample[]): void {
    for (const canary of samples.filter(({ track, requests }) => track === "canary" && requests > 0)) {
      const stable = samples.find(({ service, track }) => service === canary.service && track === "stable");
      if (!stable) continue;
      const [a, b] = [pointOf(stable), pointOf(canary)];
      const there = this.now.get(canary.service);
      this.now.set(canary.service, there ? { stable: joinTraffic(there.stable, a), canary: joinTraffic(there.canary, b) } : { stable: a, canary: b });
    }
  }

  figures(): readonly ComparisonView[] {
    return [...(this.now.size > 0 ? this.now : this.before)].map(([service, { stable, canary }]) => ({ service, stable: figuresOf(stable), canary: figuresOf(canary) }));
  }
}

const pointOf = ({ seconds, requests, errors, latency }: TrafficSample): TrafficPoint => ({ t: 0, seconds, requests, errors, ...(latency ? { latency } : {}) });
const figuresOf = ({ seconds, requests, errors, latency }: TrafficPoint): Figures => ({ requests, errors, seconds, ...quantilesOf(latency) });

const FIGURES: readonly (readonly [string, (figures: Figures) => string | undefined])[] = [
  ["requests", ({ requests }) => String(Math.round(requests))],
  ["errors", ({ requests, errors }) => (requests > 0 ? percent(errors / requests) : undefined)],
  ...(["p50", "p95", "p99"] as const).map((q) => [q.toUpperCase(), (figures: Figures) => (figures[q] === undefined ? undefined : duration(figures[q]))] as const),
];

/**
 * A table for a person, its heads first: both versions side by side, then what each gate found in the canary, and its limit. Nothing but
 * the heads where nothing is known.
 */
export function comparison({ traffic, gates, version = "canary", from = "stable" }: Pick<Notice, "traffic" | "gates" | "version" | "from">, config: Pick<StackConfig, "analysis">): string[][] {
  const several = traffic.length > 1;
  const measured = traffic.flatMap(({ service, stable, canary }) => FIGURES.flatMap(([name, show]) => {
    const [a, b] = [show(stable), show(canary)];
    return a === undefined && b === undefined ? [] : [[several ? `${service}/${name}` : name, a ?? "", b ?? "", "", ""]];
  }));
  const judged = gates.map((gate) => {
    const { metric, gate: rule, answer, value, limit, unit } = gateView(gate, config);
    return [`${metric} (${rule})`, "", quantity(value, unit), quantity(limit, unit), answer];
  });
  return [["", from, version, "limit", "gate"], ...measured, ...judged];
}
