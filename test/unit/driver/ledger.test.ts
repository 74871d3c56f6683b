import * as fs from "node:fs";
import * as path from "node:path";
import { expect } from "chai";
import type { HistoryEntry, RecordedRollout } from "../../../components/record/format";
import { LeaseLostError } from "../../../driver/errors";
import type { Lease } from "../../../driver/record/lease";
import { Ledger, UnwrittenError } from "../../../driver/record/ledger";
import type { Book } from "../../../driver/record/store";
import { folder, freeLease, memoryStore, rejection } from "./fakes";

const ROLLOUT: RecordedRollout = { id: "v2-abc", version: "v2", from: "v1", phase: "starting", stages: [5, 50], weight: 0, startedAt: "2026-01-01T00:00:00Z", since: "2026-01-01T00:00:00Z" };
const entry = (rest: Partial<HistoryEntry> = {}): HistoryEntry => ({ id: "v2-abc", version: "v2", from: "v1", kind: "rollout", outcome: "rolled-back", reason: "errors", startedAt: "a", endedAt: "b", by: "me", generation: 4, ...rest });
const WINDOW = { version: "v0", until: "2030-01-01T00:00:00Z" };

/** What somebody else writes while nobody looks. */
const others = (store: { book: Book }, change: (book: Book) => Book): void => void (store.book = change(store.book));
const askedFor = (store: { book: Book }): void => others(store, (b) => ({ ...b, record: { ...b.record!, request: { verb: "hold", by: "ann", at: "t" } } }));

