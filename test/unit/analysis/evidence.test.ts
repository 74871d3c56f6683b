import { expect } from "chai";
import fc from "fast-check";
import { overdispersion } from "../../../analysis";
import { r1At } from "../../../analysis/gates/context";
import { RatioProcess, ShareProcess, failRatios, failShares, passRatios, passShares } from "../../../analysis/statistics/eprocess";
import { MeanProcess, halfWidth } from "../../../analysis/statistics/gauge";
import { logMeanExp, logSumExp } from "../../../analysis/statistics/logs";
import { StageMixture, stageWeights } from "../../../analysis/statistics/stages";

const share = fc.tuple(fc.nat(5000), fc.nat(5000)).map(([a, b]) => ({ x: Math.min(a, b), n: Math.max(a, b) }));
const pair = fc.tuple(share, share);
const pairs = fc.array(pair, { maxLength: 20 });

const failEvidence = (windows: readonly [{ x: number; n: number }, { x: number; n: number }][], phi = 1): number => {
  const process = new RatioProcess(1.1, failRatios(1.1), phi);
  for (const [canary, stable] of windows) process.add(canary, stable);
  return process.logE;
};

describe("Sequential evidence", () => {
  it("is a number for any counts, empty windows and empty arms included", () => {
    fc.assert(
      fc.property(pairs, fc.double({ min: 1, max: 50, noNaN: true }), (windows, phi) => {
        const processes = [new RatioProcess(2, passRatios(2), phi), new RatioProcess(1.2, failRatios(1.2), phi)];
        const shares = [new ShareProcess(0.05, failShares(0.05), phi), new ShareProcess(0.5, failShares(0.5), phi), new ShareProcess(0.05, passShares(0.05), phi)];
        for (const [canary, stable] of windows) {
          processes.forEach((p) => p.add(canary, stable));
          shares.forEach((p) => p.add(canary));
        }
        for (const p of [...processes, ...shares]) expect(p.logE).to.satisfy(Number.isFinite);
      }),
    );
  });

  it("does not depend on the order of the windows", () => {
    fc.assert(
      fc.property(pairs, (windows) => {
        expect(failEvidence(windows)).to.be.closeTo(failEvidence([...windows].reverse()), 1e-6 * Math.max(1, Math.abs(failEvidence(windows))));
      }),
    );
  });

  it("does not depend on how a steady split is cut into windows", () => {
    fc.assert(
      fc.property(share, share, fc.integer({ min: 2, max: 10 }), (canary, stable, cuts) => {
        const piece = [canary, stable].map(({ x, n }) => ({ x: x / cuts, n: n / cuts })) as [typeof canary, typeof stable];
        const whole = failEvidence([[canary, stable]]);
        expect(failEvidence(Array.from({ length: cuts }, () => piece))).to.be.closeTo(whole, 1e-6 * Math.max(1, Math.abs(whole)));
      }),
    );
  });

  it("sees only the proportion of the arms' requests, not their unit", () => {
    fc.assert(
      fc.property(share, share, fc.double({ min: 0.01, max: 100, noNaN: true }), (canary, stable, unit) => {
        fc.pre(canary.n + stable.n > 0);
        const scaled = ({ x, n }: typeof canary) => ({ x, n: n * unit });
        expect(failEvidence([[scaled(canary), scaled(stable)]])).to.be.closeTo(failEvidence([[canary, stable]]), 1e-6);
      }),
    );
  });

  it("says nothing while one of the arms serves nothing", () => {
    expect(failEvidence([[{ x: 10, n: 10 }, { x: 0, n: 0 }], [{ x: 0, n: 0 }, { x: 3, n: 50 }]])).to.be.closeTo(0, 1e-12);
  });

  it("has an expectation of at most 1 when the ratio is the null's, whatever is mixed", () => {
    // Binomial counts summed out exactly: 20 canary requests at 22 %, 30 of stable at 20 %, ratio 1.1.
    const pmf = (n: number, p: number): number[] => Array.from({ length: n + 1 }, (_, k) => {
      let c = 1;
      for (let i = 0; i < k; i++) c = (c * (n - i)) / (i + 1);
      return c * p ** k * (1 - p) ** (n - k);
    });
    const [canary, stable] = [pmf(20, 0.22), pmf(30, 0.2)];
    let expectation = 0;
    canary.forEach((a, x) => stable.forEach((b, y) => (expectation += a * b * Math.exp(failEvidence([[{ x, n: 20 }, { x: y, n: 30 }]])))));
    expect(expectation).to.be.at.most(1);
    expect(expectation).to.be.above(0.5);
  });

  it("is weakened by overdispersion", () => {
    const windows: [{ x: number; n: number }, { x: number; n: number }][] = [[{ x: 12, n: 250 }, { x: 47, n: 4750 }]];
    expect(failEvidence(windows, 4)).to.be.below(failEvidence(windows));
  });

  it("keeps every alternative inside 0 … 1", () => {
    fc.assert(
      fc.property(fc.double({ min: 0.0001, max: 0.9999, noNaN: true }), (p0) => {
        for (const p of failShares(p0)) expect(p).to.be.above(p0).and.below(1);
        for (const p of passShares(p0)) expect(p).to.be.above(0).and.below(p0);
      }),
    );
  });
});

