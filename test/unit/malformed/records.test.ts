import * as fs from "node:fs";
import { expect } from "chai";
import * as fc from "fast-check";
import { DATA_KEYS, type HistoryEntry, type JournalEntry, type RolloutRecord } from "../../../components/record/format";
import { changed } from "../components/declare";
import { breakage, ODD_VALUES, pathsIn, renamed, runs, slip, TEXT_BREAKAGES, without } from "./breakages";
import { Desk, type Told } from "./desk";
import { CASES, count, expectRefusal, expectSentences } from "./oracle";

const STACK_FILE = "config:\n  canary:namespace: shop\n  canary:stable: v1\n  canary:canary: v2\n  canary:weight: 25\n  canary:generation: 7\n  canary:services:\n    shop: { image: shop, port: 8080, hosts: [shop.example] }\n";
const NAME = "shop-dev-rollout";
const AT = "2026-03-01T12:00:00.000Z";
const RECORD: RolloutRecord = {
  format: 1, stack: "dev", generation: 7,
  keys: { stable: "v1", canary: { version: "v2", env: { A: "b" } }, previous: "v0", weight: 25 },
  rollout: {
    id: "v2-abc", version: "v2", from: "v1", phase: "observing", step: "full", stage: 1, stages: [5, 25, 50, 100], weight: 25, startedAt: AT, since: AT, reason: "it was asked for",
    seen: { at: AT, served: 0.25, gates: [{ service: "shop", metric: "errors", gate: "absolute", answer: "pass", sentence: "few errors.", value: 0.01, limit: 0.05, logE: -1, logELimit: 5 }] },
    settings: { weight: { name: "--canary-weight", text: "25", value: 25 } }, sentHome: { by: "guard/x", at: AT },
  },
  undo: { version: "v0", until: AT },
  request: { verb: "hold", by: "me@there", at: AT, reason: "lunch" },
};
const HISTORY: readonly HistoryEntry[] = ["promoted", "rolled-back"].map((outcome, i) => ({ id: `v${i}-abc`, version: `v${i}`, from: "v0", kind: "rollout", outcome: outcome as "promoted", reason: "errors", startedAt: AT, endedAt: AT, by: "me@there", generation: i }));
const VERDICT: JournalEntry = { seq: 2, at: AT, rollout: "v2-abc", by: "me@there", kind: "verdict", stage: 1, weight: 25, verdict: "hold", message: "too few requests" };
const JOURNAL: readonly JournalEntry[] = [{ seq: 1, at: AT, rollout: "v2-abc", by: "me@there", kind: "intent", phase: "raising", stage: 1, weight: 25, message: "v2: raising" }, VERDICT];
const lines = (entries: readonly unknown[]): string => entries.map((entry) => `${JSON.stringify(entry)}\n`).join("");
const DATA: Readonly<Record<string, string>> = { [DATA_KEYS.record]: JSON.stringify(RECORD), [DATA_KEYS.history]: lines(HISTORY), [DATA_KEYS.journal]: lines(JOURNAL), [DATA_KEYS.rollbacks]: '{"verdict":3}' };
const LEASE = { apiVersion: "coordination.k8s.io/v1", kind: "Lease", metadata: { name: NAME, namespace: "shop" }, spec: { holderIdentity: "me@there (canary deploy, pid 7)", leaseDurationSeconds: 30, renewTime: "2026-03-01T12:00:00.000000Z", acquireTime: "2026-03-01T12:00:00.000000Z", leaseTransitions: 3 } };
/** A time that no clock has come to. */
const NEVER = "9999-01-01T00:00:00Z";
const VERBS: readonly (readonly string[])[] = [["deploy", "v9", "--yes"], ["promote", "--full"], ["hold"], ["resume", "--yes"], ["traffic", "50"], ["undo"], ["cleanup", "--now"], ["sync"], ["experiment", "v9"]];

