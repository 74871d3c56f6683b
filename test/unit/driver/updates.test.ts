import { expect } from "chai";
import { BusyError, DeadLockError, UpdateCancelledError, UpdateFailedError } from "../../../driver/errors";
import type { Stale, StackEngine, UpOptions } from "../../../driver/stack/engine";
import { Updates } from "../../../driver/stack/updates";
import { hurried, rejection, untilCancelled } from "./fakes";

type Up = (n: number, signal: AbortSignal | undefined, message: string) => Promise<void> | void;

/** An engine that does what `up` says, and counts. */
function engine(up: Up, pending: readonly string[] = []): StackEngine & { ups: string[]; repairs: number; refreshed: number; creating: boolean[] } {
  const fake = {
    ups: [] as string[],
    repairs: 0,
    refreshed: 0,
    creating: [] as boolean[],
    async up(message: string, { signal, creates = false }: UpOptions = {}): Promise<void> {
      const n = fake.ups.push(message) - 1;
      fake.creating.push(creates);
      await up(n, signal, message);
    },
    outputs: async () => ({ of: fake.ups.length }),
    version: async () => fake.ups.length,
    async repair(stale: Stale) {
      fake.repairs++;
      if (stale !== "unfinished" || pending.length > 0) fake.refreshed++;
      return pending;
    },
  };
  return fake;
}

