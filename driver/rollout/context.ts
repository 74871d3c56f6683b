import type { StackConfig } from "../../components/config";
import type { ClusterAccess } from "../cluster/client";
import { BusyError, EXIT, UpdateCancelledError, type ExitCode } from "../errors";
import type { Ledger } from "../record/ledger";
import type { Outcome, Reporter } from "../report/events";
import type { Dependencies } from "../resilience/registry";
import type { Settings } from "../settings";
import type { StackFile } from "../stack/file";
import type { Updates } from "../stack/updates";

/** What a rollout works with. */
export interface RolloutContext {
  readonly file: StackFile;
  readonly updates: Updates;
  readonly cluster: ClusterAccess;
  readonly ledger: Ledger;
  /** The services that the driver depends on, with their health and circuits. */
  readonly dependencies: Dependencies;
  /** What flags and environment set. */
  readonly settings: Settings;
  readonly report: Reporter;
  /** Aborted by a signal, a request of somebody else or the loss of the Lease, with a StopError. */
  readonly signal: AbortSignal;
  /** Asks the person at the terminal: at once yes with `--yes`, at once undefined where nobody can answer. */
  readonly confirm: (question: string, signal: AbortSignal) => Promise<boolean | undefined>;
  /** Resolves when a person insists on the promotion by `canary promote`, whoever else is still being asked. Default: nobody does. */
  readonly insisted?: Promise<unknown>;
  /** Waits for the other stacks of the same rollout, when every stage has passed and before anybody is asked about the promotion. */
  readonly beforeAsking?: () => Promise<void>;
  /** Waits for the other stacks of the same rollout, when all traffic is on the canary and before its promotion is final. */
  readonly beforeMove?: () => Promise<void>;
}

/** How a verb ended. */
export interface Ending {
  readonly outcome?: Outcome;
  readonly exitCode: ExitCode;
  readonly message: string;
}

export const ended = (outcome: Outcome, exitCode: ExitCode, message: string): Ending => ({ outcome, exitCode, message });
export const promoted = (message: string): Ending => ended("promoted", EXIT.done, message);
export const held = (message: string): Ending => ended("held", EXIT.held, message);
export const rolledBack = (message: string): Ending => ended("rolled-back", EXIT.rolledBack, message);
export const done = (message: string): Ending => ({ exitCode: EXIT.done, message });

export type RolloutEdit = Parameters<StackFile["edit"]>[0];

export interface ApplyOptions {
  /** The change takes traffic away from the canary, or ends what has begun: it waits for no journal, and stays in the file even when it could not be recorded. */
  readonly lowers?: boolean;
  /** Cancels the update. */
  readonly signal?: AbortSignal;
  /** It may create objects in the cluster, and not only change or remove them. Default false. */
  readonly creates?: boolean;
}

/**
 * Changes the stack file and updates the stack: the only way in which a weight is ever raised. A stack that another update holds is
 * waited for.
 *
 * @throws BusyError when it stays locked; a file that asked for more traffic is then as it was. UnwrittenError when the record cannot
 *   be written; nothing was touched then
 */
export async function apply(context: RolloutContext, edit: RolloutEdit, what: string, { lowers = false, signal, creates = false }: ApplyOptions = {}): Promise<StackConfig> {
  const { file, ledger, updates, report } = context;
  const { config, keys, write, undo } = file.edit(edit);
  const told = ledger.keys(config.generation, keys);
  if (lowers) void ledger.anyway(told);
  else await told;
  write();
  report({ event: "update", weight: config.weight, message: `pulumi up: ${what} …` });
  const options = { message: what, urgent: lowers, creates, lockWaitSeconds: config.rollout.lockWaitSeconds, note: (message: string) => report({ event: "note", message }), ...(signal ? { signal } : {}) };
  try {
    await updates.run(options);
  } catch (cause) {
    if (!lowers && (cause instanceof BusyError || cause instanceof UpdateCancelledError)) {
      undo();
      // Otherwise the record would have the next command write into the file what was never deployed.
      void ledger.anyway(ledger.keys(file.read().generation, file.keys()));
    }
    throw cause;
  }
  return config;
}
