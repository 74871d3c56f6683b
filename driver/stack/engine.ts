import * as fs from "node:fs";
import * as path from "node:path";
import { parse } from "yaml";
import type * as Automation from "@pulumi/pulumi/automation";
import { BusyError, DriverError, UpdateFailedError, UsageError } from "../errors";
import { explainUpdate } from "./diagnostics";

/** What an update changed: operation → number of resources, as Pulumi counts them. */
export interface UpdateSummary {
  readonly changes: Readonly<Record<string, number>>;
  readonly seconds: number;
}

/** The verbs of the stack that the driver needs; the rollout knows no more of Pulumi. */
export interface StackEngine {
  /** @throws UpdateFailedError with the engine's diagnostics, BusyError when the stack is locked. */
  up(message: string): Promise<UpdateSummary>;
  outputs(): Promise<Record<string, unknown>>;
}

const PACKAGE_ROOT = path.resolve(__dirname, "../../..");

/** The program when the project's `main` is this package's own: it then runs compiled and in this process, which saves a language host per update. */
function inlineProgram(projectDir: string, main: string): Automation.PulumiFn | undefined {
  const file = path.resolve(projectDir, main);
  if (fs.realpathSync(file) !== path.join(PACKAGE_ROOT, "index.ts")) return undefined;
  return require(path.join(PACKAGE_ROOT, "dist", "index.js")) as Automation.PulumiFn;
}

function projectOf(projectDir: string): { name: string; main?: string } {
  const file = path.join(projectDir, "Pulumi.yaml");
  try {
    return parse(fs.readFileSync(file, "utf8")) as { name: string; main?: string };
  } catch (cause) {
    throw new UsageError(`${file} cannot be read: run the driver in the project's folder or name it with --cwd.`, { cause });
  }
}

/** Loaded late: it costs a second that `--help` and a usage error need not pay. */
const automation = (): typeof Automation => require("@pulumi/pulumi/automation") as typeof Automation;

async function opened(projectDir: string, stackName: string, create: boolean): Promise<Automation.Stack> {
  const { LocalWorkspace } = automation();
  const { name: projectName, main } = projectOf(projectDir);
  const program = main && inlineProgram(projectDir, main);
  const options = { workDir: projectDir };
  if (program) {
    const args = { stackName, projectName, program };
    return create ? LocalWorkspace.createStack(args, options) : LocalWorkspace.selectStack(args, options);
  }
  const args = { stackName, workDir: projectDir };
  return create ? LocalWorkspace.createStack(args, options) : LocalWorkspace.selectStack(args, options);
}

/** @throws UsageError when there is no such stack, DriverError with Pulumi's words otherwise. */
export async function openStack(projectDir: string, stackName: string, create = false): Promise<StackEngine> {
  const { StackNotFoundError, StackAlreadyExistsError, CommandError } = automation();
  try {
    return new PulumiStack(await opened(projectDir, stackName, create));
  } catch (cause) {
    if (cause instanceof StackNotFoundError) throw new UsageError(`There is no stack "${stackName}": create it with \`canary init --stack ${stackName}\`, or choose another --stack.`, { cause });
    if (cause instanceof StackAlreadyExistsError) throw new UsageError(`The stack "${stackName}" exists already: go on with \`canary deploy VERSION\`.`, { cause });
    if (cause instanceof CommandError) throw new DriverError(`Pulumi cannot open the stack "${stackName}": ${explainUpdate([], cause.message)}`, undefined, { cause });
    throw cause;
  }
}

/** The lines that a file or bucket backend prints for each lock, e.g. `…/demo/….json: created by root@ci (pid 42) at …`. */
function lockOwner(output: string): string {
  const owners = [...output.matchAll(/created by (.+?)\s*$/gm)].map((m) => m[1]);
  return owners.length > 0 ? owners.join(", ") : "the backend names no owner";
}

class PulumiStack implements StackEngine {
  constructor(private readonly stack: Automation.Stack) {}

  async up(message: string): Promise<UpdateSummary> {
    const events: Automation.EngineEvent[] = [];
    const began = Date.now();
    try {
      const { summary } = await this.stack.up({ message, onEvent: (e) => events.push(e), color: "never", suppressProgress: true });
      return { changes: summary.resourceChanges ?? {}, seconds: (Date.now() - began) / 1000 };
    } catch (cause) {
      const { ConcurrentUpdateError } = automation();
      const text = (cause as Error).message;
      if (cause instanceof ConcurrentUpdateError)
        throw new BusyError(`The stack "${this.stack.name}" is locked by another update (${lockOwner(text)}): try again when it has ended.`, { cause });
      throw new UpdateFailedError(`pulumi up (${message}) failed: ${explainUpdate(events, text)}`, undefined, { cause });
    }
  }

  async outputs(): Promise<Record<string, unknown>> {
    return Object.fromEntries(Object.entries(await this.stack.outputs()).map(([k, v]) => [k, v.value as unknown]));
  }
}
