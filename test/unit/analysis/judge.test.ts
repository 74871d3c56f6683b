import { expect } from "chai";
import fc from "fast-check";
import { ConfigError, type GatesInput, Judge, joinVerdicts, parseGates } from "../../../analysis";
import { PLAN, after, answers, arm, feed, window } from "./windows";

const judgeOf = (gates?: GatesInput, plan = PLAN): Judge => new Judge(parseGates(gates), plan);

describe("The default gates", () => {
  it("roll back a canary that fails a fifth of its requests within 15 failures, before the dwell is over", () => {
    const judge = judgeOf();
    let failed = 0;
    for (let t = 1; ; t++) {
      judge.observe(window(t, arm(10, 2), arm(190, 2)), "settling");
      failed += 2;
      if (judge.verdict(after(0)).verdict === "rollback") break;
      expect(failed).to.be.below(15);
    }
    expect(judge.verdict(after(0)).reason).to.match(/^errors: 20 % \(\d+ of \d+\) on the canary, 1.05 % .* proven to be more than 1.1 times as bad as stable/);
  });

  it("advance a canary that is as good as stable once the dwell is over, and not before", () => {
    const judge = judgeOf();
    feed(judge, 600, [25, 0], [475, 0]);
    expect(judge.verdict(after(59)).verdict).to.equal("undecided");
    expect(judge.verdict(after(59)).reason).to.equal("Every critical metric passes; the dwell of 60 s is not over.");
    expect(judge.verdict(after(60)).verdict).to.equal("promote");
  });

  it("gather no PASS evidence while the stage settles", () => {
    const judge = judgeOf();
    for (let t = 1; t <= 600; t++) judge.observe(window(t, arm(25), arm(475)), "settling");
    expect(judge.verdict(after(600)).verdict).to.equal("undecided");
  });

  it("hold at the cap when nothing could be proven, and say what is missing", () => {
    const judge = judgeOf();
    feed(judge, 3, [5, 0], [95, 1]);
    const { verdict, reason } = judge.verdict(after(3600));
    expect(verdict).to.equal("hold");
    expect(reason).to.match(/^Not decided within 60 min\. errors: .* not yet proven to be less than 2 times as bad as stable/);
  });

  it("judge weight 100 by the absolute limits alone", () => {
    const judge = judgeOf();
    judge.beginStage(3);
    for (let t = 1; t <= 60; t++) judge.observe(window(t, arm(100, 1), arm(0)), "observing");
    const verdict = judge.verdict(after(60));
    expect(answers(verdict)).to.deep.equal({ "errors fail": "not-applicable", "errors pass": "not-applicable", "errors absolute": "pass", "latency fail": "not-applicable", "latency pass": "not-applicable", "latency absolute": "pass" });
    expect(verdict.verdict).to.equal("promote");
  });

  it("roll back at weight 100 when the limit is exceeded", () => {
    const judge = judgeOf();
    judge.beginStage(3);
    for (let t = 1; t <= 10; t++) judge.observe(window(t, arm(100, 20), arm(0)), "observing");
    expect(judge.verdict(after(10)).verdict).to.equal("rollback");
  });

  it("blame no canary for an outage that stable has as well, and let it not advance either", () => {
    const judge = judgeOf();
    feed(judge, 60, [50, 10], [150, 30]);
    const verdict = judge.verdict(after(60));
    expect(verdict.verdict).to.equal("undecided");
    expect(verdict.gates.find((g) => g.gate === "absolute")?.sentence).to.contain("exceeding, as stable does beside it, the limit of 5 %");
  });

  it("roll back a canary whose latencies shift, though all stay within the limit", () => {
    const judge = judgeOf();
    const slow = { le: [0.1, 0.5, 1, 2.5, Infinity], count: [5, 25, 25, 25, 25] };
    for (let t = 1; t <= 60; t++) judge.observe(window(t, { requests: 25, errors: 0, latency: slow }, arm(475)), "observing");
    const { verdict, gates } = judge.verdict(after(60));
    expect(verdict).to.equal("rollback");
    expect(gates.find((g) => g.metric === "latency" && g.gate === "fail")?.answer).to.equal("fail");
  });

  it("decide nothing about latencies that are not measured", () => {
    const judge = judgeOf();
    for (let t = 1; t <= 600; t++) judge.observe(window(t, { requests: 25, errors: 0 }, { requests: 475, errors: 0 }), "observing");
    const { verdict, reason } = judge.verdict(after(3600));
    expect(verdict).to.equal("hold");
    expect(reason).to.contain("latency: no latency histogram of both arms");
  });

  it("share α over their four tests, and over the services that are judged alike", () => {
    const limit = (judge: Judge): number | undefined => judge.verdict(after(0)).gates[0]?.logELimit;
    expect(limit(judgeOf())).to.be.closeTo(-Math.log(0.0025), 1e-12);
    expect(limit(new Judge(parseGates({}), PLAN, { services: 2 }))).to.be.closeTo(-Math.log(0.00125), 1e-12);
    expect(limit(judgeOf({ latency: false }))).to.be.closeTo(-Math.log(0.005), 1e-12);
  });

  it("are weakened by overdispersion, the config's before the measured one", () => {
    const evidence = (gates: GatesInput, phi: number): number => {
      const judge = new Judge(parseGates(gates), PLAN, { overdispersion: phi });
      feed(judge, 5, [10, 2], [190, 2]);
      return judge.verdict(after(5)).gates[0]?.logEStage as number;
    };
    expect(evidence({}, 3)).to.be.below(evidence({}, 1));
    expect(evidence({ overdispersion: 1 }, 3)).to.equal(evidence({}, 1));
  });

  it("never answer with NaN, whatever is observed", () => {
    const counts = fc.tuple(fc.nat(50), fc.nat(50)).map(([a, b]) => [Math.max(a, b), Math.min(a, b)] as [number, number]);
    fc.assert(
      fc.property(fc.array(fc.tuple(counts, counts, fc.nat(3)), { maxLength: 12 }), (seen) => {
        for (const preset of ["none", "A", "B", "C", "D", "E"] as const) {
          const judge = judgeOf({ preset });
          seen.forEach(([canary, stable, stage], t) => {
            judge.beginStage(stage);
            judge.observe(window(t, arm(...canary), arm(...stable)), "observing");
            for (const gate of judge.verdict(after(t * 30)).gates)
              for (const value of [gate.value, gate.limit, gate.logE, gate.logEStage, gate.logEPass, gate.n]) expect(value ?? 0).to.not.satisfy(Number.isNaN);
          });
        }
      }),
      { numRuns: 50 },
    );
  });
});

