import * as fs from "node:fs";
import * as path from "node:path";
import type * as Automation from "@pulumi/pulumi/automation";
import { BusyError, DeadLockError, DriverError, UpdateCancelledError, UpdateFailedError, UsageError } from "../errors";
import { backendUrl, refuseFullDisk } from "./backend";
import { sessionCommand, type SessionCommand } from "./command";
import { explainUpdate } from "./diagnostics";
import { locksIn, removeDeadLocks, updateTrace } from "./locks";
import { projectOf, type Project } from "./project";
import { cliProblem, withRemedy } from "./remedies";

/** What the program returned, by name. */
export type Outputs = Readonly<Record<string, unknown>>;

export interface UpOptions {
  /** Cancels the update as Ctrl-C would; it is gone when `up` rejects. */
  readonly signal?: AbortSignal;
  /**
   * It may create objects. Pulumi then writes the whole state twice for every object that changes, so that an object which was created is never
   * forgotten; otherwise once, at the end, and an update that was killed is followed by a refresh. Default false.
   */
  readonly creates?: boolean;
}

/** What a state may not know; see {@link StackEngine.repair}. */
export type Stale = "unfinished" | "traffic" | "all";

const DEPLOYMENTS = "**kubernetes:apps/v1:Deployment::**";

/** The verbs of the stack that the driver needs; the rollout knows no more of Pulumi. */
export interface StackEngine {
  /**
   * @throws UpdateFailedError with the engine's diagnostics, UpdateCancelledError after its signal, BusyError when the stack is locked,
   *   DeadLockError when the lock was a dead update's of ours and is gone now: try again
   */
  up(message: string, options?: UpOptions): Promise<void>;
  outputs(): Promise<Outputs>;
  /** Number of the latest update in the stack's history: each adds one, whoever runs it. */
  version(): Promise<number>;
  /**
   * Clears what an update that died left pending in the state; the next `up` finds the objects by name. Returns what was pending.
   *
   * @param stale what the state may tell that is no longer so, and is read anew also where nothing is pending: `all` objects, or those of the
   *   `traffic`, which is all but the Deployments: after those were read with a pod that is not ready, the next update waits for it; with `unfinished` nothing.
   *   Where something is pending, all are read
   */
  repair(stale: Stale): Promise<readonly string[]>;
}

/** Pulumi's variable for it (issue 10668 of pulumi/pulumi). Long ago it was minded with PULUMI_EXPERIMENTAL only: such a CLI writes the state each time. */
const SKIP_CHECKPOINTS = "PULUMI_SKIP_CHECKPOINTS";

const PACKAGE_ROOT = path.resolve(__dirname, "../../..");

/**
 * The program when the project's `main` is this package's own, as source or compiled (the image has only the latter): it then runs compiled
 * and in this process, which saves a language host per update.
 */
export function inlineProgram(projectDir: string, main: string): Automation.PulumiFn | undefined {
  const named = path.resolve(projectDir, main);
  if (!fs.existsSync(named)) throw new UsageError(`Pulumi.yaml in ${projectDir} names the program ${JSON.stringify(main)}, which is not there: mend its key main.`);
  const file = fs.realpathSync(named);
  const compiled = path.join(PACKAGE_ROOT, "dist", "index.js");
  if (file !== path.join(PACKAGE_ROOT, "index.ts") && file !== compiled) return undefined;
  return require(compiled) as Automation.PulumiFn;
}

export { projectOf } from "./project";

/** Loaded late: it costs a second that `--help` and a usage error need not pay. */
const automation = (): typeof Automation => require("@pulumi/pulumi/automation") as typeof Automation;

async function opened(projectDir: string, { name: projectName, main }: Project, stackName: string, pulumiCommand: Automation.PulumiCommand, create: boolean): Promise<Automation.Stack> {
  const { LocalWorkspace } = automation();
  const program = main && inlineProgram(projectDir, main);
  const options = { workDir: projectDir, pulumiCommand };
  if (program) {
    const args = { stackName, projectName, program };
    return create ? LocalWorkspace.createStack(args, options) : LocalWorkspace.selectStack(args, options);
  }
  const args = { stackName, workDir: projectDir };
  return create ? LocalWorkspace.createStack(args, options) : LocalWorkspace.selectStack(args, options);
}

/** What drivers leave in a project's folder: traces of updates, and a copy of each rollout's journal. */
export const localFolder = (projectDir: string, stackName: string): string => path.join(projectDir, ".canary", stackName.replaceAll("/", "_"));

const traceFolderOf = (projectDir: string, stackName: string): string => path.join(localFolder(projectDir, stackName), "updates");

/** @throws UsageError when there is no such stack, DriverError with Pulumi's words otherwise. */
export async function openStack(projectDir: string, stackName: string, create = false): Promise<StackEngine> {
  const { StackNotFoundError, StackAlreadyExistsError, CommandError } = automation();
  try {
    const command = await sessionCommand(automation(), updateTrace(traceFolderOf(projectDir, stackName)));
    const project = projectOf(projectDir);
    return new PulumiStack(await opened(projectDir, project, stackName, command, create), command, traceFolderOf(projectDir, stackName), project);
  } catch (cause) {
    if (cause instanceof StackNotFoundError) throw new UsageError(`There is no stack "${stackName}": create it with \`canary init --stack ${stackName}\`, or choose another --stack.`, { cause });
    if (cause instanceof StackAlreadyExistsError) throw new UsageError(`The stack "${stackName}" exists already: go on with \`canary deploy VERSION\`.`, { cause });
    const cli = cliProblem((cause as Error).message);
    if (cli !== undefined) throw new DriverError(cli, undefined, { cause });
    if (cause instanceof CommandError) throw new DriverError(`Pulumi cannot open the stack "${stackName}": ${withRemedy(explainUpdate([], cause.message))}`, undefined, { cause });
    throw cause;
  }
}

