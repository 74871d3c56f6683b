import { Command, Option } from "commander";
import { upCluster } from "../../sandbox/cluster/launch";
import { runCanary } from "../../sandbox/demo/driver";
import { shopImages } from "../../sandbox/demo/images";
import { ensureToolchain } from "../../sandbox/toolchain";
import { positive } from "../../driver/cli/arguments";
import { killAt, victim, type KillRow } from "./journal";

const yes = (ok: boolean): string => (ok ? "yes" : "**no**");

/** A row of docs/faults.md. */
const rowOf = (r: KillRow): string =>
  `| ${r.n} | ${r.version} | ${r.point} | ${r.tree ? "driver and Pulumi" : "driver"} | ${r.exitCode} | ${r.failed} | ${r.served.join(", ")} | ${r.drift} | ${r.pending} | ${yes(r.safe)} |`;

/** Kills the driver at every write of its record, one rollout after the other, and prints a table; false when a row is not safe. */
async function main({ first, last, only }: Options): Promise<boolean> {
  const tools = await ensureToolchain();
  const cluster = await upCluster({ name: `faults-${process.pid}`, images: shopImages({ v1: {}, v2: {}, v3: {}, bad: { errorShare: 0.2 } }) });
  const rows: KillRow[] = [];
  try {
    const project = await victim(cluster, tools, "victim");
    for (const kind of (["good", "bad"] as const).filter((k) => only === undefined || k === only))
      for (let at = first; at <= last; at++) {
        // Each good rollout goes from the version that the one before has made stable to another.
        const status = await runCanary(project, ["status"]);
        const stable = (status.events[0] as unknown as { deployed: { stable: string } }).deployed.stable;
        const version = kind === "bad" ? "bad" : stable === "v2" ? "v3" : "v2";
        const row = await killAt({ cluster, project, version, at, tree: at % 2 === 0 });
        if (!row) break;
        rows.push(row);
        process.stdout.write(`${rowOf(row)}${row.safe ? "" : `\n    ${row.message}`}\n`);
      }
  } finally {
    await cluster.down();
  }
  const unsafe = rows.filter((r) => !r.safe).length;
  process.stdout.write(`${rows.length} kills, ${unsafe} not safe\n`);
  return unsafe === 0;
}

interface Options {
  readonly first: number;
  readonly last: number;
  readonly only?: "good" | "bad";
}

const options = new Command("faults")
  .description("kills the driver at every write of its rollout record; a table of what became of it")
  .option("--first <n>", "first write", positive, 1)
  .option("--last <n>", "last write", positive, 40)
  .addOption(new Option("--only <kind>", "rollouts of good or of bad versions").choices(["good", "bad"]))
  .parse()
  .opts<Options>();
void main(options).then((ok) => process.exit(ok ? 0 : 1), (error: Error) => {
  process.stderr.write(`${error.message}\n`);
  process.exit(1);
});
