import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { staleness } from "../../../components/record/stale";
import { backendFolder } from "../../stack/backend";
import { withoutUser } from "../../text-file";
import { pulumi } from "../state";
import { secondsBetween, span } from "../times";
import { fail, ok, warn, type Check, type Found } from "./check";
import { reasonHere, type Facts } from "./facts";

/** What a file backend keeps of an update that runs. */
interface Lock {
  readonly pid?: number;
  readonly username?: string;
  readonly hostname?: string;
  readonly timestamp?: string;
}

/** Folders in which a file backend keeps a stack's locks: of today's layout, and of the one before projects. */
const lockFolders = (root: string, project: string, stack: string): string[] =>
  [["organization", project, stack], [stack]].map((parts) => path.join(root, ".pulumi", "locks", ...parts));

function locksIn(folder: string): Lock[] {
  try {
    return fs.readdirSync(folder).filter((name) => name.endsWith(".json")).map((name) => JSON.parse(fs.readFileSync(path.join(folder, name), "utf8")) as Lock);
  } catch {
    return [];
  }
}

function isGone({ pid, hostname }: Lock): boolean {
  if (pid === undefined || hostname !== os.hostname()) return false;
  try {
    process.kill(pid, 0);
    return false;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "ESRCH";
  }
}

function lockFinding(lock: Lock): Found {
  const since = lock.timestamp === undefined ? "" : ` for ${span(secondsBetween(lock.timestamp, new Date()))}`;
  const sentence = `The stack is locked${since} by ${lock.username ?? "somebody"}@${lock.hostname ?? "an unknown host"} (pid ${lock.pid ?? "unknown"})`;
  if (isGone(lock)) return fail(`${sentence}, whose process is gone.`, "`pulumi cancel` removes the lock; make sure that nobody else updates the stack.");
  return warn(`${sentence}.`, "Wait for the update's end.");
}

async function cloudLock(name: string, cwd: string, signal: AbortSignal): Promise<Found> {
  const stacks = JSON.parse(await pulumi(["stack", "ls", "--json"], cwd, { signal })) as { name: string; updateInProgress?: boolean }[];
  const own = stacks.find((stack) => stack.name === name || stack.name === name.split("/").pop());
  return own?.updateInProgress ? warn("An update of the stack is in progress.", "Wait for its end.") : ok("No update holds the stack.");
}

/** Finds a stack's locks without taking one. */
const lock = ({ at, cli, project }: Facts): Check => ({
  name: "lock",
  async run(signal) {
    await cli();
    const { url } = JSON.parse(await pulumi(["whoami", "--json", "--verbose"], at.cwd, { signal })) as { url: string };
    if (/^https?:/.test(url)) return cloudLock(at.stack, at.cwd, signal);
    const root = backendFolder(url);
    if (root === undefined) return warn(`The locks of ${withoutUser(url)} cannot be looked at; an update that meets one waits, and names its owner.`);
    const locks = lockFolders(root, await project(), at.stack.split("/").pop()!).flatMap(locksIn);
    return locks.length > 0 ? locks.map(lockFinding) : ok(`No update holds the stack (${url}).`);
  },
});

const stack = ({ at, state }: Facts): Check => ({
  name: "stack",
  run: () =>
    state().then(
      ({ outputs }) => (outputs.stable === undefined ? warn(`The stack "${at.stack}" exists, and nothing is installed yet.`, "`canary deploy VERSION` installs the first version.") : ok(`The stack "${at.stack}" exists: ${String(outputs.stable)} is stable.`)),
      (error) => fail(reasonHere(error)),
    ),
});

const pending = ({ state, lease }: Facts): Check => ({
  name: "pending-operations",
  async run() {
    const [{ pending: operations }, held] = await Promise.all([state(), lease().catch(() => undefined)]);
    if (operations.length === 0) return ok("No operation is pending in Pulumi's state.");
    const named = operations.join(", ");
    if (held?.holder !== undefined && !held.expired) return ok(`An update is at work: ${named}.`);
    return fail(`An update died and left unfinished: ${named}.`, "The next `canary` verb that updates the stack refreshes the state first; `pulumi refresh` does it alone.");
  },
});

const generation = ({ at, config, place, book, state }: Facts): Check => ({
  name: "generation",
  async run() {
    const [{ file }, own, { record }] = await Promise.all([place(), config(), book()]);
    const refused = staleness({ stack: at.stack, config: own, keys: file.keys(), ...(record ? { record } : {}) });
    if (refused) return fail(refused);
    if (own.force) return warn("canary:force is true: an older stack file would be deployed.", "Remove the key when it has served.");
    const deployed = Number((await state()).outputs.generation ?? 0);
    if (deployed !== own.generation) return warn(`The stack file has generation ${own.generation}, deployed is ${deployed}.`, "`pulumi preview` shows what `pulumi up` would change.");
    return ok(`The stack file is what is deployed (generation ${own.generation}).`);
  },
});

/** What Pulumi's backend keeps of the stack. */
export const backendChecks = (facts: Facts): Check[] => [stack(facts), lock(facts), pending(facts), generation(facts)];
