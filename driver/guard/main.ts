import { DriverError, EXIT } from "../errors";
import { readSettings } from "./settings";
import { startGuard } from "./start";

const stopping = new AbortController();
for (const name of ["SIGINT", "SIGTERM"] as const) process.on(name, () => stopping.abort());

async function main(): Promise<void> {
  await startGuard(readSettings(process.env.CANARY_GUARD_SETTINGS ?? "/etc/canary-guard/settings.json"), stopping.signal);
}

main()
  .catch((error: Error) => {
    process.stderr.write(`canary guard: ${error instanceof DriverError ? error.message : error.stack}\n`);
    process.exitCode = error instanceof DriverError ? error.exitCode : EXIT.failed;
  })
  .finally(() => process.exit());
