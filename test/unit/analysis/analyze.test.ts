import { expect } from "chai";
import { BacktestError, ConfigError, RecordError, analyzeRecords, backtest, forecast, parseGates, parseRecords } from "../../../analysis";
import { FakeSource, series } from "./fake-source";
import { PLAN, arm, latencies } from "./windows";

const record = (t: number, canary: object, baseline: object, more: object = {}): string => JSON.stringify({ t, metric: "errors", stage: 0, weight: 5, canary, baseline, ...more });
const example = record(15, { x: 12, n: 250 }, { x: 47, n: 4750 });
const lines = (...all: string[]): string => all.join("\n");

describe("Recorded windows", () => {
  it("give the evidence of the design, of the stage and mixed over the default rollout", () => {
    const { gates } = analyzeRecords(example);
    const fail = gates.find((g) => g.gate === "fail");
    expect(fail?.logEStage).to.be.closeTo(Math.log(603.384678), 1e-9);
    expect(fail?.logE).to.be.closeTo(Math.log(0.5 * 603.384678 + 0.5), 1e-9);
    expect(fail?.logELimit).to.be.closeTo(-Math.log(0.005), 1e-12);
    expect(gates.map((g) => g.gate)).to.deep.equal(["fail", "pass", "absolute"]);
  });

  it("take their own stages for the rollout's where those are not the default", () => {
    const { gates } = analyzeRecords(record(15, { x: 12, n: 250 }, { x: 47, n: 4750 }, { weight: 10 }));
    expect(gates.find((g) => g.gate === "fail")?.logE).to.be.closeTo(Math.log(603.384678), 1e-9);
  });

  it("roll back at the record that proves it, and say when", () => {
    const analysis = analyzeRecords(lines(...Array.from({ length: 6 }, (_, i) => record(15 * (i + 1), { x: 8, n: 250 }, { x: 47, n: 4750 }))));
    expect(analysis).to.include({ verdict: "rollback", decidedAt: 45 });
    expect(analysis.gates.find((g) => g.gate === "fail")?.answer).to.equal("fail");
  });

  it("do not depend on the order of the lines", () => {
    const all = Array.from({ length: 5 }, (_, i) => record(15 * i, { x: i, n: 100 }, { x: 3, n: 1000 }));
    expect(analyzeRecords(lines(...all))).to.deep.equal(analyzeRecords(lines(...all.reverse())));
  });

  it("advance a good release", () => {
    const all = Array.from({ length: 100 }, (_, i) => record(15 * i, { x: 2, n: 250 }, { x: 47, n: 4750 }));
    expect(analyzeRecords(lines(...all)).verdict).to.equal("promote");
  });

  it("may be gauges and histograms, too", () => {
    const gauge = (t: number): string => record(t, { mean: 0.5 + (t % 3) / 100, sd: 0.1, n: 20 }, { mean: 0.9, sd: 0.1, n: 20 }, { metric: "confidence" });
    const histogram = (t: number): string => record(t, { le: [0.1, 1], count: [240, 250, 250] }, { le: [0.1, 1, "+Inf"], count: [4500, 4750, 4750] }, { metric: "latency" });
    const { verdict, gates, oneLook } = analyzeRecords(lines(...Array.from({ length: 40 }, (_, t) => lines(gauge(t), histogram(t)))));
    expect(verdict).to.equal("rollback");
    expect(gates.map((g) => `${g.metric} ${g.gate} ${g.answer}`)).to.deep.equal(["latency fail undecided", "latency pass pass", "latency absolute pass", "confidence gauge fail"]);
    expect(oneLook).to.have.length(1);
    expect(oneLook[0]).to.include({ metric: "confidence", test: "mann-whitney" });
    expect(oneLook[0]?.p).to.be.below(1e-9);
  });

  it("are tested once as other tools do, with the p-values adjusted for one another", () => {
    const both = lines(record(15, { x: 5, n: 250 }, { x: 20, n: 4750 }), record(15, { x: 30, n: 250 }, { x: 600, n: 4750 }, { metric: "signups" }));
    const { oneLook } = analyzeRecords(both);
    expect(oneLook[0]?.p).to.be.closeTo(0.0069987706, 5e-11);
    expect(oneLook[0]?.holm).to.be.closeTo(2 * 0.0069987706, 1e-9);
    expect(oneLook[1]?.test).to.equal("fisher");
  });

  it("may be judged by any gate config", () => {
    expect(analyzeRecords(example, { gates: { preset: "C", latency: false, pods: false } }).verdict).to.equal("promote");
    expect(analyzeRecords(example, { gates: { preset: "A" } }).verdict).to.equal("rollback");
    expect(() => analyzeRecords(example, { gates: { preset: "Z" as "A" } })).to.throw(ConfigError, "gates.preset");
  });

  it("are not enough for a rule they hold nothing of", () => {
    const all = Array.from({ length: 100 }, (_, i) => record(15 * i, { x: 2, n: 250 }, { x: 47, n: 4750 }));
    expect(analyzeRecords(lines(...all), { gates: {} }).verdict).to.equal("undecided");
  });

  const wrong: readonly [string, string][] = [
    ["", "There is no record to judge: give one JSON object a line."],
    [lines(example, "", "{"), "Line 3 is not JSON: "],
    [lines(example, '{"t":1}'), "Line 2 is no record: expected {t, metric, stage, weight, canary, baseline} with both arms as {x, n}, {mean, sd, n} or {le, count}."],
    [record(1, { le: [1, 2], count: [5, 3] }, { le: [1], count: [1] }), "Line 1 is no record: canary needs cumulative counts."],
    [record(1, { le: [2, 1], count: [1, 3] }, { le: [1], count: [1] }), "Line 1 is no record: canary needs ascending edges."],
    [record(1, { le: [1], count: [1, 3, 4] }, { le: [1], count: [1] }), "Line 1 is no record: canary needs one count for each edge."],
    [record(1, { x: 1, n: 2 }, { x: 1, n: 2 }, { stage: 7 }), "The records have a stage 7 but no stage 0: give the rollout's stages."],
  ];
  for (const [text, message] of wrong) it(`are refused: ${message.slice(0, 60)}`, () => expect(() => analyzeRecords(text)).to.throw(RecordError, message));

  it("are refused when the config has no rule for them", () => {
    expect(() => analyzeRecords(record(1, { x: 1, n: 2 }, { x: 1, n: 2 }, { metric: "signups" }), { gates: {} })).to.throw(RecordError, "The records hold the ratio signups, which the gate config has no rule with a numerator for.");
  });

  it("close a histogram whose infinite edge was left out", () => {
    const [first] = parseRecords(record(1, { le: [0.1, 1], count: [2, 3] }, { le: [0.1, 1], count: [2, 3, 4] }));
    expect(first?.canary).to.deep.equal({ le: [0.1, 1, Infinity], count: [2, 3, 3] });
    expect(first?.baseline).to.deep.equal({ le: [0.1, 1, Infinity], count: [2, 3, 4] });
  });
});

