import { Command } from "commander";
import { SandboxError } from "../errors";
import { runDemo, type DemoOptions } from "./demo";

new Command("demo")
  .description("A good release is promoted and a bad one reverted, on a real engine, API server, ingress and Prometheus, under 200 requests a second.")
  .option("--json", "print the summary as one JSON object on the last line")
  .option("--keep", "leave the cluster up and print how to use it")
  .action(async (options: DemoOptions) => {
    process.exitCode = await runDemo(options);
  })
  .parseAsync()
  .catch((error: Error) => {
    process.stderr.write(`${error instanceof SandboxError ? error.message : error.stack}\n`);
    process.exitCode = 1;
  })
  .finally(() => process.exit());
