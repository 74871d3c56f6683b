import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { expect } from "chai";
import { locksIn, removeDeadLocks, updateTrace, type StackLock } from "../../../driver/stack/locks";
import { folder } from "./fakes";

describe("the lock of a stack", () => {
  let dir: string;
  let trace: string;
  let backend: string;
  const children: ChildProcess[] = [];

  beforeEach(() => {
    dir = folder("locks");
    trace = path.join(dir, "deep", "updates");
    backend = `file://${dir}`;
  });
  afterEach(() => {
    children.splice(0).forEach((c) => c.kill("SIGKILL"));
    fs.rmSync(dir, { recursive: true });
  });

  /** A process that lives until it is killed. */
  function update(): ChildProcess & { readonly pid: number } {
    return started(process.execPath, ["-e", "setInterval(() => {}, 1000)"]);
  }
  function started(command: string, args: readonly string[]): ChildProcess & { readonly pid: number } {
    const child = spawn(command, args, { stdio: "ignore" });
    children.push(child);
    return child as ChildProcess & { readonly pid: number };
  }
  /** The same, started as the driver starts an update; it sleeps when its mark is there. */
  async function marked(): Promise<ChildProcess & { readonly pid: number }> {
    const { command, args } = updateTrace(trace).marking("sleep", ["60"]);
    const child = started(command, args);
    while (fs.readFileSync(`/proc/${child.pid}/comm`, "utf8") !== "sleep\n") await new Promise((resolve) => setTimeout(resolve, 5));
    return child;
  }
  const killed = async (child: ChildProcess): Promise<void> => {
    const exit = once(child, "exit");
    child.kill("SIGKILL");
    await exit;
  };
  function lockOf(pid: number, { host = os.hostname(), at = Date.now() } = {}): StackLock & { readonly file: string } {
    const file = path.join(dir, `${pid}.json`);
    fs.writeFileSync(file, "{}");
    const owner = `me@${host} (pid ${pid}) at ${Number.isNaN(at) ? "some time" : new Date(at).toISOString()}`;
    return { location: `file://${file}`, owner, host, pid, at, file };
  }

  it("is read from what a refused update says", () => {
    const output = `code: 255\n stdout: \n stderr: error: the stack is currently locked by 2 lock(s). Either wait for the other process(es) to end or delete the lock file with \`pulumi cancel\`.\n  file:///state/.pulumi/locks/organization/shop/dev/a.json?no_tmp_dir=true: created by root@ci (pid 42) at 2026-01-02T03:04:05Z\n  s3://bucket/locks/b.json: created by ann@box (pid 7) at 2026-01-02T03:04:05+01:00\n`;
    expect(locksIn(output)).to.deep.equal([
      { location: "file:///state/.pulumi/locks/organization/shop/dev/a.json", owner: "root@ci (pid 42) at 2026-01-02T03:04:05Z", host: "ci", pid: 42, at: Date.UTC(2026, 0, 2, 3, 4, 5) },
      { location: "s3://bucket/locks/b.json", owner: "ann@box (pid 7) at 2026-01-02T03:04:05+01:00", host: "box", pid: 7, at: Date.UTC(2026, 0, 2, 2, 4, 5) },
    ]);
    expect(locksIn("error: [409] Conflict: Another update is currently in progress.")).to.deep.equal([]);
  });

  it("is removed when the update that a driver started here is dead", async () => {
    const child = await marked();
    const lock = lockOf(child.pid);
    await killed(child);
    expect(removeDeadLocks(trace, [lock], backend)).to.deep.equal([lock.owner]);
    expect(fs.existsSync(lock.file)).to.equal(false);
    expect(removeDeadLocks(trace, [lockOf(child.pid)], backend)).to.deep.equal([]);
  });

  it("stays while its process lives", async () => {
    const child = await marked();
    const lock = lockOf(child.pid);
    expect(removeDeadLocks(trace, [lock], backend)).to.deep.equal([]);
    expect(fs.existsSync(lock.file)).to.equal(true);
  });

  it("stays when its process is one that no driver started here", async () => {
    const child = update();
    const lock = lockOf(child.pid);
    await killed(child);
    expect(removeDeadLocks(trace, [lock], backend)).to.deep.equal([]);
    expect(fs.existsSync(lock.file)).to.equal(true);
  });

  it("stays when somebody else's process has the dead one's number now", async () => {
    // As if this very process had got the number of an update that died.
    fs.copyFileSync(path.join(trace, String((await marked()).pid)), path.join(trace, String(process.pid)));
    const lock = lockOf(process.pid);
    expect(removeDeadLocks(trace, [lock], backend)).to.deep.equal([]);
    expect(fs.existsSync(lock.file)).to.equal(true);
  });

  it("stays when it is of another machine, another boot, another container or another time", async () => {
    const child = await marked();
    const file = path.join(trace, String(child.pid));
    const mark = fs.readFileSync(file, "utf8");
    const [boot, namespace] = mark.split("\n");
    await killed(child);
    const others: readonly (readonly [StackLock, string])[] = [
      [lockOf(child.pid, { host: "elsewhere" }), mark],
      [lockOf(child.pid, { at: Date.now() + 3_600_000 }), mark],
      [lockOf(child.pid, { at: Date.now() - 3_600_000 }), mark],
      [lockOf(child.pid, { at: NaN }), mark],
      [lockOf(child.pid), ["another", namespace].join("\n")],
      [lockOf(child.pid), [boot, "pid:[1]"].join("\n")],
    ];
    for (const [lock, marked] of others) {
      fs.writeFileSync(file, marked);
      expect(removeDeadLocks(trace, [lock], backend), lock.owner).to.deep.equal([]);
    }
    fs.writeFileSync(file, mark);
    expect(removeDeadLocks(trace, [lockOf(child.pid)], backend)).to.have.length(1);
  });

  it("stays when an update ended by itself: its lock is not ours any more", async () => {
    const child = await marked();
    updateTrace(trace).ended(child.pid);
    const lock = lockOf(child.pid);
    await killed(child);
    expect(removeDeadLocks(trace, [lock], backend)).to.deep.equal([]);
  });

  it("stays in a bucket, and where the trace cannot be read", async () => {
    const child = await marked();
    await killed(child);
    expect(removeDeadLocks(trace, [lockOf(child.pid)], "s3://bucket")).to.deep.equal([]);
    expect(removeDeadLocks(path.join(dir, "none"), [lockOf(child.pid)], backend)).to.deep.equal([]);
    fs.writeFileSync(path.join(trace, String(child.pid)), "{");
    expect(removeDeadLocks(trace, [lockOf(child.pid)], backend)).to.deep.equal([]);
  });

  it("of a dead update goes, and that of a living one beside it stays", async () => {
    const [dead, alive] = [await marked(), await marked()];
    const locks = [lockOf(dead.pid), lockOf(alive.pid)];
    await killed(dead);
    expect(removeDeadLocks(trace, locks, backend)).to.deep.equal([locks[0]!.owner]);
    expect(locks.map((l) => fs.existsSync(l.file))).to.deep.equal([false, true]);
  });
});
