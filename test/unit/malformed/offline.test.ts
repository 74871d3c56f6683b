import { expect } from "chai";
import * as fc from "fast-check";
import { stringify } from "yaml";
import { changed, type Path } from "../components/declare";
import { breakage, dotted, HUGE, ODD_VALUES, pathsIn, renamed, runs, slip, TEXT_BREAKAGES, without } from "./breakages";
import { Desk, type Told } from "./desk";
import { CASES, count, expectRefusal, expectSentences } from "./oracle";

/** Gate sections that are accepted, of every kind of rule. */
const GATES: readonly object[] = [
  { preset: "C" }, { preset: "D", p99: { fail: "200%" } }, { preset: "E", health: { atMost: "10%" } }, { preset: "A" }, { preset: "B", success: { atLeast: "99%" } },
  { alpha: "1%", beta: "10%", pFloor: "0.5%", overdispersion: 2, window: "30s", warmUp: "5s", errors: { kind: "ratio", critical: true, absolute: "5%", r0: 1.1, r1: 3 } },
  { errors: { kind: "ratio" }, latency: { kind: "shape", p50: "100ms", p95: "1000ms", p99: "2s", r0: 1.2, r1: 2 } },
  { signups: { kind: "ratio", critical: true, numerator: "a{v=\"{{version}}\"}", denominator: "b", better: "higher" }, confidence: { kind: "gauge", query: "avg(c)", atLeast: "80%ofBaseline" } },
  { errors: { kind: "threshold", of: "errors", atMost: "5%", over: "60s", minSamples: 10 }, db: { kind: "threshold", query: "connections", atMost: 100, critical: false } },
  { p99: { kind: "baseline", of: "p99", within: "110%", fail: "150%", minSamples: 50 }, failures: { kind: "count", rollbackAt: 5 }, pods: { kind: "pods", maxRestarts: 1 }, health: { kind: "probe", atMost: "5%" } },
];
const WINDOWS = Array.from({ length: 6 }, (_, i) => [
  { t: 15 * i, metric: "errors", stage: i < 3 ? 0 : 1, weight: i < 3 ? 5 : 25, phase: "observing", canary: { x: i, n: 100 }, baseline: { x: 2 * i, n: 1900 } },
  { t: 15 * i, metric: "latency", stage: i < 3 ? 0 : 1, weight: i < 3 ? 5 : 25, canary: { le: [0.1, 1, "+Inf"], count: [90, 99, 100] }, baseline: { le: [0.1, 1], count: [1800, 1890, 1900] } },
  { t: 15 * i, metric: "confidence", stage: i < 3 ? 0 : 1, weight: i < 3 ? 5 : 25, canary: { mean: 0.9, sd: 0.1, n: 15 }, baseline: { mean: 0.91, sd: 0.1, n: 15 } },
]).flat();
const linesOf = (records: unknown): string => (records as unknown[]).map((record) => `${JSON.stringify(record)}\n`).join("");
const VERDICTS = [0, 2, 3];

