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
const JOURNAL: readonly JournalEntry[] = [{ seq: 1, at: AT, rollout: "v2-abc", by: "me@there", kind: "intent", phase: "raising", stage: 1, weight: 25, message: "v2: raising" }];
const lines = (entries: readonly unknown[]): string => entries.map((entry) => `${JSON.stringify(entry)}\n`).join("");
const DATA: Readonly<Record<string, string>> = { [DATA_KEYS.record]: JSON.stringify(RECORD), [DATA_KEYS.history]: lines(HISTORY), [DATA_KEYS.journal]: lines(JOURNAL), [DATA_KEYS.rollbacks]: '{"verdict":3}' };
const LEASE = { apiVersion: "coordination.k8s.io/v1", kind: "Lease", metadata: { name: NAME, namespace: "shop" }, spec: { holderIdentity: "me@there (canary deploy, pid 7)", leaseDurationSeconds: 30, renewTime: "2026-03-01T12:00:00.000000Z", acquireTime: "2026-03-01T12:00:00.000000Z", leaseTransitions: 3 } };
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

  async function judged(map: object | string, theirs: string, accept: "never" | "perhaps"): Promise<void> {
    desk.cluster.objects = { [`configmaps/${NAME}`]: map, [`leases/${NAME}`]: LEASE };
    const told = await desk.stack(["history"]);
    turn++;
    if (told.code === 0) {
      expect(accept, `accepted: ${theirs.slice(0, 1000)}`).to.equal("perhaps");
      expectShown(told, theirs);
      if (turn % 10 !== 0) return;
      const shown = await desk.stack(["status"]);
      expect([0, 1]).to.include(shown.code);
      expectShown(shown, theirs);
      expect(shown.changes).to.deep.equal([]);
      return;
    }
    expectRefusal(told, [`ConfigMap ${NAME}`], [1]);
    if (turn % 3 !== 0) return;
    const again = await desk.stack(VERBS[(turn / 3) % VERBS.length | 0]!);
    expectRefusal(again, [`ConfigMap ${NAME}`], [1]);
    expect(again.stderr).to.equal(told.stderr);
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

  it("a history or journal with damaged lines shows the others", () =>
    fc.assert(fc.asyncProperty(fc.nat(), fc.constantFrom(...ODD_VALUES), breakage, fc.constantFrom(DATA_KEYS.history, DATA_KEYS.journal, DATA_KEYS.rollbacks), fc.boolean(), async (choice, odd, { name, at }, key, tree) => {
      count("rollout records");
      const entries: readonly unknown[] = key === DATA_KEYS.history ? HISTORY : key === DATA_KEYS.journal ? JOURNAL : [{ verdict: 3 }];
      const paths = pathsIn(entries);
      const text = tree ? lines(changed(entries, paths[choice % paths.length]!, odd) as unknown[]) : TEXT_BREAKAGES[name]!(DATA[key]!, at).toString("latin1");
      await judged(withData({ ...DATA, [key]: text }), text, "perhaps");
    }), runs((CASES * 2) / 10)));

  it("a rollout record of a newer format, of no format, and of ten thousand gates says so", async () => {
    for (const broken of [{ ...RECORD, format: 2 }, without(RECORD, ["format"]), [], null, 5, "text", { ...RECORD, keys: null }]) await record(JSON.stringify(broken), "never");
    await record(JSON.stringify({ ...RECORD, rollout: { ...RECORD.rollout, seen: { ...RECORD.rollout!.seen, gates: new Array(10_000).fill(RECORD.rollout!.seen!.gates[0]) } } }));
  });

  it("a rollout record whose measurements were no numbers is read without them", async () => {
    count("rollout records");
    const seen = { at: AT, served: null, gates: [{ metric: "errors", gate: "absolute", answer: "pass", sentence: "few.", value: null, logE: null }] };
    desk.cluster.objects = { [`configmaps/${NAME}`]: withData({ ...DATA, [DATA_KEYS.record]: JSON.stringify({ ...RECORD, rollout: { ...RECORD.rollout, seen } }) }), [`leases/${NAME}`]: LEASE };
    const told = await desk.stack(["status"]);
    expect(told.stdout).to.include("v1 → v2").and.not.include("cannot be read");
    expectShown(told, "");
  });

  it("an API server that answers something else is named, and nothing is changed", async () => {
    const answers: readonly (object | string)[] = ["", "null", "5", "[]", "<html>502</html>", '{"kind":"ConfigMap"', { kind: "Pod" }, withData([] as unknown as object), withData({ [DATA_KEYS.record]: 5 }), { ...withData(DATA), data: "text" }, { ...withData(DATA), data: null }, { ...withData(DATA), metadata: 5 }];
    for (const answer of answers) {
      count("rollout records");
      desk.cluster.objects = { [`configmaps/${NAME}`]: answer };
      const told = await desk.stack(["history"]);
      if (told.code !== 0) expectRefusal(told, /API server|ConfigMap|cluster/, [1]);
      else expectShown(told, "");
    }
  });

  it("a Lease with odd values locks nobody out for ever, and is shown in words", () =>
    fc.assert(fc.asyncProperty(fc.nat(), fc.constantFrom(...ODD_VALUES, "9999-01-01T00:00:00Z", "1970-01-01T00:00:00Z"), async (choice, odd) => {
      count("Leases");
      const paths = pathsIn(LEASE.spec);
      const broken = { ...LEASE, spec: changed(LEASE.spec, paths[choice % paths.length]!, odd) };
      desk.cluster.objects = { [`configmaps/${NAME}`]: withData(DATA), [`leases/${NAME}`]: broken };
      const told = await desk.stack(["status"]);
      expect([0, 1], told.stderr).to.include(told.code);
      expectShown(told, JSON.stringify(odd) ?? "");
      expect(told.changes).to.deep.equal([]);
    }), runs(50)));
});