describe("Missing telemetry", () => {
  it("never passes, though everything before it did", () => {
    const judge = judgeOf();
    feed(judge, 600, [25, 0], [475, 0]);
    judge.noData("prometheus:9090 cannot be reached: ECONNREFUSED.");
    expect(judge.verdict(after(600)).verdict).to.equal("undecided");
    expect(judge.verdict(after(3600))).to.include({ verdict: "hold", reason: "Not decided within 60 min. Telemetry is missing: prometheus:9090 cannot be reached: ECONNREFUSED." });
  });

  it("never counts as failure, however often it is missing", () => {
    const judge = judgeOf({ preset: "A" });
    for (let i = 0; i < 100; i++) judge.noData("nobody answers");
    expect(judge.verdict(after(3599)).verdict).to.equal("undecided");
  });

  it("is forgotten when telemetry is back", () => {
    const judge = judgeOf();
    judge.noData("nobody answers");
    feed(judge, 600, [25, 0], [475, 0]);
    expect(judge.verdict(after(600)).verdict).to.equal("promote");
  });

  it("of a canary without any request never passes", () => {
    for (const preset of ["none", "A", "B", "C", "D", "E"] as const) {
      const judge = judgeOf({ preset });
      feed(judge, 600, [0, 0], [475, 0]);
      expect(judge.verdict(after(3600)).verdict, preset).to.equal("hold");
    }
  });
});

describe("A judge", () => {
  it("tells the split that was served beside the one that was set", () => {
    const judge = judgeOf();
    feed(judge, 100, [5, 0], [95, 0]);
    expect(judge.served()).to.include({ canary: 500, stable: 9500, share: 0.05 });
    expect(judge.served().logE).to.be.below(0);
    judge.beginStage(1);
    feed(judge, 100, [5, 0], [95, 0]);
    expect(judge.served().logE).to.be.above(100);
  });

  it("forgets a stage's tripwires and PASS evidence, but not its FAIL evidence", () => {
    const judge = judgeOf();
    feed(judge, 600, [25, 1], [475, 19]);
    judge.beginStage(1);
    const { gates } = judge.verdict(after(60));
    expect(gates.find((g) => g.gate === "pass")?.logE).to.equal(0);
    expect(gates.find((g) => g.gate === "fail")?.logEStage).to.equal(0);
    expect(gates.find((g) => g.gate === "fail")?.logE).to.not.equal(0);
  });

  it("discards the warm-up as evidence in favour", () => {
    const judge = judgeOf({ warmUp: "300s" });
    feed(judge, 250, [25, 0], [475, 0]);
    expect(judge.verdict(after(250)).gates.find((g) => g.gate === "pass")?.logE).to.equal(0);
    feed(judge, 400, [25, 0], [475, 0], 250);
    expect(judge.verdict(after(650)).verdict).to.equal("promote");
  });

  it("refuses a plan it cannot follow", () => {
    expect(() => judgeOf({}, { stages: [] })).to.throw(ConfigError, "rollout.stages is empty: give at least one stage.");
    expect(() => judgeOf({}, { stages: [{ weight: 120 }] })).to.throw(ConfigError, "rollout.stages.0.weight is 120: give a percentage from 0 to 100.");
    expect(() => judgeOf().beginStage(4)).to.throw(ConfigError, "The plan has no stage 4: it has 4, counted from 0.");
  });
});

describe("Services or regions that move together", () => {
  const part = (verdict: "promote" | "rollback" | "hold" | "undecided") => ({ verdict, reason: `${verdict}.`, gates: [] });

  it("are promoted only all together, and rolled back with any of them", () => {
    expect(joinVerdicts({ a: part("promote"), b: part("promote") }).verdict).to.equal("promote");
    expect(joinVerdicts({ a: part("promote"), b: part("undecided") }).verdict).to.equal("undecided");
    expect(joinVerdicts({ a: part("hold"), b: part("promote") }).verdict).to.equal("hold");
    expect(joinVerdicts({ a: part("hold"), b: part("rollback") })).to.include({ verdict: "rollback", reason: "b: rollback." });
    expect(joinVerdicts({}).verdict).to.equal("undecided");
  });
});
