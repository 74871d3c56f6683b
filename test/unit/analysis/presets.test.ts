import { expect } from "chai";
import { type GatesInput, Judge, parseGates } from "../../../analysis";
import { PLAN, after, answers, arm, feed, window } from "./windows";

const judgeOf = (gates: GatesInput): Judge => new Judge(parseGates(gates), PLAN);

describe("Threshold gates", () => {
  const errors = { latency: false as const, errors: { kind: "threshold", atMost: "5%" } };

  it("compare plainly at the end of the dwell", () => {
    const good = judgeOf(errors);
    feed(good, 60, [20, 1], [80, 0]);
    expect(good.verdict(after(60)).verdict).to.equal("promote");
    const bad = judgeOf(errors);
    feed(bad, 60, [19, 1], [81, 0]);
    expect(bad.verdict(after(60)).verdict).to.equal("rollback");
  });

  it("fail before the end of the dwell only when noise cannot explain it", () => {
    const noisy = judgeOf(errors);
    feed(noisy, 1, [20, 3], [80, 0]);
    expect(noisy.verdict(after(1)).verdict).to.equal("undecided");
    const broken = judgeOf(errors);
    feed(broken, 2, [20, 6], [80, 0]);
    expect(broken.verdict(after(2)).verdict).to.equal("rollback");
    expect(broken.verdict(after(2)).reason).to.contain("with 99.9 % certainty more than");
  });

  it("wait for enough requests", () => {
    const judge = judgeOf(errors);
    feed(judge, 1, [19, 19], [80, 0]);
    expect(judge.verdict({ ...after(60), elapsedSeconds: 60 }).verdict).to.equal("undecided");
    expect(judge.verdict(after(60)).reason).to.equal("errors: 19 canary requests were measured, 20 are needed to judge errors.");
  });

  it("judge a P95 exactly when its limit is a bucket edge", () => {
    const p95 = (slow: number): string => {
      const judge = judgeOf({ errors: false, latency: { kind: "threshold", of: "p95", atMost: "1000ms" } });
      judge.observe(window(60, arm(100, 0, slow), arm(0)), "observing");
      return judge.verdict(after(60)).verdict;
    };
    expect(p95(5)).to.equal("promote");
    expect(p95(6)).to.equal("rollback");
  });

  it("judge a success rate and a request rate from below", () => {
    const judge = judgeOf({ errors: false, latency: false, success: { kind: "threshold", atLeast: "95%" }, rate: { kind: "threshold", atLeast: 10 } });
    feed(judge, 60, [9, 0], [80, 0]);
    const verdict = judge.verdict(after(60));
    expect(answers(verdict)).to.deep.equal({ "success threshold": "pass", "rate threshold": "fail" });
  });

  it("forget what is older than they look back", () => {
    const judge = judgeOf({ latency: false, errors: { kind: "threshold", atMost: "5%", over: "30s" } });
    feed(judge, 60, [20, 2], [80, 0]);
    feed(judge, 30, [20, 0], [80, 0], 60);
    expect(judge.verdict(after(90)).verdict).to.equal("promote");
  });

  it("judge any query's value", () => {
    const judge = judgeOf({ latency: false, errors: false, connections: { kind: "threshold", query: "db_connections", atMost: 100 } });
    judge.observeGauge({ type: "gauge", metric: "connections", at: 10, canary: { mean: 120, sd: 0, n: 1 } }, "observing");
    expect(judge.verdict(after(60)).reason).to.equal("connections: The mean of 1 values is 120, the limit at most 100.");
  });
});

describe("Tripwires", () => {
  it("roll back at the fifth error at once, settling included (system A)", () => {
    const judge = judgeOf({ preset: "A" });
    judge.observe(window(1, arm(1000, 4), arm(0)), "settling");
    expect(judge.verdict(after(0)).verdict).to.equal("undecided");
    judge.observe(window(2, arm(1000, 1), arm(0)), "settling");
    expect(judge.verdict(after(0)).reason).to.equal("errors: 5 of 2000 canary requests failed; 5 roll back.");
  });

  it("roll back the moment the share of failed probes exceeds its limit (system E)", () => {
    const judge = judgeOf({ preset: "E" });
    for (let i = 0; i < 19; i++) judge.observeProbe(true);
    judge.observeProbe(false);
    judge.observe(window(1, arm(10), arm(10)), "observing");
    expect(judge.verdict(after(60)).verdict).to.equal("promote");
    judge.observeProbe(false);
    expect(judge.verdict(after(1)).verdict).to.equal("rollback");
  });

  it("roll back when pods restart and wait until all are ready (system C)", () => {
    const judge = judgeOf({ preset: "C" });
    feed(judge, 60, [20, 0], [80, 0]);
    judge.observePods({ ready: 1, desired: 2, restarts: 0 });
    expect(judge.verdict(after(60)).verdict).to.equal("undecided");
    judge.observePods({ ready: 2, desired: 2, restarts: 0 });
    expect(judge.verdict(after(60)).verdict).to.equal("promote");
    judge.observePods({ ready: 1, desired: 2, restarts: 3, reason: "CrashLoopBackOff" });
    expect(judge.verdict(after(60)).reason).to.equal("pods: 1 of 2 canary pods are ready, with 3 restarts (CrashLoopBackOff); at most 0 restarts are allowed.");
  });
});