describe("Overdispersion", () => {
  it("is 1 for counts that scatter less than independent ones, and without events", () => {
    expect(overdispersion([{ first: { x: 5, n: 100 }, second: { x: 5, n: 100 } }])).to.equal(1);
    expect(overdispersion([{ first: { x: 0, n: 100 }, second: { x: 0, n: 100 } }])).to.equal(1);
    expect(overdispersion([])).to.equal(1);
  });

  it("is the mean square of the deviations in units of their binomial variance", () => {
    // N = 10, θ = 1/2: (8 − 5)²/2.5 = 3.6 and (10 − 5)²/2.5 = 10.
    const windows = [{ first: { x: 8, n: 100 }, second: { x: 2, n: 100 } }, { first: { x: 0, n: 50 }, second: { x: 10, n: 50 } }];
    expect(overdispersion(windows)).to.be.closeTo((3.6 + 10) / 2, 1e-12);
  });
});

describe("Evidence over the stages of a rollout", () => {
  it("gives the first of three stages half of the weight", () => {
    expect(stageWeights(3)).to.deep.equal([0.5, 0.25, 0.25]);
    expect(stageWeights(4)).to.deep.equal([0.25, 0.25, 0.25, 0.25]);
  });

  it("counts a stage that has not begun as 1, and keeps what a finished one showed", () => {
    const mixture = new StageMixture([0, 1, 2]);
    mixture.begin(0, 0);
    expect(Math.exp(mixture.mix(Math.log(100)))).to.be.closeTo(50.5, 1e-9);
    mixture.begin(1, Math.log(4));
    expect(Math.exp(mixture.mix(Math.log(8)))).to.be.closeTo(0.5 * 4 + 0.25 * 8 + 0.25, 1e-9);
  });

  it("goes on from what an earlier visit of a stage showed, so that beginning it again cannot wipe out evidence", () => {
    const mixture = new StageMixture([0, 1]);
    mixture.begin(0, 0);
    mixture.begin(1, Math.log(4));
    mixture.begin(0, Math.log(2));
    expect(Math.exp(mixture.mix(Math.log(6)))).to.be.closeTo(0.5 * 4 * 6 + 0.5 * 2, 1e-9);
  });

  it("asks for less at a small weight and for more at a large one", () => {
    expect([1, 5, 25, 50, 100].map(r1At)).to.deep.equal([2, 2, 1.5, 1.25, 1.25]);
    // Halfway between 5 and 25 % on the logarithmic scale lies the geometric mean of 2.0 and 1.5.
    expect(r1At(Math.sqrt(5 * 25))).to.be.closeTo(Math.sqrt(2 * 1.5), 1e-12);
  });
});

describe("Logarithms", () => {
  it("sum exponentials that would overflow", () => {
    expect(logSumExp([1000, 1000])).to.be.closeTo(1000 + Math.LN2, 1e-9);
    expect(logSumExp([])).to.equal(-Infinity);
    expect(logMeanExp([-2000, -2000])).to.be.closeTo(-2000, 1e-9);
  });
});

describe("A gauge's confidence sequence", () => {
  it("has the width of its formula", () => {
    const t = 50;
    const rho = 0.28;
    const tr = t * rho ** 2 + 1;
    expect(halfWidth(t, 2, 0.05)).to.be.closeTo(2 * Math.sqrt(((2 * tr) / (t ** 2 * rho ** 2)) * Math.log(Math.sqrt(tr) / 0.05)), 1e-12);
  });

  it("excludes the limit exactly when its evidence reaches ln 1/α", () => {
    const process = new MeanProcess();
    for (let i = 0; i < 40; i++) process.add(1 + (i % 2 ? 1 : -1), 0);
    const alpha = Math.exp(-process.logE(1));
    expect(halfWidth(40, process.sd, alpha)).to.be.closeTo(process.mean, 1e-9);
  });

  it("concludes nothing from a few batches, however far they lie from the limit", () => {
    const process = new MeanProcess();
    for (let i = 0; i < 9; i++) process.add(-100, 0);
    expect(process.logE(-1)).to.equal(0);
  });

  it("is never surer than the batches' own samples allow", () => {
    const process = new MeanProcess();
    for (let i = 0; i < 10; i++) process.add(1, 4);
    expect(process.sd).to.equal(2);
  });
});
