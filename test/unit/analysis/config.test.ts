import { expect } from "chai";
import { ConfigError, type Preset, describeIssue, gatesSchema, parseGates } from "../../../analysis";

const message = (input: unknown): string => {
  try {
    parseGates(input);
  } catch (error) {
    expect(error).to.be.instanceOf(ConfigError);
    return (error as Error).message;
  }
  return "accepted";
};

describe("The gates of the stack config", () => {
  it("are the default set when nothing is configured", () => {
    expect(parseGates(undefined)).to.deep.equal({
      preset: "none",
      alpha: 0.01,
      beta: 0.05,
      pFloor: 0.01,
      overdispersion: undefined,
      window: 15,
      warmUp: 0,
      metrics: {
        errors: { kind: "ratio", critical: true, better: "lower", absolute: 0.05, r0: 1.1 },
        latency: { kind: "shape", critical: true, p95: 1, r0: 1.2 },
      },
    });
  });

  it("may change one number of the default set, add a metric, and remove one", () => {
    const { metrics } = parseGates({ errors: { absolute: "3%" }, latency: false, signups: { kind: "ratio", numerator: "a", denominator: "b" } });
    expect(Object.keys(metrics)).to.deep.equal(["errors", "signups"]);
    expect(metrics["errors"]).to.include({ kind: "ratio", absolute: 0.03 });
  });

  it("may replace a preset's rule by one of another kind or with another query", () => {
    expect(parseGates({ preset: "C", errors: { kind: "count", rollbackAt: 3 } }).metrics["errors"]).to.deep.equal({ kind: "count", critical: true, rollbackAt: 3, minSamples: 20 });
    expect(parseGates({ preset: "D", p99: { query: "mine" } }).metrics["p99"]).to.include({ query: "mine", fail: 1.5 }).and.not.have.property("of");
  });

  it("know the rules of the five systems", () => {
    const rules = (preset: Preset) => parseGates({ preset }).metrics;
    expect(rules("A")["errors"]).to.include({ kind: "count", rollbackAt: 5 });
    expect(rules("B")["success"]).to.include({ kind: "threshold", of: "success", direction: "atLeast", limit: 0.95, over: 300 });
    expect(rules("C")["errors"]).to.include({ kind: "threshold", limit: 0.05 });
    expect(rules("C")["latency"]).to.include({ of: "p95", limit: 1 });
    expect(rules("D")["p99"]).to.include({ kind: "baseline", within: 1.1, fail: 1.5 });
    expect(rules("D")["errors"]).to.include({ fail: 2 });
    expect(rules("D")["confidence"]).to.include({ better: "higher", fail: 0.8 });
    expect(rules("E")["health"]).to.include({ kind: "probe", atMost: 0.05 });
  });

  it("hold percentages as fractions", () => {
    expect(parseGates({ alpha: "0.5%" }).alpha).to.equal(0.005);
  });

  const wrong: readonly [unknown, string][] = [
    [{ alhpa: "1%" }, "gates.alhpa is neither a setting (preset, alpha, beta, pFloor, overdispersion, window, warmUp) nor a metric rule such as {kind: ratio}."],
    [{ preset: "Z" }, "gates.preset: expected none, A, B, C, D or E."],
    [{ alpha: 1 }, "gates.alpha: expected a percentage between 0% and 100%, such as 5%."],
    [{ alpha: "100%" }, 'gates.alpha: expected a percentage between 0% and 100%, such as 5%, got "100%".'],
    [{ window: "15" }, 'gates.window: expected a duration such as 1000ms, 90s or 5m, got "15".'],
    [{ overdispersion: 0.5 }, "gates.overdispersion: expected 1 or more."],
    [{ errors: { absolute: "5" } }, 'gates.errors.absolute: expected a percentage between 0% and 100%, such as 5%, got "5".'],
    [{ errors: { absolut: "5%" } }, 'gates.errors has the unknown key "absolut".'],
    [{ errors: { kind: "ratios" } }, "gates.errors.kind: expected one of ratio, shape, gauge, threshold, baseline, count, probe, pods."],
    [{ errors: { r0: 2, r1: 1.5 } }, "gates.errors.r1 must be above r0 (2)."],
    [{ signups: { kind: "ratio" } }, 'gates.signups.numerator is missing: only "errors" is known without queries.'],
    [{ signups: { kind: "ratio", numerator: "a" } }, "gates.signups.denominator is missing: a ratio of your own needs both."],
    [{ latency: { p95: "1000" } }, 'gates.latency.p95: expected a duration such as 1000ms, 90s or 5m, got "1000".'],
    [{ p95: { kind: "threshold" } }, "gates.p95.atMost: give either atMost or atLeast."],
    [{ p95: { kind: "threshold", atMost: "5%" } }, 'gates.p95.atMost: expected a duration such as 1000ms, 90s or 5m, got "5%".'],
    [{ rate: { kind: "threshold", atLeast: "5/s" } }, "gates.rate.atLeast: expected a number."],
    [{ connections: { kind: "threshold", atMost: 5 } }, "gates.connections.of: give either of (errors, success, rate, p50, p95, p99) or query."],
    [{ confidence: { kind: "gauge", query: "x" } }, "gates.confidence.atLeast: give either atLeast or atMost."],
    [{ confidence: { kind: "gauge", query: "x", atLeast: "80ofBaseline" } }, 'gates.confidence.atLeast: expected a number, a percentage, a duration, or 80%ofBaseline, got "80ofBaseline".'],
    [{ p99: { kind: "baseline", fail: "105%" } }, "gates.p99.fail must be above within."],
    [{ success: { kind: "baseline", fail: "95%" } }, "gates.success.fail must be below 100 % ÷ within when higher is better."],
    [{ errors: false, latency: false }, "gates has no critical metric, so nothing could ever allow the next stage."],
    ["C", "gates: expected settings and metric rules, such as {preset: C}."],
  ];
  for (const [input, expected] of wrong) it(`refuse ${JSON.stringify(input)} in one sentence`, () => expect(message(input)).to.equal(expected));

  it("can be part of a larger schema, whose issues are told with the same words", () => {
    const parsed = gatesSchema.safeParse({ errors: { absolut: "5%" } });
    expect(parsed.error && describeIssue(parsed.error, "canary:analysis.gates")).to.equal('canary:analysis.gates.errors has the unknown key "absolut".');
  });
});
