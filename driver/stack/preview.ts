import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { stringify } from "yaml";
import type * as Automation from "@pulumi/pulumi/automation";
import { DriverError, UsageError } from "../errors";
import { explainUpdate } from "./diagnostics";
import { projectOf, inlineProgram } from "./engine";

/** A resource as Pulumi sees it in a preview; values that are encrypted are `[secret]`. */
export interface Planned {
  readonly urn: string;
  /** Pulumi's name of the operation: `same`, `create`, `update`, `replace`, `delete`, … */
  readonly op: string;
  /** A component groups others and is nothing in the cluster. */
  readonly component: boolean;
  /** What the program declares; absent for a resource that goes. */
  readonly inputs?: Readonly<Record<string, unknown>>;
  /** What the state has; absent for a resource that comes. */
  readonly before?: Readonly<Record<string, unknown>>;
}

/** Previews of a stack with other stack files than the one that is there. Nothing of the project, the state or the cluster is changed. */
export interface Previews {
  /**
   * What `pulumi up` would do with this text as the stack file.
   *
   * @throws DriverError with the engine's diagnostics
   */
  preview(stackFileText: string, signal?: AbortSignal): Promise<readonly Planned[]>;
  /** Removes what the previews needed. */
  close(): void;
}


const automation = (): typeof Automation => require("@pulumi/pulumi/automation") as typeof Automation;

/** A backend in a folder that is named relative to the project, named so that it is the same from elsewhere. */
function absoluteBackend(url: string, from: string): string {
  const relative = /^file:\/\/(\.{1,2}(?:\/.*)?)$/.exec(url)?.[1];
  return relative === undefined ? url : `file://${path.resolve(from, relative)}`;
}

/** The project's settings for another folder: every path in them is absolute. */
function movedSettings(projectDir: string): { settings: Record<string, unknown>; main: string } {
  const settings = projectOf(projectDir);
  const main = path.resolve(projectDir, settings.main ?? ".");
  const { backend } = settings;
  return { main, settings: { ...settings, main, ...(backend?.url ? { backend: { ...backend, url: absoluteBackend(backend.url, projectDir) } } : {}) } };
}

/** In the order in which Pulumi names them; a resource that is replaced is named once, with what it will be. */
function plannedIn(events: readonly Automation.EngineEvent[]): Planned[] {
  const planned = new Map<string, Planned>();
  for (const { resourcePreEvent } of events) {
    if (!resourcePreEvent) continue;
    const { urn, op, old, new: next } = resourcePreEvent.metadata;
    const earlier = planned.get(urn);
    const gone = op.startsWith("delete") || op === "discard";
    const inputs = gone ? earlier?.inputs : (next?.inputs as Record<string, unknown> | undefined);
    const before = (old?.inputs as Record<string, unknown> | undefined) ?? earlier?.before;
    const component = (next ?? old)?.custom !== true;
    planned.set(urn, { urn, component, op: earlier?.op.includes("replace") ? earlier.op : op, ...(inputs ? { inputs } : {}), ...(before ? { before } : {}) });
  }
  return [...planned.values()];
}

class TemporaryProject implements Previews {
  private readonly events: Automation.EngineEvent[] = [];

  constructor(private readonly stack: Automation.Stack, private readonly dir: string, private readonly file: string) {}

  async preview(stackFileText: string, signal?: AbortSignal): Promise<readonly Planned[]> {
    this.events.length = 0;
    fs.writeFileSync(this.file, stackFileText, { mode: 0o600 });
    try {
      await this.stack.preview({ onEvent: (event) => this.events.push(event), color: "never", suppressProgress: true, ...(signal ? { signal } : {}) });
    } catch (cause) {
      signal?.throwIfAborted();
      const { message } = cause as Error;
      if (/no stack named/i.test(message)) throw new UsageError(`There is no stack "${this.stack.name}": create it with \`canary init --stack ${this.stack.name}\`, or choose another --stack.`, { cause });
      throw new DriverError(`pulumi preview failed: ${explainUpdate(this.events, message)}`, undefined, { cause });
    }
    return plannedIn(this.events);
  }

  close(): void {
    fs.rmSync(this.dir, { recursive: true, force: true });
  }
}

/**
 * Opens previews of a stack in a folder of their own, which nobody else can read: a stack file may hold secrets.
 *
 * @throws UsageError when the project cannot be read
 */
export async function openPreviews(projectDir: string, stackName: string): Promise<Previews> {
  const { LocalWorkspace, Stack } = automation();
  const { settings, main } = movedSettings(projectDir);
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), "canary-preview-"));
  try {
    fs.writeFileSync(path.join(dir, "Pulumi.yaml"), stringify(settings), { mode: 0o600 });
    const program = inlineProgram(projectDir, main);
    const backend = process.env.PULUMI_BACKEND_URL;
    const workspace = await LocalWorkspace.create({ workDir: dir, ...(program ? { program } : {}), ...(backend ? { envVars: { PULUMI_BACKEND_URL: absoluteBackend(backend, process.cwd()) } } : {}) });
    // To select a stack is to write into the user's PULUMI_HOME; each command names it anyway.
    workspace.selectStack = async () => undefined;
    const stack = await Stack.select(stackName, workspace);
    return new TemporaryProject(stack, dir, path.join(dir, `Pulumi.${stackName.split("/").pop()}.yaml`));
  } catch (error) {
    fs.rmSync(dir, { recursive: true, force: true });
    throw error;
  }
}
