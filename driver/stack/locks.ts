import * as fs from "node:fs";
import * as path from "node:path";
import * as os from "node:os";
import { fileURLToPath } from "node:url";
import { backendFolder } from "./backend";
import type { UpdateTrace } from "./command";

/** What names one process of one boot of one machine (or container) for ever. */
interface ProcessMark {
  readonly boot: string;
  readonly namespace: string;
  /** When its update began, ms since the epoch. */
  readonly at: number;
}

/** Seconds between an update's start and its lock: the same pid may belong to another container's update later. */
const LOCKED_WITHIN = 300;

/** There is a process of this number that has not exited; the field before its state is a name that may hold anything. */
function isAlive(pid: number): boolean {
  try {
    const stat = fs.readFileSync(`/proc/${pid}/stat`, "utf8");
    return stat[stat.lastIndexOf(")") + 2] !== "Z";
  } catch {
    return false;
  }
}

function here(): Pick<ProcessMark, "boot" | "namespace"> | undefined {
  try {
    return { boot: fs.readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim(), namespace: fs.readlinkSync("/proc/self/ns/pid") };
  } catch {
    return undefined;
  }
}

/**
 * Writes the process's mark into the folder $0 and becomes the update, under the same number: an update cannot have taken its lock before
 * its mark is there, wherever the driver that started it is killed. What it reads is what `here` reads.
 */
const MARK = '{ cat /proc/sys/kernel/random/boot_id && readlink /proc/self/ns/pid; } >"$0/$$" 2>/dev/null; exec "$@"';

/** Keeps, in a folder, which update commands this project's drivers have started and not seen the end of: a file each, named by its pid. */
export function updateTrace(folder: string): UpdateTrace {
  return {
    marking(command, args) {
      try {
        // Without either no mark can be left, and no lock be proven dead.
        if (!here() || !fs.existsSync("/bin/sh")) return { command, args };
        fs.mkdirSync(folder, { recursive: true });
        return { command: "/bin/sh", args: ["-c", MARK, folder, command, ...args] };
      } catch {
        return { command, args };
      }
    },
    ended: (pid) => fs.rmSync(path.join(folder, String(pid)), { force: true }),
  };
}

function markOf(folder: string, pid: number): ProcessMark | undefined {
  const file = path.join(folder, String(pid));
  try {
    const [boot, namespace] = fs.readFileSync(file, "utf8").split("\n");
    return boot && namespace ? { boot, namespace, at: fs.statSync(file).mtimeMs } : undefined;
  } catch {
    return undefined;
  }
}

/** One lock of a file or bucket backend, as Pulumi prints it. */
export interface StackLock {
  /** Path or URL of the lock. */
  readonly location: string;
  readonly owner: string;
  /** Name of the owner's machine. */
  readonly host: string;
  readonly pid: number;
  /** When it was locked, ms since the epoch; NaN where that is not said. */
  readonly at: number;
}

/** The locks that a refused update names, e.g. `file:///…/locks/….json?no_tmp_dir=true: created by root@ci (pid 42) at …`. */
export const locksIn = (output: string): StackLock[] =>
  [...output.matchAll(/^\s*(\S+\.json)(?:\?\S*)?: created by (\S+) \(pid (\d+)\)(.*)$/gm)].map(([, location, owner, pid, when]) => ({
    location: location!,
    owner: `${owner} (pid ${pid})${when}`,
    host: owner!.slice(owner!.lastIndexOf("@") + 1),
    pid: Number(pid),
    at: Date.parse(when!.replace(/^ at /, "")),
  }));

/**
 * Removes a lock whose owner is proven to be dead: an update that a driver of this project started here, by the trace, and whose
 * process is gone, with nobody else under its number. Any other lock stays: `pulumi cancel` would take everybody's.
 *
 * @returns the owners of the locks that were removed
 */
export function removeDeadLocks(traceFolder: string, locks: readonly StackLock[], backend: string | undefined): string[] {
  const machine = here();
  return locks.flatMap(({ location, owner, host, pid, at }) => {
    const mark = markOf(traceFolder, pid);
    if (!mark || mark.boot !== machine?.boot || mark.namespace !== machine.namespace || host !== os.hostname()) return [];
    if (!(at - mark.at > -2000 && at - mark.at < LOCKED_WITHIN * 1000) || isAlive(pid)) return [];
    const file = fileOf(location, backend);
    if (!file) return [];
    fs.rmSync(file, { force: true });
    updateTrace(traceFolder).ended(pid);
    return [owner];
  });
}

/** The lock's file, when the backend is a folder. */
function fileOf(location: string, backend: string | undefined): string | undefined {
  const root = backendFolder(backend);
  if (root === undefined) return undefined;
  const file = location.startsWith("file://") ? fileURLToPath(location) : path.isAbsolute(location) ? location : path.join(root, location);
  return fs.existsSync(file) ? file : undefined;
}