describe("malformed", function () {
  this.timeout(240_000);
  const desk = new Desk();
  before(() => desk.start());
  after(() => desk.stop());

  /** Whatever was said of accepted input holds no machinery either. */
  function expectVerdict(told: Told, content: string | Uint8Array): void {
    expect(VERDICTS, told.stderr).to.include(told.code);
    expect(told.stderr).to.equal("");
    // A metric may have any name.
    const ours = ["undefined", "NaN"].filter((word) => String(content).includes(word)).reduce((text, word) => text.replaceAll(word, "it"), told.stdout);
    for (const line of ours.split("\n")) expectSentences(line, "analyze");
    expect(told.stdout).to.match(/^(promote|rollback|hold|undecided): /);
  }

  async function gates(content: string | Uint8Array, named: RegExp | readonly string[], accept: "never" | "perhaps" | "always"): Promise<void> {
    count("gate files");
    desk.write("windows.ndjson", linesOf(WINDOWS.filter(({ metric }) => metric === "errors")));
    const told = await desk.canary(["analyze", desk.path("windows.ndjson"), "--gates", desk.write("gates.yaml", content)]);
    if (accept === "always" || (VERDICTS.includes(told.code) && accept === "perhaps")) return expectVerdict(told, content);
    expectRefusal(told, named);
    expect(told.stdout).to.equal("");
  }

  async function windows(content: string | Uint8Array, named: RegExp, accept: "never" | "perhaps"): Promise<void> {
    count("recorded windows");
    const told = await desk.canary(["analyze", desk.write("windows.ndjson", content)]);
    if (VERDICTS.includes(told.code) && accept === "perhaps") return expectVerdict(told, content);
    expectRefusal(told, named);
    expect(told.stdout).to.equal("");
  }

  describe("gate files", () => {
    const keyOf = (path: Path): string => `gates.${dotted(path)}`;
    const NONE_LEFT = "gates has no critical metric";

    it("are accepted before anything has happened to them", async () => {
      for (const raw of GATES) await gates(stringify(raw), [], "always");
    });

    it("are refused with the key, or mean something, when one value is odd", () =>
      fc.assert(fc.asyncProperty(fc.constantFrom(...GATES), fc.nat(), fc.constantFrom(...ODD_VALUES), fc.boolean(), (raw, choice, odd, wrapped) => {
        const paths = pathsIn(raw);
        const where = paths[choice % paths.length]!;
        const broken = changed(raw, where, odd);
        // Of a pair of which one must be above the other, the other one is named first.
        return gates(stringify(wrapped ? { gates: broken } : broken), [keyOf(where), ` above ${where.at(-1)}`, NONE_LEFT], "perhaps");
      }), runs(CASES / 4)));

    it("are refused with the key, or with what lacks it, or mean something, when one is missing or misspelt", () =>
      fc.assert(fc.asyncProperty(fc.constantFrom(...GATES), fc.nat(), fc.nat(6), fc.nat(20), (raw, choice, kind, at) => {
        const paths = pathsIn(raw);
        const where = paths[choice % paths.length]!;
        const above = where.slice(0, -1);
        const word = slip(String(where.at(-1)), kind, at);
        const lacking = [keyOf(where), NONE_LEFT, ".kind: expected one of", ...(above.length > 0 ? [keyOf(above)] : [])];
        return kind === 6 ? gates(stringify(without(raw, where)), lacking, "perhaps") : gates(stringify(renamed(raw, where, word)), [...lacking, keyOf([...above, word]), `"${word}"`], "perhaps");
      }), runs(CASES / 4)));

    it("are refused with their name or the key, or mean something, when something happened to the text", () =>
      fc.assert(fc.asyncProperty(fc.constantFrom(...GATES), breakage, (raw, { name, at }) => gates(TEXT_BREAKAGES[name]!(stringify({ gates: raw }), at), /gates/, "perhaps")), runs(CASES / 2)));

    for (const [name, make] of Object.entries(HUGE)) it(`are refused when they are ${name}`, () => gates(make(), /gates/, "never"));
  });

  describe("recorded windows", () => {
    it("are refused with the line, or are judged, when one value is odd", () =>
      fc.assert(fc.asyncProperty(fc.nat(), fc.constantFrom(...ODD_VALUES), (choice, odd) => {
        const paths = pathsIn(WINDOWS);
        return windows(linesOf(changed(WINDOWS, paths[choice % paths.length]!, odd)), /Line \d+|records? /, "perhaps");
      }), runs(CASES / 4)));

    it("are refused with the line, or are judged, when a key is missing or misspelt", () =>
      fc.assert(fc.asyncProperty(fc.nat(), fc.nat(6), fc.nat(20), (choice, kind, at) => {
        const paths = pathsIn(WINDOWS).filter((path) => typeof path.at(-1) === "string");
        const where = paths[choice % paths.length]!;
        return windows(linesOf(kind === 6 ? without(WINDOWS, where) : renamed(WINDOWS, where, slip(String(where.at(-1)), kind, at))), /Line \d+|records? /, "perhaps");
      }), runs(CASES / 4)));

    it("are refused with their name or the line, or are judged, when something happened to the text", () =>
      fc.assert(fc.asyncProperty(breakage, ({ name, at }) => windows(TEXT_BREAKAGES[name]!(linesOf(WINDOWS), at), /Line \d+|windows\.ndjson|record/, "perhaps")), runs(CASES / 2)));

    it("are refused when they are JSON in one piece, CSV, or YAML", async () => {
      for (const text of [JSON.stringify(WINDOWS), JSON.stringify(WINDOWS, null, 1), "t,metric,x,n\n1,errors,1,100\n", stringify(WINDOWS), `${"[".repeat(200_000)}`, `${JSON.stringify(WINDOWS[0]).slice(0, -20)}`])
        await windows(text, /Line 1 is/, "never");
    });

    for (const [name, make] of Object.entries(HUGE)) it(`are refused when they are ${name}`, () => windows(make(), /Line 1/, "never"));

    it("are judged with Windows' line ends, a byte order mark, and empty lines", async () => {
      const told = await desk.canary(["analyze", desk.write("windows.ndjson", linesOf(WINDOWS))]);
      for (const same of [linesOf(WINDOWS).replaceAll("\n", "\r\n"), `\ufeff${linesOf(WINDOWS)}`, linesOf(WINDOWS).replaceAll("\n", "\n\n \n")]) {
        count("recorded windows");
        const again = await desk.canary(["analyze", desk.write("windows.ndjson", same)]);
        expectVerdict(again, same);
        expect(again.stdout).to.equal(told.stdout);
      }
    });
  });
});
