import { Command } from "commander";
import { positive } from "../../driver/cli/arguments";
import { ensureToolchain } from "../../sandbox/toolchain";
import { compare, tell } from "./compare";

const options = new Command("bench:step").description("one weight step of the driver beside a bare pulumi up")
  .option("--runs <n>", "of each", positive, 5).option("--services <n>", "in the stack", positive, 1).parse().opts<{ runs: number; services: number }>();
void ensureToolchain().then((tools) => compare(tools, options.services, options.runs)).then((compared) => process.exit(tell(compared) ? 0 : 1), (error: Error) => {
  process.stderr.write(`${error.message}\n`);
  process.exit(1);
});
