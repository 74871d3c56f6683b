import { execFile } from "node:child_process";
import { DriverError, UsageError } from "../errors";
import { explainUpdate } from "../stack/diagnostics";
import { withRemedy } from "../stack/remedies";

/** What Pulumi's state of a stack says, read by one CLI process and without selecting, locking or changing anything. */
export interface StackState {
  /** Values of the outputs; encrypted ones are the text `[secret]`. Empty before the first update. */
  readonly outputs: Readonly<Record<string, unknown>>;
  /** What an update began and nobody saw the end of, each as `creating Deployment shop-v2-1a2b3c4d`. While an update runs it is that update's. */
  readonly pending: readonly string[];
}

interface Exported {
  readonly deployment?: {
    readonly resources?: readonly { readonly type: string; readonly outputs?: Readonly<Record<string, unknown>> }[];
    readonly pending_operations?: readonly { readonly type: string; readonly resource: { readonly urn: string } }[];
  };
}

/** Milliseconds that the CLI has: a backend that does not answer must not keep a look waiting. */
const DEADLINE = 15_000;
/** By these keys a state marks an encrypted value; the ciphertext is nobody's business here. */
const SECRET_KEY = "4dabf18193072939515e22adb298388d";

/** Type and name of a resource, as a person names it: `Ingress shop-canary`. */
export function resourceOf(urn: string): string {
  const [, , type = "", ...name] = urn.split("::");
  return `${type.split("$").pop()!.split(":").pop()} ${name.join("::")}`;
}

function plainOf(value: unknown): unknown {
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.map(plainOf);
  if (SECRET_KEY in value) return "[secret]";
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, plainOf(inner)]));
}

/** Reads the text of a `pulumi stack export`. @throws SyntaxError when it is no JSON */
export function parseState(text: string): StackState {
  const { deployment } = JSON.parse(text) as Exported;
  const root = deployment?.resources?.find(({ type }) => type === "pulumi:pulumi:Stack");
  return {
    outputs: plainOf(root?.outputs ?? {}) as Record<string, unknown>,
    pending: (deployment?.pending_operations ?? []).map(({ type, resource }) => `${type} ${resourceOf(resource.urn)}`),
  };
}

/** Runs the Pulumi CLI for its standard output. Rejects with what it said. */
export function pulumi(args: readonly string[], cwd: string, { signal, timeout = DEADLINE }: { signal?: AbortSignal; timeout?: number } = {}): Promise<string> {
  return new Promise((resolve, reject) => {
    execFile("pulumi", [...args, "--non-interactive", "--color", "never"], { cwd, timeout, signal, maxBuffer: 1 << 28 }, (error, stdout, stderr) => {
      if (!error) return resolve(stdout);
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return reject(new DriverError("The Pulumi CLI is not found: install it, or add its folder to PATH.", undefined, { cause: error }));
      if (error.killed) return reject(new DriverError(`\`pulumi ${args[0]}\` did not answer within ${timeout / 1000} s: look at the backend.`, undefined, { cause: error }));
      reject(new DriverError(explainUpdate([], stderr || stdout || error.message), undefined, { cause: error }));
    });
  });
}

/**
 * Reads a stack's state.
 *
 * @throws UsageError when there is no such stack, DriverError with Pulumi's words otherwise
 */
export async function readState(projectDir: string, stack: string): Promise<StackState> {
  try {
    return parseState(await pulumi(["stack", "export", "--stack", stack], projectDir));
  } catch (cause) {
    const { message } = cause as Error;
    if (/no stack named/i.test(message)) throw new UsageError(`There is no stack "${stack}": create it with \`canary init --stack ${stack}\`, or choose another --stack.`, { cause });
    throw new DriverError(`Pulumi's state of "${stack}" cannot be read: ${withRemedy(message)}`, undefined, { cause });
  }
}
