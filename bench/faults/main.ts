import { Command, Option } from "commander";
import { positive } from "../../driver/cli/arguments";
import { upCluster } from "../../sandbox/cluster/launch";
import { shopImages } from "../../sandbox/demo/images";
import { ensureToolchain } from "../../sandbox/toolchain";
import { BAD_VERSIONS } from "./cases/canary";
import { killEverywhere } from "./kills";
import { faultMatrix, type MatrixOptions } from "./matrix";

type Options = MatrixOptions & { readonly only?: "kills" | "matrix" };

async function main({ only, ...options }: Options): Promise<boolean> {
  const tools = await ensureToolchain();
  const cluster = await upCluster({ name: `faults-${process.pid}`, images: shopImages({ v1: {}, v2: {}, v3: {}, ...BAD_VERSIONS }) });
  try {
    const kills = only === "matrix" || options.match ? 0 : await killEverywhere(cluster, tools);
    return kills + (only === "kills" ? 0 : await faultMatrix(cluster, tools, options)) === 0;
  } finally {
    await cluster.down();
  }
}

const options = new Command("faults")
  .description("kills the driver at every write of its rollout record, and injects every other fault; tables of what became of it")
  .option("--times <n>", "runs of each fault", positive, 3)
  .option("--parallel <n>", "faults at once, of those that disturb nobody else", positive, 2)
  .option("--match <regex>", "only faults whose name matches")
  .addOption(new Option("--only <what>", "one of the two tables").choices(["kills", "matrix"]))
  .parse()
  .opts<Options>();
void main(options).then((ok) => process.exit(ok ? 0 : 1), (error: Error) => {
  process.stderr.write(`${error.message}\n`);
  process.exit(1);
});
