import { type Reading, queryFailed } from "../reading";
import type { Sample, Series } from "../prometheus/answer";

/** How much one counter rose since the last reading, and the span (unix seconds) of the samples that say so. */
export interface Rise {
  labels: Readonly<Record<string, string>>;
  delta: number;
  from: number;
  to: number;
}

const keyOf = (labels: Readonly<Record<string, string>>): string =>
  JSON.stringify(Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1)));

/** The scrape target behind a series; series without `instance` (aggregated ones) count as one target. */
const targetOf = (labels: Readonly<Record<string, string>>): string => `${labels["job"] ?? ""}|${labels["instance"] ?? ""}`;

/** A counter that fell was reset: what it shows now has been counted since (as Prometheus' own functions assume). */
const step = (before: number, after: number): number => (after >= before ? after - before : after);

/**
 * Remembers the last sample of every counter series and tells by how much each rose since: reset-safe, each increment counted once however
 * often and irregularly it is read. Not `increase()`, which extrapolates, and not a difference of sums, which a restarted pod makes negative.
 */
export class CounterReader {
  private readonly last = new Map<string, Sample>();
  /** Time of the newest sample of every target. */
  private readonly targets = new Map<string, number>();

  /** True until the first call of `read`, which only sets the base. */
  get empty(): boolean {
    return this.targets.size === 0;
  }

  /** Declares targets as scraped already, from series such as `up`; a counter born on them later counts from zero. */
  know(series: readonly Series[]): void {
    for (const s of series) this.scraped(s);
  }

  private scraped({ labels, samples }: Series): void {
    const target = targetOf(labels);
    this.targets.set(target, Math.max(this.targets.get(target) ?? -Infinity, samples.at(-1)?.t ?? -Infinity));
  }

  /**
   * Rises since the previous call, group by group, one for every series with a sample newer than then. The first samples of a series are its
   * base and give no rise, unless its target was scraped before: then the series was born since, and counts from zero. All groups of one
   * poll are read in one call, so that none makes the targets of another look known.
   */
  read<Group extends string>(groups: Readonly<Record<Group, readonly Series[]>>): Record<Group, Rise[]> {
    const before = new Map(this.targets);
    const entries = (Object.keys(groups) as Group[]).map((group) => [group, groups[group].flatMap((series) => this.riseOf(series, before) ?? [])] as const);
    return Object.fromEntries(entries) as Record<Group, Rise[]>;
  }

  private riseOf(series: Series, scraped: ReadonlyMap<string, number>): Rise | undefined {
    const { labels, samples } = series;
    const newest = samples.at(-1);
    if (!newest) return undefined;
    this.scraped(series);
    const key = keyOf(labels);
    const known = this.last.get(key);
    const fresh = known ? samples.filter((s) => s.t > known.t) : samples;
    if (fresh.length === 0) return undefined;
    this.last.set(key, newest);
    const from = known?.t ?? scraped.get(targetOf(labels));
    if (from === undefined) return undefined;
    let before = known?.v ?? 0;
    let delta = 0;
    for (const s of fresh) {
      delta += step(before, s.v);
      before = s.v;
    }
    return { labels, delta, from, to: newest.t };
  }
}

/** Samples that are no counts (negative, endless, or beyond what numbers count one by one) are a failed query: no evidence may be made of them. */
export function counted(reading: Reading<Series[]>, query: string): Reading<Series[]> {
  if (reading.kind !== "value") return reading;
  const wrong = reading.value.flatMap(({ samples }) => samples).find(({ v }) => !(v >= 0 && v <= Number.MAX_SAFE_INTEGER));
  return wrong === undefined ? reading : queryFailed(`${query} has a sample of ${wrong.v}, which is no count.`);
}