const locked = new BusyError("The stack is locked by another update (ann@ci (pid 7)).");
const tick = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe("the updates of a stack", () => {
  const waits = hurried();
  let notes: string[] = [];
  const options = (message: string, rest: { signal?: AbortSignal; lockWaitSeconds?: number } = {}) => ({ message, lockWaitSeconds: 60, note: (note: string) => void notes.push(note), ...rest });
  beforeEach(() => (notes = []));

  it("run one at a time, however many are asked for at once", async () => {
    let running = 0;
    const fake = engine(async () => {
      expect(++running).to.equal(1);
      await tick();
      running--;
    });
    const updates = new Updates(fake);
    await Promise.all(["a", "b", "c", "d"].map((m) => updates.run(options(m))));
    expect(fake.ups).to.have.members(["a", "b", "c", "d"]);
    expect(updates.count).to.equal(4);
  });

  it("go on after one that failed", async () => {
    const fake = engine((n) => { if (n === 0) throw new UpdateFailedError("conflict"); });
    const updates = new Updates(fake);
    const [first, second] = [rejection(updates.run(options("a"))), updates.run(options("b"))];
    expect((await first)?.message).to.equal("conflict");
    await second;
    expect([fake.ups.length, updates.count]).to.deep.equal([2, 1]);
    expect(updates.wasCancelled).to.equal(false);
  });

  it("have the stack asked once for what each left, when that is needed", async () => {
    let asked = 0;
    const fake = engine(() => undefined);
    const version = fake.version;
    const updates = new Updates(Object.assign(fake, { version: () => (asked++, version()) }));
    await updates.run(options("a"));
    expect(await Promise.all([updates.version(), updates.version(), updates.outputs()])).to.deep.equal([1, 1, { of: 1 }]);
    await updates.run(options("b"));
    expect([await updates.version(), await updates.outputs(), asked]).to.deep.equal([2, { of: 2 }, 2]);
  });

  it("have it asked again when it could not tell", async () => {
    const fake = engine(() => undefined);
    let broken = true;
    const updates = new Updates(Object.assign(fake, { outputs: async () => { if (broken) throw new Error("gone"); return { of: 7 }; } }));
    expect((await rejection(updates.outputs()))?.message).to.equal("gone");
    broken = false;
    expect(await updates.outputs()).to.deep.equal({ of: 7 });
  });

  it("can be cancelled, and the cancel waits until the update has gone", async () => {
    let gone = false;
    const updates = new Updates(engine(async (_, signal) => {
      const error = await rejection(untilCancelled(signal));
      await tick();
      gone = true;
      throw error!;
    }));
    const update = rejection(updates.run(options("weight 25")));
    await tick();
    await updates.cancel();
    expect(gone).to.equal(true);
    expect(await update).to.be.instanceOf(UpdateCancelledError);
    expect(updates.wasCancelled).to.equal(true);
    expect(updates.count).to.equal(0);
  });

  it("are known as finished again after the next one that succeeds", async () => {
    const updates = new Updates(engine((n, signal) => (n === 0 ? untilCancelled(signal) : undefined)));
    const update = rejection(updates.run(options("a")));
    await updates.cancel();
    await update;
    await updates.run(options("b"));
    expect(updates.wasCancelled).to.equal(false);
  });

  it("cancel nothing where none runs", async () => {
    const updates = new Updates(engine(() => undefined));
    await updates.cancel();
    await updates.run(options("a"));
    await updates.cancel();
    expect(updates.wasCancelled).to.equal(false);
  });

  it("are cancelled by the signal of who asked, and not begun at all after it", async () => {
    const controller = new AbortController();
    const fake = engine((_, signal) => untilCancelled(signal));
    const updates = new Updates(fake);
    const update = rejection(updates.run(options("a", { signal: controller.signal })));
    await tick();
    controller.abort();
    expect(await update).to.be.instanceOf(UpdateCancelledError);
    expect((await rejection(updates.run(options("b", { signal: controller.signal }))))?.message).to.equal("pulumi up (b) was cancelled before it began.");
    expect(fake.ups).to.deep.equal(["a"]);
  });

  it("wait for another update's lock and name its owner", async () => {
    const fake = engine((n) => { if (n < 3) throw locked; });
    await new Updates(fake).run(options("a"));
    expect(fake.ups).to.have.length(4);
    expect(notes).to.deep.equal([locked.message, locked.message, locked.message]);
    expect(waits).to.deep.equal([2000, 2000, 2000]);
  });

  it("wait no longer for it than they are told to", async () => {
    const fake = engine(() => { throw locked; });
    expect(await rejection(new Updates(fake).run(options("a", { lockWaitSeconds: 0 })))).to.equal(locked);
    expect(fake.ups).to.have.length(1);
  });

  it("are still locked, and were never begun, when that wait is cut short", async () => {
    const controller = new AbortController();
    const fake = engine(() => {
      controller.abort();
      throw locked;
    });
    const updates = new Updates(fake);
    expect(await rejection(updates.run(options("a", { signal: controller.signal })))).to.equal(locked);
    expect(updates.wasCancelled).to.equal(false);
  });

  it("clear what a dead update left when its lock is gone, say so, and try again", async () => {
    const fake = engine((n) => { if (n === 0) throw new DeadLockError("The lock of me@here (pid 7) is removed."); }, ["creating Deployment shop-v2"]);
    await new Updates(fake).run(options("a"));
    expect([fake.ups.length, fake.repairs]).to.deep.equal([2, 1]);
    expect(notes).to.deep.equal(["The lock of me@here (pid 7) is removed.", "An update that died had left unfinished: creating Deployment shop-v2; the state is refreshed."]);
  });

  it("read the objects anew after a dead update also where it left nothing pending, because it wrote the state at its end only", async () => {
    const fake = engine((n) => { if (n === 0) throw new DeadLockError("The lock of me@here (pid 7) is removed."); });
    const updates = new Updates(fake);
    await updates.run(options("a"));
    await updates.run(options("b"));
    expect([fake.ups, fake.refreshed]).to.deep.equal([["a", "a", "b"], 1]);
  });

  it("read them anew once before the first one after a driver that died elsewhere, however long the stack is locked", async () => {
    const fake = engine((n) => { if (n < 2) throw locked; });
    const updates = new Updates(fake);
    updates.doubt();
    await updates.run(options("a"));
    await updates.run(options("b"));
    expect([fake.ups.length, fake.refreshed]).to.deep.equal([4, 1]);
  });

  it("doubt the state as long as it cannot be read anew", async () => {
    let broken = true;
    const fake = engine(() => undefined);
    const repair = fake.repair;
    const updates = new Updates(Object.assign(fake, { repair: (stale: Stale) => (broken ? Promise.reject(new UpdateFailedError("deaf")) : repair(stale)) }));
    updates.doubt();
    expect((await rejection(updates.run(options("a"))))?.message).to.equal("deaf");
    broken = false;
    await updates.run(options("b"));
    expect([fake.ups, fake.refreshed]).to.deep.equal([["b"], 1]);
  });

  it("say which may create objects; so may the first of a command, before which the file may have become another, and what follows a repair", async () => {
    const gone = new UpdateFailedError('pulumi up (a) failed: ingresses.networking.k8s.io "shop-canary" not found');
    const fake = engine((n) => { if (n === 3) throw gone; });
    const updates = new Updates(fake);
    await updates.run(options("weight 5"));
    await updates.run(options("weight 25"));
    await updates.run({ ...options("start v2"), creates: true });
    await updates.run(options("weight 50"));
    expect(fake.creating).to.deep.equal([true, false, true, false, true]);
  });

  it("clear pending operations once, and fail when they come back", async () => {
    const pending = new UpdateFailedError("the stack has 1 pending operation");
    const fake = engine((n) => { if (n < 2) throw pending; });
    expect(await rejection(new Updates(fake).run(options("a")))).to.equal(pending);
    expect([fake.ups.length, fake.repairs]).to.deep.equal([2, 1]);
  });

  it("create again what somebody has deleted, once, and say what; a missing image is no deleted object", async () => {
    const gone = new UpdateFailedError('pulumi up (a) failed: update of resource "urn:pulumi:a::b::c::shop-canary" failed: ingresses.networking.k8s.io "shop-canary" not found unable to get cluster state');
    const fake = engine((n) => { if (n === 0) throw gone; });
    await new Updates(fake).run(options("a"));
    expect([fake.ups.length, fake.repairs]).to.deep.equal([2, 1]);
    expect(notes).to.deep.equal(['Somebody has deleted "shop-canary", which the stack declares: the state is refreshed, and it is created again.']);
    const image = new UpdateFailedError('pulumi up (a) failed: pod shop-v2: failed to pull image "registry.example/shop:v2": not found');
    const other = engine(() => { throw image; });
    expect(await rejection(new Updates(other).run(options("a")))).to.equal(image);
    expect([other.ups.length, other.repairs]).to.deep.equal([1, 0]);
  });

  it("are bounded by whoever updates several stacks", async () => {
    const seen: string[] = [];
    const fake = engine(() => void seen.push("up"));
    await new Updates(fake, (update) => (seen.push("turn"), update())).run(options("a"));
    expect(seen).to.deep.equal(["turn", "up"]);
  });
});
