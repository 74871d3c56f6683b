import type { Cluster } from "../../sandbox/cluster/launch";
import { runCanary } from "../../sandbox/demo/driver";
import type { Toolchain } from "../../sandbox/toolchain";
import { killAt, victim, type KillRow } from "./journal";

const yes = (ok: boolean): string => (ok ? "yes" : "**no**");

/** A row of docs/faults.md. */
const rowOf = (r: KillRow): string =>
  `| ${r.n} | ${r.version} | ${r.point} | ${r.tree ? "driver and Pulumi" : "driver"} | ${r.exitCode} | ${r.failed} | ${r.served.join(", ")} | ${r.drift} | ${r.pending} | ${yes(r.safe)} |`;

/** More writes than any rollout has. */
const LAST = 60;

/** Kills the driver at every write of its record, one rollout after the other, and prints a table; returns how many rows are not safe. */
export async function killEverywhere(cluster: Cluster, tools: Toolchain): Promise<number> {
  const rows: KillRow[] = [];
  const project = await victim(cluster, tools, "victim");
  for (const kind of ["good", "bad"])
    for (let at = 1; at <= LAST; at++) {
      // Each good rollout goes from the version that the one before has made stable to another.
      const status = await runCanary(project, ["status"]);
      const stable = (status.events[0] as unknown as { deployed: { stable: string } }).deployed.stable;
      const version = kind === "bad" ? "bad" : stable === "v2" ? "v3" : "v2";
      const row = await killAt({ cluster, project, version, at, tree: at % 2 === 0 });
      if (!row) break;
      rows.push(row);
      process.stdout.write(`${rowOf(row)}${row.safe ? "" : `\n    ${row.message}`}\n`);
    }
  const unsafe = rows.filter((r) => !r.safe).length;
  process.stdout.write(`${rows.length} kills, ${unsafe} not safe\n`);
  return unsafe;
}
