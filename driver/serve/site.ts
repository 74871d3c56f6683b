import { collectDefaultMetrics, Registry } from "prom-client";
import type { DependencyHealth } from "../resilience/registry";
import { Drawing } from "./drawing";
import type { Exhibit } from "./exhibit";

/** What one server shows: the stacks of its process, with the metrics of all of them and of the process itself. */
export class Site {
  readonly registry = new Registry();
  readonly drawing = new Drawing();
  private readonly shown = new Map<string, Exhibit>();

  constructor() {
    collectDefaultMetrics({ register: this.registry });
  }

  show(exhibit: Exhibit): void {
    this.shown.set(exhibit.stack, exhibit);
  }

  /** In the order in which they came. */
  get stacks(): readonly Exhibit[] {
    return [...this.shown.values()];
  }

  find(stack: string): Exhibit | undefined {
    return this.shown.get(stack);
  }

  /** The only stack; undefined where there are none or several. */
  get only(): Exhibit | undefined {
    return this.shown.size === 1 ? this.stacks[0] : undefined;
  }

  /** Why the process cannot do its work, a sentence for each stack that is concerned. */
  trouble(): string | undefined {
    const troubles = [...new Set(this.stacks.flatMap((exhibit) => exhibit.trouble() ?? []))];
    return troubles.length > 0 ? troubles.join("\n") : undefined;
  }
}

/** What `/status/failover` says of a stack. */
export interface Failover {
  readonly event: "failover";
  /** ISO 8601. */
  readonly at: string;
  readonly stack: string;
  /** Every service was well when it was last asked. */
  readonly healthy: boolean;
  readonly dependencies: readonly DependencyHealth[];
}

export function failoverOf(exhibit: Exhibit): Failover {
  const dependencies = exhibit.dependencies();
  return { event: "failover", at: new Date().toISOString(), stack: exhibit.stack, healthy: dependencies.every(({ healthy }) => healthy), dependencies };
}
