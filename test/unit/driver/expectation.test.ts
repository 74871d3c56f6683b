import { expect } from "chai";
import { Judge, type JudgeOptions } from "../../../analysis";
import { parseConfig } from "../../../components/config";
import { expectation } from "../../../driver/rollout/expectation";
import { targetOf, type WatchedService } from "../../../driver/rollout/watch";

const stack = (analysis: object = {}) => parseConfig({
  namespace: "shop", stable: "v1", services: { shop: { image: "shop", port: 8080, hosts: ["shop.example"] } },
  rollout: { stages: [{ weight: 50, dwell: "1s" }] }, analysis: { gates: { latency: false }, ...analysis },
});

/** Seconds after which a good canary goes on, and a bad one back, at `requests` a minute of which one in a hundred fails. */
function expected(options: JudgeOptions, requests = 60_000): { readonly on: number; readonly back: number } {
  const config = stack();
  const service = { judge: new Judge(config.analysis.gates, { stages: config.rollout.stages }, options) } as WatchedService;
  const window = { from: 0, to: 60, stable: { requests, errors: requests / 100 }, canary: { requests: 0, errors: 0 } };
  const [, on, back] = /on after (\d+) s, back after (\d+) s$/.exec(expectation(config, [{ service, reading: { kind: "value", value: window } }])!)!;
  return { on: Number(on), back: Number(back) };
}

describe("how long a stage will take", () => {
  it("is told for the judges that will decide: several critical services share the false alarms that are allowed, and bursts weaken all evidence", () => {
    const [alone, withOthers, bursting] = [expected({}), expected({ services: 20 }), expected({ overdispersion: 4 })];
    expect(withOthers.back).to.be.above(alone.back);
    expect(bursting.back).to.be.above(alone.back);
    expect(bursting.on).to.be.above(alone.on);
  });

  it("is not told of a service that nobody asks", () => {
    expect(expectation(stack(), [{ service: {} as WatchedService, reading: { kind: "no-series", query: "up" } }])).to.equal(undefined);
  });
});

describe("where a service's counters are", () => {
  it("is by the application's own names where the stack has them, with the answers that it counts as success", () => {
    const counters = { requests: 'hits{v="%s"}', statusLabel: "code" };
    expect(targetOf(stack({ source: "app", success: "2xx", counters }), "shop", { stable: "v1", canary: "v2" })).to.deep.include({ profile: counters, success: "2xx" });
    expect(targetOf(stack(), "shop", { stable: "v1", canary: "v2" })).to.deep.include({ profile: "ingress-nginx", success: "non-5xx" });
  });
});