/** The same object, but for some of its properties. */
const butFor = <T extends object>(object: T, changes: object): T => Object.assign(Object.create(object) as T, changes);

class PulumiStack implements StackEngine {
  /** After each update `Stack.up` runs the CLI three times more, for what is asked for here when it is needed: that took longer than the update. */
  private readonly bare: Automation.Stack;
  /** Keeps the state at the end of an update only; what the user has set in the environment stands. */
  private readonly sparing: Automation.Stack;

  constructor(private readonly stack: Automation.Stack, private readonly command: SessionCommand, private readonly traceFolder: string, private readonly project: Project) {
    const { workspace } = stack;
    this.bare = butFor(stack, { outputs: async () => ({}), info: async () => undefined });
    this.sparing = butFor(this.bare, { workspace: butFor(workspace, { envVars: { ...workspace.envVars, [SKIP_CHECKPOINTS]: process.env[SKIP_CHECKPOINTS] ?? "true" } }) });
  }

  async up(message: string, { signal, creates = false }: UpOptions = {}): Promise<void> {
    const events: Automation.EngineEvent[] = [];
    refuseFullDisk(this.project, this.stack.name);
    try {
      await (creates ? this.bare : this.sparing).up({ message, onEvent: (e) => events.push(e), color: "never", suppressProgress: true, ...(signal ? { signal } : {}) });
    } catch (cause) {
      const text = (cause as Error).message;
      if (cause instanceof automation().ConcurrentUpdateError) throw this.locked(text, cause);
      if (signal?.aborted) throw new UpdateCancelledError(`pulumi up (${message}) was cancelled.`, undefined, { cause });
      throw new UpdateFailedError(`pulumi up (${message}) failed: ${withRemedy(explainUpdate(events, text))}`, undefined, { cause });
    }
  }

  private locked(text: string, cause: Error): Error {
    const locks = locksIn(text);
    const dead = removeDeadLocks(this.traceFolder, locks, backendUrl(this.project));
    if (dead.length > 0 && dead.length === locks.length) return new DeadLockError(`The lock of ${dead.join(", ")} is removed: that update was started here and its process is gone.`, undefined, { cause });
    const owners = locks.length > 0 ? locks.map((l) => l.owner).join(", ") : "the backend names no owner";
    return new BusyError(`The stack "${this.stack.name}" is locked by another update (${owners}): try again when it has ended; \`pulumi cancel\` removes the lock of one that is dead.`, { cause });
  }

  async outputs(): Promise<Outputs> {
    return this.ask<Outputs>(["stack", "output", "--json", "--show-secrets"]);
  }

  async version(): Promise<number> {
    const [latest] = await this.ask<readonly { readonly version: number }[]>(["stack", "history", "--json", "--page-size", "1", "--page", "1"]);
    return latest?.version ?? 0;
  }

  /** @throws DriverError with Pulumi's words */
  private async ask<T>(args: readonly string[]): Promise<T> {
    const { name, workspace } = this.stack;
    try {
      return JSON.parse((await this.command.run([...args, "--stack", name], workspace.workDir, {})).stdout) as T;
    } catch (cause) {
      throw new DriverError(`Pulumi cannot tell about the stack "${name}" (${args.slice(0, 2).join(" ")}): ${explainUpdate([], (cause as Error).message)}`, undefined, { cause });
    }
  }

  async repair(stale: Stale): Promise<readonly string[]> {
    refuseFullDisk(this.project, this.stack.name);
    try {
      return await this.clearPending(stale);
    } catch (cause) {
      const text = (cause as Error).message;
      if (cause instanceof automation().ConcurrentUpdateError) throw this.locked(text, cause);
      throw new UpdateFailedError(`What an update that died left unfinished could not be cleared: ${explainUpdate([], text)}`, undefined, { cause });
    }
  }

  private async clearPending(stale: Stale): Promise<readonly string[]> {
    const { deployment } = await this.stack.exportStack();
    const pending = ((deployment as { pending_operations?: readonly { type: string; resource: { urn: string } }[] } | undefined)?.pending_operations ?? []).map(({ type, resource }) => `${type} ${resource.urn.split("::").slice(2).join(" ")}`);
    const read = pending.length > 0 ? "all" : stale;
    if (read !== "unfinished") await this.stack.refresh({ clearPendingCreates: true, color: "never", suppressProgress: true, ...(read === "traffic" ? { exclude: [DEPLOYMENTS] } : {}) });
    return pending;
  }
}

/** A stack that is opened when it is first needed: what must be quick may never need it. */
export function lazyStack(open: () => Promise<StackEngine>): StackEngine {
  let opened: Promise<StackEngine> | undefined;
  const stack = (): Promise<StackEngine> => (opened ??= open());
  return {
    up: async (message, options) => (await stack()).up(message, options),
    outputs: async () => (await stack()).outputs(),
    version: async () => (await stack()).version(),
    repair: async (stale) => (await stack()).repair(stale),
  };
}