describe("A backtest on history", () => {
  const target = { profile: "app" as const, namespace: "shop", service: "web", stableService: "web-stable", canaryService: "web-canary", port: 80, stableVersion: "v1", canaryVersion: "v2" };
  const from = 1000;

  /** History of both versions scraped every 5 s: 10 requests/s of each, of which a share fails. */
  function history(canaryErrors: number): FakeSource {
    const source = new FakeSource();
    source.query = (promql, options) => {
      const time = options?.time ?? NaN;
      const share = promql.includes('"v2"') ? canaryErrors : 0;
      if (!promql.startsWith("http_requests_total")) return Promise.resolve({ kind: "no-series", query: promql });
      const points = (rate: number) => Array.from({ length: 12 }, (_, i): [number, number] => [time - 55 + 5 * i, rate * (time - 55 + 5 * i)]);
      const version = promql.includes('"v2"') ? "v2" : "v1";
      return Promise.resolve({ kind: "value", value: [series({ version, status: "200" }, ...points(10 * (1 - share))), series({ version, status: "500" }, ...points(10 * share))] });
    };
    return source;
  }

  it("tells when the gates would have rolled back", async () => {
    const result = await backtest(history(0.3), { target, from, to: from + 600, gates: { latency: false } });
    expect(result).to.include({ verdict: "rollback", decidedAt: from + 15, gaps: 0 });
    expect(result.canaryRequests).to.equal(6000);
  });

  it("tells when they would have let it pass", async () => {
    const result = await backtest(history(0), { target, from, to: from + 600, gates: { latency: false } });
    expect(result).to.include({ verdict: "promote", decidedAt: from + 60, overdispersion: 1 });
  });

  it("refuses a span without traffic, or without length", async () => {
    const problem = async (source: FakeSource, to: number): Promise<unknown> => backtest(source, { target, from, to }).then(() => undefined, (e: unknown) => e);
    expect(await problem(new FakeSource(), from + 60)).to.be.instanceOf(BacktestError).with.property("message", 'No request of v2 was found between 1000 and 1060: Prometheus has no series for http_requests_total{version="v1"} or http_requests_total{version="v2"}.');
    expect(await problem(history(0), from)).to.be.instanceOf(BacktestError);
  });
});

describe("The forecast", () => {
  const baseline = (rate: number) => ({ seconds: 60, counts: { ...arm(rate * 60, Math.round(rate * 0.6)), latency: latencies(rate * 60) } });

  it("expects less waiting with more traffic and more weight", () => {
    const [slow, fast] = [50, 500].map((rate) => forecast(parseGates({}), PLAN, baseline(rate), 3600));
    expect(fast?.[0]?.failSeconds).to.be.within(3, 30);
    expect(slow?.[0]?.failSeconds).to.be.above(5 * (fast?.[0]?.failSeconds as number));
    expect(fast?.[0]?.passSeconds).to.be.within(60, 400);
    expect(fast?.[3]?.passSeconds).to.be.below(fast?.[0]?.passSeconds as number);
  });

  it("says that nothing will be decided when the cap comes first", () => {
    expect(forecast(parseGates({}), PLAN, baseline(2), 300)[0]?.passSeconds).to.equal(Infinity);
  });
});
