import { failedOf, totalOf, type Counts } from "./load";

export interface RolloutSummary {
  readonly version: string;
  readonly outcome: string;
  /** From the command to its exit. */
  readonly seconds: number;
  /** Requests during the rollout, by version and status. */
  readonly requests: Counts;
  readonly failed: number;
  /** From the first failed request of the version to the last request it ever got, in seconds; null when it was promoted. */
  readonly faultToLastRequest: number | null;
}

/** Requests between two states of the counters. */
export function difference(after: Counts, before: Counts): Counts {
  const versions = Object.entries(after).map(([version, byStatus]): [string, Record<string, number>] => [
    version,
    Object.fromEntries(Object.entries(byStatus).map(([status, n]): [string, number] => [status, n - (before[version]?.[status] ?? 0)]).filter(([, n]) => n > 0)),
  ]);
  return Object.fromEntries(versions.filter(([, byStatus]) => totalOf(byStatus) > 0));
}

const row = (cells: readonly string[], widths: readonly number[]): string => `  ${cells.map((c, i) => c.padEnd(widths[i]!)).join("  ")}`.trimEnd();

/** The summary as a table for a person. */
export function summaryLines(rollouts: readonly RolloutSummary[]): string[] {
  const header = ["version", "outcome", "took", "fault → last canary request", "requests (failed) per version"];
  const rows = rollouts.map((r) => [
    r.version,
    r.outcome,
    `${r.seconds.toFixed(1)} s`,
    r.faultToLastRequest === null ? "–" : `${r.faultToLastRequest.toFixed(1)} s`,
    Object.entries(r.requests).map(([version, byStatus]) => `${version} ${totalOf(byStatus)} (${failedOf(byStatus)})`).join(", "),
  ]);
  const widths = header.map((h, i) => Math.max(h.length, ...rows.map((r) => r[i]!.length)));
  return [row(header, widths), ...rows.map((r) => row(r, widths))];
}
