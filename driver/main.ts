import { CommanderError } from "commander";
import { commandLine } from "./cli/program";
import { DriverError, EXIT } from "./errors";
import { leaveExitCode } from "./step-output";

/** Shows a failure as a sentence and turns it into the exit code; a stack trace only where it was asked for, or for a bug of ours. */
function fail(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.done : EXIT.usage;
  const debug = process.argv.includes("--debug");
  if (!(error instanceof DriverError)) {
    process.stderr.write(`canary: ${debug ? (error as Error).stack : (error as Error).message}\n`);
    return EXIT.failed;
  }
  process.stderr.write(`canary: ${debug ? `${error.stack}\n${(error.cause as Error | undefined)?.stack ?? ""}` : error.message}\n`);
  return error.exitCode;
}

process.on("exit", (code) => leaveExitCode(process.env.GITHUB_OUTPUT, code));

commandLine()
  .parseAsync()
  .catch((error: unknown) => {
    process.exitCode = fail(error);
  })
  // What a library still holds open (sockets, watches) must not keep a CI job waiting.
  .finally(() => process.exit());