describe("Baseline gates (system D)", () => {
  const gates: GatesInput = { preset: "D", confidence: false };
  const verdictOf = (canaryErrors: number): string => {
    const judge = judgeOf(gates);
    feed(judge, 60, [100, canaryErrors], [100, 2]);
    return judge.verdict(after(60)).verdict;
  };

  it("pass within 110 %, fail past 200 % and leave the rest to a review", () => {
    expect(verdictOf(2)).to.equal("promote");
    expect(verdictOf(3)).to.equal("undecided");
    expect(verdictOf(5)).to.equal("rollback");
  });

  it("hold mixed results at the cap", () => {
    const judge = judgeOf(gates);
    feed(judge, 60, [100, 3], [100, 2]);
    expect(judge.verdict(after(3600)).reason).to.match(/errors: 3 % on the canary, 2 % on stable, a ratio of 150 %; to pass it may be at most 110 %, and past 200 % fails\./);
  });

  it("hold for review when only a metric that is not critical regresses", () => {
    const judge = judgeOf({ preset: "D", confidence: false, p99: false });
    const slow = { le: [0.1, 0.5, 1, 2.5, Infinity], count: [10, 100, 100, 100, 100] };
    for (let t = 1; t <= 60; t++) judge.observe(window(t, { requests: 100, errors: 2, latency: slow }, arm(100, 2)), "observing");
    const { verdict, reason } = judge.verdict(after(60));
    expect(verdict).to.equal("hold");
    expect(reason).to.match(/^Held for review\. p50: /);
  });

  it("fail a confidence below 80 % of the baseline's", () => {
    const judge = judgeOf({ preset: "D", errors: false, p99: false });
    judge.observeGauge({ type: "gauge", metric: "confidence", at: 1, canary: { mean: 0.7, sd: 0, n: 1 }, stable: { mean: 0.9, sd: 0, n: 1 } }, "observing");
    expect(judge.verdict(after(60)).verdict).to.equal("rollback");
  });

  it("let the default limits judge weight 100, where no baseline is left", () => {
    const judge = judgeOf(gates);
    judge.beginStage(3);
    for (let t = 1; t <= 60; t++) judge.observe(window(t, arm(100, 1), arm(0)), "observing");
    expect(judge.verdict(after(60)).verdict).to.equal("promote");
    expect(answers(judge.verdict(after(60)))["errors baseline"]).to.equal("not-applicable");
  });
});

describe("Metrics of the user's own", () => {
  const signups: GatesInput = { signups: { kind: "ratio", better: "higher", numerator: "signups_total", denominator: "visits_total" } };

  it("hold for review when they are worse, because they are not critical unless said so", () => {
    const judge = judgeOf({ ...signups, errors: { kind: "count" }, latency: false });
    feed(judge, 60, [20, 0], [80, 0]);
    judge.observeRatio({ type: "ratio", metric: "signups", at: 60, canary: { x: 20, n: 1000 }, stable: { x: 400, n: 4000 } }, "observing");
    const { verdict, reason } = judge.verdict(after(60));
    expect(verdict).to.equal("hold");
    expect(reason).to.contain("signups: 2 % (20 of 1000) on the canary, 10 % (400 of 4000) on stable");
  });

  it("compare a gauge with a multiple of the baseline's, batch by batch", () => {
    const judge = judgeOf({ errors: { kind: "count" }, latency: false, confidence: { kind: "gauge", critical: true, query: "confidence", atLeast: "80%ofBaseline" } });
    feed(judge, 60, [20, 0], [80, 0]);
    for (let i = 0; i < 30; i++) judge.observeGauge({ type: "gauge", metric: "confidence", at: i, canary: { mean: 0.5 + (i % 3) / 100, sd: 0, n: 1 }, stable: { mean: 0.9 + (i % 2) / 100, sd: 0, n: 1 } }, "observing");
    expect(judge.verdict(after(60)).verdict).to.equal("rollback");
  });
});
