import * as fs from "node:fs";
import * as path from "node:path";
import * as os from "node:os";
import { fileURLToPath } from "node:url";
import type { UpdateTrace } from "./command";

/** What names one process of one boot of one machine (or container) for ever. */
interface ProcessMark {
  readonly pid: number;
  /** Clock ticks since boot, of the process. */
  readonly started: string;
  readonly boot: string;
  readonly namespace: string;
  /** When its update began, ms since the epoch. */
  readonly at: number;
}

/** Seconds between an update's start and its lock: the same pid may belong to another container's update later. */
const LOCKED_WITHIN = 300;

/** The third field of /proc/PID/stat and on; the name before them may hold anything. */
function startOf(pid: number): string | undefined {
  try {
    const stat = fs.readFileSync(`/proc/${pid}/stat`, "utf8");
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return fields[0] === "Z" ? undefined : fields[19];
  } catch {
    return undefined;
  }
}

function here(): Pick<ProcessMark, "boot" | "namespace"> | undefined {
  try {
    return { boot: fs.readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim(), namespace: fs.readlinkSync("/proc/self/ns/pid") };
  } catch {
    return undefined;
  }
}

/** Keeps, in a file, which update commands this project's drivers have started and not seen the end of. */
export function updateTrace(file: string): UpdateTrace {
  return {
    began(pid) {
      const [started, machine] = [startOf(pid), here()];
      if (started && machine) write(file, [...read(file), { pid, started, ...machine, at: Date.now() }]);
    },
    ended: (pid) => write(file, read(file).filter((mark) => mark.pid !== pid)),
  };
}

function read(file: string): ProcessMark[] {
  try {
    const marks: unknown = JSON.parse(fs.readFileSync(file, "utf8"));
    return Array.isArray(marks) ? (marks as ProcessMark[]) : [];
  } catch {
    return [];
  }
}

/** A trace that cannot be written costs a recovery, not a rollout. */
function write(file: string, marks: readonly ProcessMark[]): void {
  try {
    fs.mkdirSync(path.dirname(file), { recursive: true });
    fs.writeFileSync(`${file}.${process.pid}`, JSON.stringify(marks));
    fs.renameSync(`${file}.${process.pid}`, file);
  } catch {
    // See above.
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
export function removeDeadLocks(traceFile: string, locks: readonly StackLock[], backend: string): string[] {
  const machine = here();
  const marks = read(traceFile);
  return locks.flatMap(({ location, owner, host, pid, at }) => {
    const mark = marks.find((m) => m.pid === pid && m.boot === machine?.boot && m.namespace === machine?.namespace && at - m.at > -2000 && at - m.at < LOCKED_WITHIN * 1000);
    if (!mark || host !== os.hostname() || startOf(pid) !== undefined) return [];
    const file = fileOf(location, backend);
    if (!file) return [];
    fs.rmSync(file, { force: true });
    updateTrace(traceFile).ended(pid);
    return [owner];
  });
}

/** The lock's file, when the backend is a folder. */
function fileOf(location: string, backend: string): string | undefined {
  if (!backend.startsWith("file://")) return undefined;
  const root = fileURLToPath(backend.replace(/^file:\/\/~/, `file://${process.env.HOME}`));
  const file = location.startsWith("file://") ? fileURLToPath(location) : path.isAbsolute(location) ? location : path.join(root, location);
  return fs.existsSync(file) ? file : undefined;
}