describe("the ledger", () => {
  let refuse: Error | undefined;
  const setUp = (lease: Partial<Lease> = {}) => {
    const store = memoryStore(() => {
      if (refuse) throw refuse;
    });
    const dir = path.join(folder("ledger"), "not", "yet", "there");
    const ledger = new Ledger({ store, lease: { ...freeLease, ...lease }, stack: "dev", holder: "me", folder: dir });
    return { store, ledger, dir };
  };
  beforeEach(() => (refuse = undefined));

  it("numbers the journal from 1 in each rollout, and goes on where another driver's ended", async () => {
    const { store, ledger } = setUp();
    await ledger.begin(ROLLOUT, "v2 beside v1");
    await ledger.enter({ phase: "raising", stage: 0, weight: 5 }, "raising");
    const successor = new Ledger({ store, lease: freeLease, stack: "dev", holder: "next", folder: folder("ledger") });
    await successor.open();
    await successor.verdict({ stage: 0, weight: 5, verdict: "promote", gates: [], message: "every gate passes" });
    expect(store.book.journal.map(({ seq, by, kind, phase, weight }) => [seq, by, kind, phase, weight])).to.deep.equal([
      [1, "me", "intent", "starting", 0], [2, "me", "intent", "raising", 5], [3, "next", "verdict", "raising", 5],
    ]);
    await ledger.begin({ ...ROLLOUT, id: "v3-abd" }, "v3");
    expect(store.book.journal.map((e) => [e.seq, e.rollout])).to.deep.equal([[1, "v3-abd"]]);
  });

  it("writes one after the other, however many are asked for at once", async () => {
    const { store, ledger } = setUp();
    await ledger.begin(ROLLOUT, "begin");
    await Promise.all(Array.from({ length: 20 }, (_, i) => ledger.note(`note ${i}`)));
    expect(store.book.journal.map((e) => e.seq)).to.deep.equal(Array.from({ length: 21 }, (_, i) => i + 1));
    expect(store.book.journal.slice(1).map((e) => e.message)).to.deep.equal(Array.from({ length: 20 }, (_, i) => `note ${i}`));
  });

  it("enters a phase with the moment and the reason, and forgets the reason of the phase before", async () => {
    const { ledger } = setUp();
    await ledger.begin(ROLLOUT, "begin");
    await ledger.enter({ phase: "held", reason: "too few requests" }, "held");
    expect(ledger.rollout).to.include({ phase: "held", reason: "too few requests", weight: 0 });
    expect(ledger.rollout!.since).not.to.equal(ROLLOUT.since);
    await ledger.enter({ phase: "raising", stage: 1, weight: 50 }, "raising");
    expect(ledger.rollout).to.deep.include({ phase: "raising", stage: 1, weight: 50, id: "v2-abc", startedAt: ROLLOUT.startedAt });
    expect(ledger.rollout).not.to.have.property("reason");
  });

  it("never forgets in a hold that the stable Service has begun to move, and forgets any other step of a promotion", async () => {
    const { ledger } = setUp();
    await ledger.begin(ROLLOUT, "begin");
    for (const [step, kept] of [["full", undefined], ["move", "move"], ["close", "close"]] as const) {
      await ledger.enter({ phase: "promoting", step }, "promoting");
      expect(ledger.rollout!.step).to.equal(step);
      await ledger.enter({ phase: "held", reason: "r" }, "held");
      expect(ledger.rollout!.step).to.equal(kept);
    }
  });

  it("keeps what somebody else has written meanwhile: that traffic was sent home", async () => {
    const { store, ledger } = setUp();
    await ledger.begin(ROLLOUT, "begin");
    others(store, (b) => ({ ...b, record: { ...b.record!, rollout: { ...b.record!.rollout!, sentHome: { by: "guard/x", at: "t" } } } }));
    await ledger.enter({ phase: "observing", stage: 0, weight: 5 }, "observing");
    await ledger.keys(7, { stable: "v1", weight: 5 });
    expect(store.book.record).to.deep.include({ generation: 7, keys: { stable: "v1", weight: 5 } });
    expect(store.book.record!.rollout!.sentHome).to.deep.equal({ by: "guard/x", at: "t" });
    expect(ledger.rollout!.sentHome?.by).to.equal("guard/x");
  });

  it("clears a request when it is taken up or has come too late, and lets it stand while the rollout goes on", async () => {
    const { store, ledger } = setUp();
    await ledger.begin(ROLLOUT, "begin");
    askedFor(store);
    await ledger.enter({ phase: "observing", stage: 0 }, "observing");
    expect(store.book.record!.request?.by).to.equal("ann");
    for (const phase of ["held", "reverting"] as const) {
      askedFor(store);
      await ledger.enter({ phase, reason: "asked" }, phase);
      expect(store.book.record).not.to.have.property("request");
    }
    askedFor(store);
    await ledger.close({ entry: entry() });
    expect(store.book.record).not.to.have.property("request");
    askedFor(store);
    await ledger.begin(ROLLOUT, "begin");
    expect(store.book.record).not.to.have.property("request");
    askedFor(store);
    await ledger.answered();
    expect(store.book.record).not.to.have.property("request");
  });

  it("ends a rollout in the history and counts why it was rolled back", async () => {
    const { store, ledger } = setUp();
    await ledger.begin(ROLLOUT, "begin");
    await ledger.close({ entry: entry(), rollback: "verdict" });
    await ledger.begin(ROLLOUT, "begin");
    await ledger.close({ entry: entry(), rollback: "verdict" });
    await ledger.begin(ROLLOUT, "begin");
    await ledger.close({ entry: entry({ outcome: "promoted", reason: "every gate passed" }) });
    expect(store.book.rollbacks).to.deep.equal({ verdict: 2 });
    expect(store.book.history.map((e) => e.outcome)).to.deep.equal(["rolled-back", "rolled-back", "promoted"]);
    expect(store.book.journal.at(-1)).to.include({ kind: "end", message: "promoted: every gate passed" });
    expect(store.book.record).not.to.have.property("rollout");
    expect((await ledger.outcomeOf("v2-abc"))?.outcome).to.equal("rolled-back");
    expect(await ledger.outcomeOf("v9")).to.equal(undefined);
  });

  it("does not count a rollback again that the guard has counted", async () => {
    const { store, ledger } = setUp();
    for (const [by, counted] of [["guard/x", {}], ["ann", { guard: 1 }]] as const) {
      await ledger.begin({ ...ROLLOUT, sentHome: { by, at: "t" } }, "begin");
      await ledger.close({ entry: entry(), rollback: "guard" });
      expect(store.book.rollbacks).to.deep.equal(counted);
    }
  });

  it("keeps the undo window of the promotion before when a rollout goes home, and replaces it when one is promoted", async () => {
    const { store, ledger } = setUp();
    await ledger.amend((record) => ({ ...record, undo: WINDOW }));
    for (const outcome of ["rolled-back", "interrupted", "measured"] as const) {
      await ledger.begin(ROLLOUT, "begin");
      await ledger.close({ entry: entry({ outcome }) });
      expect(store.book.record!.undo, outcome).to.deep.equal(WINDOW);
    }
    await ledger.close({ entry: entry({ outcome: "promoted" }), undo: { version: "v1", until: "2031-01-01T00:00:00Z" } });
    expect(store.book.record!.undo?.version).to.equal("v1");
    await ledger.close({ entry: entry({ outcome: "promoted" }) });
    expect(store.book.record).not.to.have.property("undo");
  });

  it("writes nothing where no rollout is recorded", async () => {
    const { store, ledger } = setUp();
    await ledger.enter({ phase: "observing" }, "observing");
    await ledger.note("n");
    expect(store.book).to.deep.equal({ journal: [], history: [], rollbacks: {} });
  });

  it("writes what is seen every few seconds at most", async () => {
    const { store, ledger } = setUp();
    await ledger.begin(ROLLOUT, "begin");
    ledger.seen(0.05, []);
    await ledger.settled();
    const first = store.book.record!.rollout!.seen;
    ledger.seen(0.06, []);
    await ledger.settled();
    expect(first).to.deep.include({ served: 0.05, gates: [] });
    expect(store.book.record!.rollout!.seen).to.equal(first);
  });

  it("says why it could not write, in one line, until it can again", async () => {
    const { store, ledger } = setUp();
    await ledger.begin(ROLLOUT, "begin");
    refuse = new Error("HTTP-Code: 403\nMessage: forbidden");
    const failure = await rejection(ledger.enter({ phase: "raising", weight: 5 }, "raising"));
    expect(failure).to.be.instanceOf(UnwrittenError);
    expect(failure?.message).to.equal("The rollout record cannot be written (HTTP-Code: 403).");
    expect(ledger.trouble).to.equal("HTTP-Code: 403");
    expect(ledger.rollout!.phase).to.equal("starting");
    await ledger.anyway(ledger.note("not waited for"));
    refuse = undefined;
    await ledger.enter({ phase: "raising", weight: 5 }, "raising");
    expect(ledger.trouble).to.equal(undefined);
    expect(store.book.journal.map((e) => e.seq)).to.deep.equal([1, 2]);
  });

  it("writes nothing any more when the Lease is lost", async () => {
    const { store, ledger } = setUp();
    await ledger.begin(ROLLOUT, "begin");
    const before = store.book;
    ledger.lose(new LeaseLostError("ci works on this stack."));
    expect((await rejection(ledger.close({ entry: entry(), rollback: "verdict" })))?.message).to.equal("The rollout record cannot be written (The Lease of this rollout is lost: ci works on this stack).");
    ledger.seen(0.5, []);
    await ledger.settled();
    expect(store.book).to.equal(before);
  });

  it("keeps a copy of the journal in a file of its own for each rollout, and minds no disk that is full", async () => {
    const { store, ledger, dir } = setUp();
    await ledger.begin(ROLLOUT, "begin");
    await ledger.note("n");
    const lines = fs.readFileSync(path.join(dir, "v2-abc.journal.ndjson"), "utf8").trim().split("\n");
    expect(lines.map((line) => JSON.parse(line) as object)).to.deep.equal(store.book.journal);
    await ledger.begin({ ...ROLLOUT, id: "v3-abd" }, "begin");
    expect(fs.readdirSync(dir).sort()).to.deep.equal(["v2-abc.journal.ndjson", "v3-abd.journal.ndjson"]);
    fs.writeFileSync(path.join(dir, "..", "file"), "");
    const full = new Ledger({ store, lease: freeLease, stack: "dev", holder: "me", folder: path.join(dir, "..", "file") });
    await full.begin(ROLLOUT, "begin");
    expect(store.book.journal).to.have.length(1);
  });

  it("looks whether the record can be understood, takes the Lease before it reads what counts, names the holder that let it run out, and frees it after the last write", async () => {
    const order: string[] = [];
    const { store, ledger } = setUp({ acquire: async () => (order.push("acquire"), "ci"), release: async () => void order.push(`release after ${store.book.journal.length} lines`) });
    const read = store.read;
    store.read = () => (order.push("read"), read());
    expect(await ledger.open()).to.equal("ci");
    await ledger.begin(ROLLOUT, "begin");
    void ledger.note("the last");
    await ledger.shut();
    expect(order).to.deep.equal(["read", "acquire", "read", "release after 2 lines"]);
  });

  it("asks the driver that holds the Lease without holding it", async () => {
    const { store, ledger } = setUp();
    await ledger.begin(ROLLOUT, "begin");
    const other = new Ledger({ store, lease: freeLease, stack: "dev", holder: "ann", folder: folder("ledger") });
    await other.request({ verb: "rollback", by: "ann", at: "t" });
    expect((await ledger.look())?.request).to.deep.equal({ verb: "rollback", by: "ann", at: "t" });
    expect(store.book.record!.rollout!.id).to.equal("v2-abc");
  });
});
