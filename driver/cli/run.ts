import { CommanderError } from "commander";
import { AnalysisError } from "../../analysis/errors";
import { ConfigError } from "../../components/config/problems";
import { clauseOf } from "../cluster/answers";
import { DriverError, EXIT, type ExitCode } from "../errors";
import { reasonOf } from "../text-file";
import { commandLine } from "./program";
import { printable } from "./printable";

interface Failure {
  readonly message: string;
  readonly exitCode: ExitCode;
}

/** A failure as a sentence. What is no DriverError was thrown by a library that a verb called, or is a bug of ours, which it then says. */
export function explain(error: unknown): Failure {
  if (error instanceof DriverError) return error;
  if (error instanceof ConfigError) return { message: error.message, exitCode: EXIT.usage };
  if (error instanceof AnalysisError) return { message: error.message, exitCode: EXIT.failed };
  const { code, path, message, name, syscall } = (error ?? {}) as NodeJS.ErrnoException & { code?: unknown };
  if (syscall === "uv_cwd") return { message: "The folder that this was started in is gone: change to one that is there.", exitCode: EXIT.usage };
  if (typeof code === "number") return { message: `The API server refused: ${clauseOf(error).replace(/\.$/, "")}.`, exitCode: EXIT.failed };
  if (typeof code === "string" && typeof path === "string") return { message: `${path} cannot be used (${reasonOf(error)}): mend that and try again.`, exitCode: EXIT.failed };
  const what = `${name ?? "something thrown"}: ${String(message ?? error).split("\n")[0]}`;
  return { message: `this is a fault of canary itself (${what}): look with \`canary status\` at what was done, and report what --debug shows.`, exitCode: EXIT.failed };
}

const stackOf = (error: unknown): string => (error instanceof Error ? (error.stack ?? error.message) : String(error));

/** A failure and what caused it, with their stack traces. */
function traces(error: unknown): string {
  const all: string[] = [];
  for (let one = error; one !== undefined && one !== null && all.length < 5; one = (one as { cause?: unknown }).cause) all.push(stackOf(one));
  return all.join("\ncaused by ");
}

/**
 * Runs one command line as the process would: says a failure in a sentence on standard error, and leaves the exit code in
 * `process.exitCode`. Never rejects. A stack trace is shown only where `--debug` asks for it.
 */
export async function run(args: readonly string[]): Promise<void> {
  try {
    await commandLine(args).parseAsync(args, { from: "user" });
  } catch (error) {
    process.exitCode = fail(error, args.includes("--debug"));
  }
}

/** Says a failure; returns the exit code. */
export function fail(error: unknown, debug: boolean): ExitCode {
  // Commander has said it itself.
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.done : EXIT.usage;
  const { message, exitCode } = explain(error);
  process.stderr.write(`canary: ${debug ? traces(error) : printable(message)}\n`);
  return exitCode;
}
