import { EXIT } from "./errors";
import { fail, run } from "./cli/run";
import { leaveExitCode } from "./step-output";

// A reader that goes away (`canary status | head -1`) is no fault, and nothing to stop a rollout for.
for (const stream of [process.stdout, process.stderr]) stream.on("error", () => undefined);
// What nobody waits for may fail too: the state that things are in is not known then.
for (const event of ["uncaughtException", "unhandledRejection"] as const)
  process.on(event, (error: unknown) => {
    // While an update runs, Pulumi listens too, and makes a failed update of it.
    if (process.listenerCount(event) > 1) return;
    fail(error, process.argv.includes("--debug"));
    process.exit(EXIT.failed);
  });

// Pulumi keeps a stack trace for each promise of each resource, a third of the time that the program takes; nobody is shown one without --debug.
if (!process.argv.includes("--debug")) Error.stackTraceLimit = 0;

process.on("exit", (code) => leaveExitCode(process.env.GITHUB_OUTPUT, code));

run(process.argv.slice(2))
  // What a library still holds open (sockets, watches) must not keep a CI job waiting.
  .finally(() => process.exit());