describe("malformed, in the cluster", function () {
  this.timeout(240_000);
  const desk = new Desk();
  let turn = 0;
  before(async () => {
    await desk.start();
    desk.write("Pulumi.dev.yaml", STACK_FILE);
  });
  after(() => desk.stop());
  afterEach(() => expect(fs.readFileSync(desk.path("Pulumi.dev.yaml"), "utf8")).to.equal(STACK_FILE));

  /** What is shown of what could be read; the person's own texts may be odd. */
  function expectShown(told: Told, theirs: string): void {
    expect(told.stderr).to.equal("");
    const ours = ["undefined", "NaN"].filter((word) => theirs.includes(word)).reduce((text, word) => text.replaceAll(word, "it"), told.stdout);
    for (const line of ours.split("\n")) expectSentences(line, told.args.join(" "));
  }

  /** @returns what the history showed */
  async function judged(map: object | string, theirs: string, accept: "never" | "perhaps" | "always"): Promise<string> {
    desk.cluster.objects = { [`configmaps/${NAME}`]: map, [`leases/${NAME}`]: LEASE };
    const told = await desk.stack(["history"]);
    turn++;
    if (told.code === 0) {
      expect(accept, `accepted: ${theirs.slice(0, 1000)}`).not.to.equal("never");
      expectShown(told, theirs);
      expect(told.changes).to.deep.equal([]);
      if (turn % 10 !== 0) return told.stdout;
      const shown = await desk.stack(["status"]);
      expect([0, 1]).to.include(shown.code);
      expectShown(shown, theirs);
      expect(shown.changes).to.deep.equal([]);
      return told.stdout;
    }
    expect(accept, told.stderr).not.to.equal("always");
    expectRefusal(told, [`ConfigMap ${NAME}`], [1]);
    if (turn % 3 !== 0) return told.stdout;
    const again = await desk.stack(VERBS[(turn / 3) % VERBS.length | 0]!);
    expectRefusal(again, [`ConfigMap ${NAME}`], [1]);
    expect(again.stderr).to.equal(told.stderr);
    return told.stdout;
  }

  const withData = (data: object): object => ({ apiVersion: "v1", kind: "ConfigMap", metadata: { name: NAME, namespace: "shop" }, data });

  async function record(text: string, accept: "never" | "perhaps" = "perhaps"): Promise<void> {
    count("rollout records");
    await judged(withData({ ...DATA, [DATA_KEYS.record]: text }), text, accept);
  }

  it("a rollout record with an odd value is refused by name, or shown, and nothing is changed", () =>
    fc.assert(fc.asyncProperty(fc.nat(), fc.constantFrom(...ODD_VALUES), (choice, odd) => {
      const paths = pathsIn(RECORD);
      return record(JSON.stringify(changed(RECORD, paths[choice % paths.length]!, odd)));
    }), runs((CASES * 4) / 10)));

  it("a rollout record without a key, or with another name for it, is refused by name, or shown", () =>
    fc.assert(fc.asyncProperty(fc.nat(), fc.nat(6), fc.nat(20), (choice, kind, at) => {
      const paths = pathsIn(RECORD);
      const where = paths[choice % paths.length]!;
      return record(JSON.stringify(kind === 6 ? without(RECORD, where) : renamed(RECORD, where, slip(String(where.at(-1)), kind, at))));
    }), runs((CASES * 2) / 10)));

  it("a rollout record that is half written, or something else, is refused by name", () =>
    fc.assert(fc.asyncProperty(breakage, ({ name, at }) => record(TEXT_BREAKAGES[name]!(JSON.stringify(RECORD, null, 1), at).toString("latin1"))), runs((CASES * 2) / 10)));

  it("a history or journal with damaged lines shows the others, and neither is refused, nor a count of rollbacks", () =>
    fc.assert(fc.asyncProperty(fc.nat(), fc.constantFrom(...ODD_VALUES), breakage, fc.constantFrom(DATA_KEYS.history, DATA_KEYS.journal, DATA_KEYS.rollbacks), fc.boolean(), async (choice, odd, { name, at }, key, tree) => {
      count("rollout records");
      const entries: readonly unknown[] = key === DATA_KEYS.history ? HISTORY : key === DATA_KEYS.journal ? JOURNAL : [{ verdict: 3 }];
      const paths = pathsIn(entries);
      const text = tree ? lines(changed(entries, paths[choice % paths.length]!, odd) as unknown[]) : TEXT_BREAKAGES[name]!(DATA[key]!, at).toString("latin1");
      const shown = await judged(withData({ ...DATA, [key]: text }), text, "always");
      const kept = (entry: object): boolean => text.split("\n").includes(JSON.stringify(entry));
      for (const { id } of key === DATA_KEYS.history ? HISTORY.filter(kept) : HISTORY) expect(shown).to.include(` ${id} `);
      // The journal's latest verdict is what programs are told of it.
      if (key === DATA_KEYS.journal && kept(VERDICT)) expect((await desk.stack(["status", "--json"])).stdout).to.include(`"message":"${VERDICT.message}"`);
    }), runs((CASES * 2) / 10)));

  it("a rollout record of a newer format, or of none, is refused with what is wrong in it", async () => {
    for (const [broken, says] of [[{ ...RECORD, format: 2 }, "its format is 2"], [without(RECORD, ["format"]), "has no format"], [[], "is no JSON object"], [null, "is no JSON object"], [5, "is no JSON object"], ["text", "is no JSON object"], [{ ...RECORD, keys: null }, "keys in its key"]] as const) {
      await record(JSON.stringify(broken), "never");
      expect((await desk.stack(["history"])).stderr).to.include(says);
    }
  });

  it("a rollout record of many gates hides none of them, and of ten thousand, nothing of the history", async () => {
    for (const [gates, verb, shown, lines] of [[300, "status", /^shop\/errors +absolute +pass /gm, 300], [10_000, "history", / v\d-abc /g, HISTORY.length]] as const) {
      count("rollout records");
      const seen = { ...RECORD.rollout!.seen, gates: new Array(gates).fill(RECORD.rollout!.seen!.gates[0]) };
      desk.cluster.objects = { [`configmaps/${NAME}`]: withData({ ...DATA, [DATA_KEYS.record]: JSON.stringify({ ...RECORD, rollout: { ...RECORD.rollout, seen } }) }), [`leases/${NAME}`]: LEASE };
      const told = await desk.stack([verb]);
      expectShown(told, "");
      expect(told.stdout.match(shown)).to.have.length(lines);
    }
  });

  it("a rollout record whose measurements were no numbers is read without them", async () => {
    count("rollout records");
    const seen = { at: AT, served: null, gates: [{ metric: "errors", gate: "absolute", answer: "pass", sentence: "few.", value: null, logE: null }] };
    desk.cluster.objects = { [`configmaps/${NAME}`]: withData({ ...DATA, [DATA_KEYS.record]: JSON.stringify({ ...RECORD, rollout: { ...RECORD.rollout, seen } }) }), [`leases/${NAME}`]: LEASE };
    const told = await desk.stack(["status"]);
    expect(told.stdout).to.include("v1 → v2").and.not.include("cannot be read");
    expectShown(told, "");
  });

  it("an API server that answers with no object is named, and nothing is changed", async () => {
    for (const answer of ["", "<html>502</html>", '{"kind":"ConfigMap"', withData({ [DATA_KEYS.record]: 5 })]) {
      desk.cluster.objects = { [`configmaps/${NAME}`]: answer };
      for (const verb of [["history"], ...VERBS.slice(0, 4)]) {
        count("rollout records");
        expectRefusal(await desk.stack(verb), /cluster cannot be asked|record cannot be opened|ConfigMap/, [1]);
      }
    }
  });

  it("an API server that answers with another object is taken for one without what that lacks, and looking changes nothing", async () => {
    for (const answer of ["null", "5", "[]", { kind: "Pod" }, withData([] as unknown as object), { ...withData(DATA), data: "text" }, { ...withData(DATA), data: null }]) {
      count("rollout records");
      desk.cluster.objects = { [`configmaps/${NAME}`]: answer };
      const told = await desk.stack(["history"]);
      expect([told.code, told.changes], told.stderr).to.deep.equal([0, []]);
      expect(told.stdout).to.include('Nothing was rolled out on "dev" yet');
      expectShown(told, "");
    }
    // What of it is whole is read.
    expect(await judged({ ...withData(DATA), metadata: 5 }, "", "always")).to.include(" v1-abc ");
  });

  /** The number that chooses a key of the Lease. */
  const keyAt = (key: string): number => Object.keys(LEASE.spec).indexOf(key);

  it("a Lease with odd values locks nobody out for more than a day, and is shown in words", () =>
    fc.assert(fc.asyncProperty(fc.nat(), fc.constantFrom(...ODD_VALUES, NEVER, "1970-01-01T00:00:00Z"), async (choice, odd) => {
      count("Leases");
      const spec = { ...LEASE.spec, leaseDurationSeconds: 3, renewTime: new Date(Date.now() - 2 * 86_400_000).toISOString() };
      const paths = pathsIn(spec);
      desk.cluster.objects = { [`configmaps/${NAME}`]: withData(DATA), [`leases/${NAME}`]: { ...LEASE, spec: changed(spec, paths[choice % paths.length]!, odd) } };
      const told = await desk.stack(["status"]);
      expect([0, 1], told.stderr).to.include(told.code);
      expectShown(told, JSON.stringify(odd) ?? "");
      expect(told.changes).to.deep.equal([]);
      // It takes the Lease, which this cluster lets nobody do.
      const taken = await desk.stack(["hold"]);
      expect(taken.changes, taken.stderr).to.deep.equal([`PUT /apis/coordination.k8s.io/v1/namespaces/shop/leases/${NAME}`]);
    }), { ...runs(50), examples: [[keyAt("leaseDurationSeconds"), 1e308], [keyAt("renewTime"), NEVER]] }));
});
