import { expect } from "chai";
import fc from "fast-check";
import { judgeSplit, requestsAgainst } from "../../../driver/rollout/split";

describe("the judgement of a served split", () => {
  it("waits while the router counted no request", () => {
    expect(judgeSplit(5, 0, 0)).to.deep.equal({ state: "waiting", sentence: "the router counted no request" });
  });

  it("accepts a share whose 99.9 % interval holds the weight", () => {
    expect(judgeSplit(5, 10, 200)).to.deep.include({ state: "served", share: 0.05 });
    expect(judgeSplit(5, 10, 200).sentence).to.equal("the router sent 10 of 200 requests (5.0 %) to the canary at weight 5");
  });

  it("calls a canary that the router ignores off, once that is no accident", () => {
    expect(judgeSplit(5, 0, 100).state).to.equal("waiting");
    expect(judgeSplit(5, 0, 200).state).to.equal("off");
  });

  it("allows not one request the other way at 0 and at 100", () => {
    expect(judgeSplit(0, 1, 1000).state).to.equal("off");
    expect(judgeSplit(100, 999, 1000).state).to.equal("off");
    expect(judgeSplit(0, 0, 1000).state).to.equal("served");
    expect(judgeSplit(100, 1000, 1000).state).to.equal("served");
  });

  it("never accepts a split of fewer than ten requests", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 100 }), fc.integer({ min: 1, max: 9 }), fc.nat({ max: 9 }), (weight, total, canary) => {
        expect(judgeSplit(weight, Math.min(canary, total), total).state).to.not.equal("served");
      }),
    );
  });

  it("asks of sessions that stick only that both tracks are served, and at 0 still that not one request strays", () => {
    expect(judgeSplit(5, 60, 200, true)).to.deep.include({ state: "served", share: 0.3 });
    expect(judgeSplit(100, 900, 1000, true).state).to.equal("served");
    expect(judgeSplit(5, 0, 1000, true).state).to.equal("waiting");
    expect(judgeSplit(5, 0, 3000, true).state).to.equal("off");
    expect(judgeSplit(0, 1, 1000, true).state).to.equal("off");
  });

  it("knows how many requests without one to the canary are no accident at a weight", () => {
    for (const weight of [1, 5, 50, 100]) {
      const share = weight / 100;
      expect((1 - share) ** requestsAgainst(weight)).to.be.at.most(0.001);
      expect(weight === 100 || (1 - share) ** (requestsAgainst(weight) - 1) > 0.001).to.equal(true);
    }
  });
});
