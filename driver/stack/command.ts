import { spawn } from "node:child_process";
import * as path from "node:path";
import type * as Automation from "@pulumi/pulumi/automation";

/** Follows the update commands of this process, e.g. to tell later that one of them died. */
export interface UpdateTrace {
  /** The command line that leaves a mark of the process before it becomes the update. */
  marking(command: string, args: readonly string[]): { readonly command: string; readonly args: readonly string[] };
  ended(pid: number): void;
}

interface CommandResult {
  readonly stdout: string;
  readonly stderr: string;
  readonly code: number;
}

/** What the Automation API has and hides the types of: its result class, and its translation of a failed command into its error classes. */
interface Internals {
  readonly CommandResult: new (stdout: string, stderr: string, code: number, error?: Error) => CommandResult;
  createCommandError(result: CommandResult): Error;
}

const internals = (): Internals => ({ ...(require("@pulumi/pulumi/automation/cmd") as Internals), ...(require("@pulumi/pulumi/automation/errors") as Internals) });

type Run = (args: string[], cwd: string, env: Record<string, string>, onOutput?: (text: string) => void, onError?: (text: string) => void, signal?: AbortSignal) => Promise<CommandResult>;

/** The command, with its method that the Automation API does not declare. */
export type SessionCommand = Automation.PulumiCommand & { readonly run: Run };

/** Milliseconds that a cancelled update has to end by itself before it is asked once more, which makes the engine stop at once. */
const CANCEL_PATIENCE = 10_000;

/**
 * Runs the Pulumi CLI in sessions of its own: Ctrl-C at a terminal reaches every process of the terminal's group, and what records a
 * revert must not end with it. An abort signal cancels the command as Ctrl-C would.
 */
export async function sessionCommand(automation: typeof Automation, trace: UpdateTrace): Promise<SessionCommand> {
  const { CommandResult, createCommandError } = internals();
  const command = await automation.PulumiCommand.get();
  const run: Run = (args, cwd, env, onOutput, onError, signal) =>
    new Promise((resolve, reject) => {
      const all = args.includes("--non-interactive") ? args : [...args, "--non-interactive"];
      const bin = path.isAbsolute(command.command) ? { PATH: `${path.dirname(command.command)}${path.delimiter}${env.PATH ?? process.env.PATH}` } : {};
      const updates = args[0] === "up" || args[0] === "refresh";
      const started = updates ? trace.marking(command.command, all) : { command: command.command, args: all };
      const child = spawn(started.command, started.args, { cwd, detached: true, stdio: ["ignore", "pipe", "pipe"], env: { ...process.env, ...env, ...bin, PULUMI_AUTOMATION_API: "true" } });
      let [stdout, stderr] = ["", ""];
      child.stdout.setEncoding("utf8").on("data", (text: string) => (stdout += text, onOutput?.(text)));
      child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text, onError?.(text)));
      let impatient: NodeJS.Timeout | undefined;
      const cancel = (): void => {
        child.kill("SIGINT");
        impatient = setTimeout(() => child.kill("SIGINT"), CANCEL_PATIENCE);
      };
      if (signal?.aborted) cancel();
      signal?.addEventListener("abort", cancel);
      child.on("error", (error) => reject(createCommandError(new CommandResult("", error.message, -2, error)))).on("close", (code) => {
        clearTimeout(impatient);
        signal?.removeEventListener("abort", cancel);
        if (updates && child.pid !== undefined) trace.ended(child.pid);
        const result = new CommandResult(stdout, stderr, code ?? -2);
        if (code === 0) resolve(result);
        else reject(createCommandError(result));
      });
    });
  return Object.assign(command, { run });
}
