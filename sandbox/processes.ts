import * as fs from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { startTimeOf } from "./cluster/state";

/** Parent of a process, by /proc; undefined when it is gone. */
function parentOf(pid: number): number | undefined {
  try {
    const stat = fs.readFileSync(`/proc/${pid}/stat`, "utf8");
    return Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1]);
  } catch {
    return undefined;
  }
}

/** A process and all that descend from it, parents first. */
function treeOf(root: number): number[] {
  const children = new Map<number, number[]>();
  for (const pid of fs.readdirSync("/proc").filter((f) => /^\d+$/.test(f)).map(Number)) {
    const parent = parentOf(pid);
    if (parent !== undefined) children.set(parent, [...(children.get(parent) ?? []), pid]);
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
