import { expect } from "chai";
import { RatioProcess, failRatios } from "../../../analysis/statistics/eprocess";
import { clopperPearson, newcombe, quantileRanks, wilson } from "../../../analysis/statistics/intervals";
import { logBetaMixture } from "../../../analysis/statistics/split";
import { fisher, holm, mannWhitney } from "../../../analysis/statistics/tests";

/** Agreement to the last digit that is printed in the design: half a unit of it. */
const same = (value: number, printed: string): void => {
  const digits = printed.split(".")[1]?.length ?? 0;
  expect(value, printed).to.be.closeTo(Number(printed), 0.5 * 10 ** -digits);
};

describe("The reference values of the design (computed with SciPy)", () => {
  const canary = { x: 12, n: 250 };
  const baseline = { x: 47, n: 4750 };

  it("agree on one alternative's log likelihood ratio", () => {
    const process = new RatioProcess(1.1, [5], 1);
    process.add(canary, baseline);
    same(process.logE, "7.70682588987");
  });

  it("agree on the FAIL evidence mixed over 40 alternatives", () => {
    const process = new RatioProcess(1.1, failRatios(1.1), 1);
    process.add(canary, baseline);
    same(Math.exp(process.logE), "603.384678");
  });

  it("place the FAIL alternatives from 1.155 to 22", () => {
    const grid = failRatios(1.1);
    expect(grid).to.have.length(40);
    expect(grid[0]).to.be.closeTo(1.155, 1e-12);
    expect(grid[39]).to.be.closeTo(22, 1e-12);
  });

  it("agree on the Beta mixture of a split", () => same(Math.exp(logBetaMixture(8, 10, 0.5)), "2.0686868687"));

  it("agree on Wilson's interval", () => {
    const { low, high } = wilson(81, 263);
    same(low, ".2552885");
    same(high, ".3662096");
    expect(wilson(0, 20).low).to.equal(0);
    same(wilson(0, 20).high, ".1611252");
  });

  it("agree on Newcombe's interval", () => {
    const { low, high } = newcombe(56, 70, 48, 80);
    same(low, ".0524315");
    same(high, ".3338727");
  });

  it("agree on Clopper and Pearson's interval", () => {
    const { low, high } = clopperPearson(5, 250);
    same(low, ".0065251");
    same(high, ".0460536");
  });

  it("agree on Fisher's exact test", () => {
    same(fisher(6, 8, 1, 5, "two-sided"), ".1025641026");
    same(fisher(5, 250, 20, 4750, "greater"), ".0069987706");
  });

  it("agree on the Mann-Whitney test", () => {
    const { u, p } = mannWhitney([19, 22, 16, 29, 24], [20, 11, 17, 12]);
    expect(u).to.equal(17);
    same(p, ".1111111111");
  });

  it("agree on the order statistics that bracket a P95", () => {
    const ranks = quantileRanks(1000, 0.95);
    expect([ranks.low, ranks.high]).to.deep.equal([936, 964]);
    same(ranks.coverage, ".9580953");
  });

  it("agree on Holm's adjustment", () => {
    const adjusted = holm([0.01, 0.04, 0.03, 0.005]);
    [".03", ".06", ".06", ".02"].forEach((p, i) => same(adjusted[i] as number, p));
  });
});
