import type { StackConfig, VersionValue } from "../../components/config";
import { BusyError, EXIT, InterruptedError, type ExitCode } from "../errors";
import type { Outcome, Reporter } from "../report/events";
import type { StackEngine } from "../stack/engine";
import type { StackFile } from "../stack/file";

/** What a rollout works with. */
export interface RolloutContext {
  readonly file: StackFile;
  readonly engine: StackEngine;
  readonly report: Reporter;
  /** Aborted by the first SIGINT or SIGTERM, with an InterruptedError. */
  readonly signal: AbortSignal;
  /** Asked before a promotion on a terminal; absent where nobody can answer. */
  readonly confirm?: (question: string) => Promise<boolean>;
}

/** How a verb ended. */
export interface Ending {
  readonly outcome: Outcome;
  readonly exitCode: ExitCode;
  readonly message: string;
}

export const ended = (outcome: Outcome, exitCode: ExitCode, message: string): Ending => ({ outcome, exitCode, message });
export const promoted = (message: string): Ending => ended("promoted", EXIT.done, message);
export const held = (message: string): Ending => ended("held", EXIT.held, message);
export const rolledBack = (message: string): Ending => ended("rolled-back", EXIT.rolledBack, message);

export interface Versions {
  readonly stable: VersionValue;
  readonly canary: VersionValue;
}

/**
 * Changes the stack file and updates the stack: the only way in which a weight is ever raised.
 *
 * @throws BusyError when another update holds the stack; the file is then as it was
 */
export async function apply(context: RolloutContext, edit: Parameters<StackFile["edit"]>[0], what: string): Promise<StackConfig> {
  const { config, undo } = context.file.edit(edit);
  context.report({ event: "update", weight: config.weight, message: `pulumi up: ${what} …` });
  try {
    await context.engine.up(what);
  } catch (cause) {
    if (cause instanceof BusyError) undo();
    throw cause;
  }
  return config;
}

/** @throws InterruptedError when the driver was asked to stop. */
export function throwIfInterrupted(signal: AbortSignal): void {
  if (signal.aborted) throw signal.reason instanceof InterruptedError ? signal.reason : new InterruptedError("SIGINT");
}
