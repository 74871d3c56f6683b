import * as fs from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";

/** Fields of /proc/PID/stat from the third one (the state) on; undefined when there is no such process. */
function statOf(pid: number): string[] | undefined {
  try {
    const stat = fs.readFileSync(`/proc/${pid}/stat`, "utf8");
    // The command name may hold spaces and parentheses: what comes after the last one is safe to split.
    return stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  } catch {
    return undefined;
  }
}

/** Start time of a running process in clock ticks since boot; undefined when it is gone, or dead and only not yet reaped. */
export function startTimeOf(pid: number): string | undefined {
  const fields = statOf(pid);
  return fields?.[0] === "Z" ? undefined : fields?.[19];
}

/** The only child of a process, as `unshare` has one: the first process of the new process namespace. */
export function childOf(pid: number): number {
  return Number(fs.readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim());
}

/** A process and all that descend from it, parents first. */
export function treeOf(root: number): number[] {
  const children = new Map<number, number[]>();
  for (const pid of fs.readdirSync("/proc").filter((f) => /^\d+$/.test(f)).map(Number)) {
    const parent = Number(statOf(pid)?.[1]);
    if (!Number.isNaN(parent)) children.set(parent, [...(children.get(parent) ?? []), pid]);
  }
  const tree = [root];
  for (let i = 0; i < tree.length; i++) tree.push(...(children.get(tree[i]!) ?? []));
  return tree;
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch {
    // It ended by itself.
  }
}

/** How long the kernel may take to end killed processes, in ms. */
const GONE_WITHIN = 5000;

/**
 * Kills a child process and everything it started, and resolves when they are gone. Process groups are not enough: Pulumi gives
 * each plugin one of its own, and a plugin whose engine was killed lives on for minutes.
 */
export async function killTree(root: number): Promise<void> {
  // A stopped process starts nothing new: once all that are found are stopped, none is missed.
  let tree: number[] = [];
  for (let found = [root]; found.length > tree.length; found = treeOf(root)) {
    for (const pid of found) signal(pid, "SIGSTOP");
    tree = found;
  }
  for (const pid of tree) signal(pid, "SIGKILL");
  for (const deadline = Date.now() + GONE_WITHIN; Date.now() < deadline && tree.some((pid) => startTimeOf(pid) !== undefined); ) await sleep(20);
}
