import { setTimeout as sleep } from "node:timers/promises";
import type { StackConfig } from "../../components/config";
import type { ClusterAccess } from "../cluster/client";
import { BusyError, EXIT, UpdateFailedError, type ExitCode } from "../errors";
import type { Outcome, Reporter } from "../report/events";
import type { StackEngine } from "../stack/engine";
import type { StackFile } from "../stack/file";

/** What a rollout works with. */
export interface RolloutContext {
  readonly file: StackFile;
  readonly engine: StackEngine;
  readonly cluster: ClusterAccess;
  readonly report: Reporter;
  /** Aborted by the first SIGINT, SIGTERM or SIGHUP, with an InterruptedError. */
  readonly signal: AbortSignal;
  /** Asked before a promotion: at once yes with `--yes`, at once no where nobody can answer. */
  readonly confirm: (question: string, signal: AbortSignal) => Promise<boolean>;
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

/** How a held canary goes on; nobody watches it once the driver has ended. */
export const HOW_TO_GO_ON = "Nobody watches it now: go on with `canary promote` or `canary rollback`.";

/** How long a lock of another update is waited for, and how often it is tried, in ms. */
const LOCK_WAIT = 60_000;
const LOCK_RETRY = 2_000;

export type RolloutEdit = Parameters<StackFile["edit"]>[0];

async function update({ engine, report, signal }: RolloutContext, what: string, lowers: boolean): Promise<void> {
  let retried = false;
  for (const deadline = Date.now() + LOCK_WAIT; ; ) {
    try {
      return void (await engine.up(what));
    } catch (cause) {
      // Ctrl-C reaches Pulumi's process too; what sends traffic home must not end with it.
      if (cause instanceof UpdateFailedError && lowers && signal.aborted && !retried) retried = true;
      else if (cause instanceof BusyError && Date.now() < deadline) {
        report({ event: "note", message: cause.message });
        await sleep(LOCK_RETRY);
      } else throw cause;
    }
  }
}

export interface ApplyOptions {
  /** The change takes traffic away from the canary: it stays in the file even when it could not be recorded. */
  readonly lowers?: boolean;
}

/**
 * Changes the stack file and updates the stack: the only way in which a weight is ever raised. A stack that another update holds is
 * waited for.
 *
 * @throws BusyError when it stays locked; a file that asked for more traffic is then as it was
 */
export async function apply(context: RolloutContext, edit: RolloutEdit, what: string, { lowers = false }: ApplyOptions = {}): Promise<StackConfig> {
  const { config, undo } = context.file.edit(edit);
  context.report({ event: "update", weight: config.weight, message: `pulumi up: ${what} …` });
  try {
    await update(context, what, lowers);
  } catch (cause) {
    if (cause instanceof BusyError && !lowers) undo();
    throw cause;
  }
  return config;
}
