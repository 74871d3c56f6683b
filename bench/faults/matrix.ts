import { bulkhead } from "cockatiel";
import type { Cluster } from "../../sandbox/cluster/launch";
import type { Toolchain } from "../../sandbox/toolchain";
import { CANARY_CASES } from "./cases/canary";
import { CLUSTER_CASES } from "./cases/cluster";
import { endDisks, MACHINE_CASES } from "./cases/machine";
import { PEOPLE_CASES } from "./cases/people";
import { inject, type FaultCase, type FaultRow } from "./case";

export const CASES: readonly FaultCase[] = [...CANARY_CASES, ...PEOPLE_CASES, ...MACHINE_CASES, ...CLUSTER_CASES];

export interface MatrixOptions {
  /** Runs of each case. */
  readonly times: number;
  /** Cases at once, of those that disturb nobody else. */
  readonly parallel: number;
  /** A regular expression of the names of the cases that are wanted. */
  readonly match?: string;
}

const unique = <T>(values: readonly T[]): string => [...new Set(values)].join(", ");
const cell = (text: string): string => text.replaceAll("|", "\\|").replaceAll("\n", " ");

/** A row of docs/faults.md: all runs of a case. */
function rowOf(name: string, rows: readonly FaultRow[]): string {
  const homes = rows.flatMap((r) => r.home ?? []);
  const next = rows.flatMap((r) => r.next ?? []);
  return `| ${[
    name, unique(rows.map((r) => r.exitCode)), next.length > 0 ? unique(next) : "–", rows.map((r) => r.failed).join(", "), homes.length > 0 ? homes.map((h) => h.toFixed(1)).join(", ") : "–",
    unique(rows.map((r) => r.served.join("+"))), unique(rows.map((r) => r.drift)), rows.every((r) => r.safe) ? "yes" : "**no**", cell(rows.at(-1)!.message),
  ].join(" | ")} |`;
}

/** Injects every fault, and prints a table; returns how many runs were not safe. */
export async function faultMatrix(cluster: Cluster, tools: Toolchain, { times, parallel, match = "" }: MatrixOptions): Promise<number> {
  const cases = CASES.filter(({ name }) => new RegExp(match, "i").test(name));
  const rows = new Map<FaultCase, FaultRow[]>(cases.map((test) => [test, []]));
  let unsafe = 0;
  const once = async (test: FaultCase, run: number): Promise<void> => {
    const row = await inject(test, cluster, tools, `fault${CASES.indexOf(test)}-${run}`);
    rows.get(test)!.push(row);
    if (!row.safe) unsafe++;
    process.stdout.write(`${row.safe ? "safe    " : "NOT SAFE"} ${test.name}: exit ${row.exitCode}${row.next === undefined ? "" : `, then ${row.next}`}; ${row.failed} failed; ${row.message}${row.unsafe.map((what) => `\n         ${what}`).join("")}\n`);
  };
  try {
    const policy = bulkhead(parallel, Infinity);
    for (let run = 1; run <= times; run++) {
      await Promise.all(cases.filter((c) => !c.alone).map((test) => policy.execute(() => once(test, run))));
      for (const test of cases.filter((c) => c.alone)) await once(test, run);
    }
  } finally {
    endDisks();
  }
  process.stdout.write(`\n| fault | exit | next command | failed requests | home after s | served | drift | safe | what it says |\n|---|---|---|---|---|---|---|---|---|\n${cases.map((test) => rowOf(test.name, rows.get(test)!)).join("\n")}\n`);
  return unsafe;
}
