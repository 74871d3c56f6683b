import { expect } from "chai";
import { Guard } from "../../../../driver/guard/guard";
import type { Why } from "../../../../driver/guard/decide";
import type { LeaseSeen } from "../../../../driver/guard/lease";
import type { Book } from "../../../../driver/record/store";
import type { RecordedRollout } from "../../../../components/record/format";
import { book, rollout } from "./sights";

const ME = "guard/pod";

/** A cluster in memory, with a clock that the test turns. */
class World {
  now = 0;
  holder: string | undefined;
  renewals = 0;
  book: Book;
  home = false;
  /** What the cluster answers instead; one function for all of it. */
  fault: (() => void) | undefined;
  finding: Why | undefined;
  watching: string[] = [];
  readonly did: string[] = [];
  readonly logged: string[] = [];
  readonly guard: Guard;

  constructor(of: RecordedRollout | undefined, holder?: string) {
    this.book = book(of);
    this.holder = holder;
    const asked = (): void => this.fault?.();
    this.guard = new Guard({
      me: ME, leaseSeconds: 30, intervalSeconds: 1,
      now: () => this.now,
      log: (message) => void this.logged.push(message),
      seen: () => undefined,
      store: {
        read: async () => { asked(); return this.book; },
        update: async (change) => { asked(); this.book = change(this.book); this.did.push("record"); return this.book; },
      },
      lease: {
        read: async () => { asked(); return { ...(this.holder ? { holder: this.holder } : {}), renewed: String(this.renewals), seconds: 30, object: { metadata: { resourceVersion: `${this.holder}${this.renewals}` } } }; },
        hold: async (seen: LeaseSeen) => { this.unchanged(seen); this.holder = ME; this.renewals++; this.did.push("hold"); },
        free: async (seen: LeaseSeen) => { this.unchanged(seen); this.holder = undefined; this.did.push("free"); },
      },
      isHome: async () => { asked(); return this.home; },
      sendHome: async () => { asked(); this.home = true; this.did.push("home"); },
      watch: ({ id }) => {
        this.watching.push(id);
        const finding = () => this.finding;
        return { get failed() { return finding(); }, stop: () => void (this.watching = this.watching.filter((each) => each !== id)) };
      },
    });
  }

  private unchanged({ object }: LeaseSeen): void {
    this.fault?.();
    if (object.metadata?.resourceVersion !== `${this.holder}${this.renewals}`) throw Object.assign(new Error("conflict"), { code: 409 });
  }

  /** So many looks, one a second. */
  async pass(seconds: number, meanwhile?: () => void): Promise<this> {
    for (let i = 0; i < seconds; i++, this.now++) {
      meanwhile?.();
      await this.guard.tick();
    }
    return this;
  }
}

describe("a guard", () => {
  it("leaves a rollout alone whose driver goes on renewing its Lease, for ever", async () => {
    const world = new World(rollout(), "ci");
    await world.pass(300, () => void (world.now % 10 === 0 && world.renewals++));
    expect(world.did).to.deep.equal([]);
    expect(world.holder).to.equal("ci");
  });

  it("sends traffic home as soon as the Lease has run out, then records it once", async () => {
    const world = await new World(rollout(), "ci").pass(31);
    expect(world.did).to.deep.equal([]);
    await world.pass(1);
    expect(world.did).to.deep.equal(["hold", "hold", "home"]);
    await world.pass(60);
    expect(world.did.filter((d) => d === "record")).to.have.length(1);
    expect(world.did.filter((d) => d === "home")).to.have.length(1);
    expect(world.book.record?.rollout?.sentHome?.by).to.equal(ME);
    expect(world.book.rollbacks).to.deep.equal({ guard: 1 });
    expect(world.book.journal.at(-1)?.message).to.equal("All traffic is sent home: ci has not been heard of for 30 s");
  });

  it("sends it home again when an update of the dead driver raises it, before and after that is recorded", async () => {
    const world = await new World(rollout(), "ci").pass(33);
    world.home = false;
    await world.pass(1);
    expect(world.home).to.equal(true);
    expect(world.book.rollbacks).to.deep.equal({});
    await world.pass(5);
    world.home = false;
    await world.pass(1);
    expect(world.home).to.equal(true);
    expect(world.book.rollbacks).to.deep.equal({ guard: 1 });
  });

  it("keeps the Lease by renewing it every third of its time", async () => {
    const world = await new World(rollout({ phase: "held" })).pass(61);
    expect(world.did.filter((d) => d === "hold").length).to.be.within(6, 8);
  });

  it("steps back for a driver that takes the Lease from it, and stops its watch", async () => {
    const world = await new World(rollout({ phase: "held" })).pass(3);
    expect(world.watching).to.deep.equal(["v2-1"]);
    world.holder = "you";
    world.finding = { reason: "errors" };
    const before = world.did.length;
    await world.pass(5, () => world.renewals++);
    expect(world.did.slice(before)).to.deep.equal([]);
    expect(world.watching).to.deep.equal([]);
  });

  it("does not act when a driver takes the Lease between its look and its act", async () => {
    const world = await new World(rollout(), "ci").pass(31);
    let asked = 0;
    world.fault = () => {
      // The record, the Lease, and then the guard's write over it: the driver is back just before.
      if (++asked === 3) [world.holder, world.renewals] = ["ci", world.renewals + 1];
    };
    await world.pass(1);
    expect(world.did).to.deep.equal([]);
    expect(world.holder).to.equal("ci");
  });

  it("watches a held rollout at once, and sends it home when its gates fail, with the gates as the reason", async () => {
    const world = await new World(rollout({ phase: "held", reason: "a person must decide" })).pass(20);
    expect(world.home).to.equal(false);
    world.finding = { reason: "errors: 9 % fail", gates: [{ metric: "errors", gate: "ratio", answer: "fail", sentence: "9 % fail." }] };
    await world.pass(5);
    expect(world.home).to.equal(true);
    expect(world.book.record?.rollout).to.deep.include({ phase: "held", reason: "errors: 9 % fail" });
    expect(world.book.journal.at(-1)).to.deep.include({ kind: "verdict", verdict: "rollback", by: ME });
    expect(world.watching).to.deep.equal([]);
  });

  it("forgets what a watch found once a driver has been there in between", async () => {
    const world = await new World(rollout({ phase: "held" })).pass(3);
    world.finding = { reason: "errors" };
    world.holder = "you";
    await world.pass(2, () => world.renewals++);
    world.finding = undefined;
    world.holder = undefined;
    await world.pass(5);
    expect(world.home).to.equal(false);
  });

  it("lives through an API server that is away, acts on nothing meanwhile, and takes no live driver for dead afterwards", async () => {
    const world = await new World(rollout(), "ci").pass(5);
    world.fault = () => { throw new Error("The API server cannot be reached: the connection was refused."); };
    await world.pass(600);
    expect(world.logged).to.deep.equal(["The API server cannot be reached: the connection was refused."]);
    world.fault = undefined;
    await world.pass(10);
    expect(world.did).to.deep.equal([]);
    expect(world.logged.slice(1)).to.deep.equal(["the cluster can be read and written again"]);
    await world.pass(30);
    expect(world.did).to.include("home");
  });

  it("tries again when a patch fails, and never records what it has not seen to be home", async () => {
    const world = await new World(rollout(), "ci").pass(31);
    let patches = 0;
    const parts = (world.guard as unknown as { parts: { sendHome: () => Promise<void> } }).parts;
    parts.sendHome = async () => { patches++; throw new Error("forbidden"); };
    await world.pass(10);
    expect(patches).to.be.greaterThan(5);
    expect(world.did).to.not.include("record");
    expect(world.logged.filter((line) => line === "forbidden")).to.have.length(1);
  });

  it("leaves a promotion that has begun to move where it is, with one note", async () => {
    const world = await new World(rollout({ phase: "promoting", step: "move", weight: 100 }), "ci").pass(90);
    expect(world.did).to.not.include("home");
    expect(world.book.journal.map(({ message }) => message)).to.deep.equal([
      "The promotion of v2 stopped half way (step move) and nobody drives it: all traffic is on one healthy version and stays there. End it with `canary resume`."]);
    expect(world.book.rollbacks).to.deep.equal({});
  });

  it("frees the Lease when the rollout that it held for has ended, and when it is stopped", async () => {
    const world = await new World(rollout({ phase: "held" })).pass(3);
    const { rollout: _, ...record } = world.book.record!;
    world.book = { ...world.book, record };
    await world.pass(1);
    expect(world.holder).to.equal(undefined);

    const stopped = await new World(rollout({ phase: "held" })).pass(3);
    await stopped.guard.run(AbortSignal.abort());
    expect(stopped.holder).to.equal(undefined);
  });
});
