import { expect } from "chai";
import { InvalidArgumentError } from "commander";
import * as fc from "fast-check";
import pc from "picocolors";
import type { ArmCounts } from "../../../analysis";
import { errorThreshold, latencyThreshold, someTime } from "../../../driver/verbs/monitor";
import { BreachBook, type ServiceLook } from "../../../driver/view/monitor";
import { renderLook } from "../../../driver/view/render-look";
import { ThresholdWatch, type Breach } from "../../../driver/view/thresholds";

const LIMITS = { errorShare: 0.05, latencySeconds: 1 };
const counts = (requests: number, errors: number): ArmCounts => ({ requests, errors });
/** `slow` of `n` requests took more than a second, the others less than 0.1 s. */
const slow = (n: number, late: number): ArmCounts => ({ requests: n, errors: 0, latency: { le: [0.1, 1, 5, Infinity], count: [n - late, n - late, n, n] } });

/** A watch that saw the same in every second. */
function watching(seconds: number, each: ArmCounts, limits = LIMITS): ThresholdWatch {
  const watch = new ThresholdWatch(limits);
  for (let t = 0; t < seconds; t++) watch.observe(t, t + 1, each);
  return watch;
}

const kinds = (watch: ThresholdWatch): string[] => watch.breaches().map(({ what }) => what);

describe("a monitor's thresholds", () => {
  it("are exceeded by a large excess within seconds, and said with numbers", () => {
    const [breach] = watching(10, counts(10, 2)).breaches();
    expect(breach).to.deep.include({ what: "errors", value: 0.2, limit: 0.05 });
    expect(breach?.why).to.match(/^20 % of 100 requests failed in 10 s, where 5 % may \(at least 9\.\d+ %, with 99\.9 % certainty\)$/);
  });

  it("are not exceeded by a few failed requests of few, whatever their share", () => {
    expect(kinds(watching(1, counts(3, 1)))).to.deep.equal([]);
    expect(kinds(watching(10, counts(2, 0.1)))).to.deep.equal([]);
  });

  it("are exceeded by a small excess only when enough requests have shown it", () => {
    expect(kinds(watching(60, counts(10, 0.7)))).to.deep.equal([]);
    expect(kinds(watching(900, counts(10, 0.7)))).to.deep.equal(["errors"]);
  });

  it("are exceeded by what is wrong now, however good the past was", () => {
    const watch = watching(880, counts(100, 0));
    for (let t = 880; t < 900; t++) watch.observe(t, t + 1, counts(10, 3));
    expect(kinds(watch)).to.deep.equal([]);
    for (let t = 900; t < 945; t++) watch.observe(t, t + 1, counts(10, 3));
    expect(kinds(watch)).to.deep.equal(["errors"]);
  });

  it("are no longer exceeded when what was wrong is long over", () => {
    const watch = watching(60, counts(10, 5));
    for (let t = 60; t < 1000; t++) watch.observe(t, t + 1, counts(10, 0));
    expect(kinds(watch)).to.deep.equal([]);
  });

  it("of 0 are exceeded by a single failed request, and of 100 % never", () => {
    expect(kinds(watching(1, counts(50, 1), { ...LIMITS, errorShare: 0 }))).to.deep.equal(["errors"]);
    expect(kinds(watching(1, counts(50, 50), { ...LIMITS, errorShare: 1 }))).to.deep.equal([]);
  });

  it("on the latency count the requests that were slower", () => {
    const [breach] = watching(10, slow(20, 4)).breaches();
    expect(breach).to.deep.include({ what: "latency", limit: 1 });
    expect(breach?.why).to.match(/^P95 of 200 requests in 10 s is 4 s, where it may be 1 s \(at least 1\d\.\d % of them took longer, with 99\.9 % certainty\)$/);
    expect(kinds(watching(10, slow(20, 0)))).to.deep.equal([]);
    expect(kinds(watching(10, counts(20, 0)))).to.deep.equal([]);
  });

  it("are rarely exceeded by a service that just keeps to them", () => {
    fc.assert(fc.property(fc.integer({ min: 1, max: 500 }), fc.integer({ min: 1, max: 900 }), (n, seconds) => kinds(watching(seconds, counts(n, n * LIMITS.errorShare))).length === 0), { numRuns: 30 });
  });

  it("on the pods count restarts from the first look, and a version whose pods have all gone unready", () => {
    const watch = new ThresholdWatch(LIMITS);
    watch.observePods({ ready: 2, desired: 2, restarts: 7 });
    expect(kinds(watch)).to.deep.equal([]);
    watch.observePods({ ready: 1, desired: 2, restarts: 9, reason: "it ended with exit code 1" });
    expect(watch.breaches()[0]).to.deep.equal({ what: "pods", value: 2, limit: 0, why: "its pods were restarted 2 times: it ended with exit code 1" });
    const starting = new ThresholdWatch(LIMITS);
    starting.observePods({ ready: 0, desired: 2, restarts: 0 });
    expect(kinds(starting)).to.deep.equal([]);
    starting.observePods({ ready: 2, desired: 2, restarts: 0 });
    starting.observePods({ ready: 0, desired: 2, restarts: 0 });
    expect(starting.breaches()[0]?.why).to.equal("none of its 2 pods is ready any more");
  });
});

describe("a monitor's book of breaches", () => {
  const breach: Breach = { what: "errors", value: 0.2, limit: 0.05, why: "20 % failed" };
  const look = (breaches: readonly Breach[], missing?: string): ServiceLook => ({ service: "shop", tracks: [], breaches, ...(missing ? { missing } : {}) });
  const at = (s: number): Date => new Date(s * 1000);

  it("tells of a breach when it begins and when it is over, and since when it was", () => {
    const book = new BreachBook();
    expect(book.compare([look([breach])], at(1)).begun).to.deep.equal([{ ...breach, service: "shop" }]);
    expect(book.compare([look([breach])], at(2))).to.deep.equal({ begun: [], over: [] });
    expect(book.since("shop", "errors")).to.deep.equal(at(1));
    expect(book.compare([look([])], at(3)).over).to.deep.equal([{ service: "shop", what: "errors", since: at(1) }]);
    expect(book.compare([look([])], at(4)).over).to.deep.equal([]);
  });

  it("does not take a breach for over that cannot be seen any more", () => {
    const book = new BreachBook();
    book.compare([look([breach])], at(1));
    expect(book.compare([look([], "Prometheus cannot be reached.")], at(2)).over).to.deep.equal([]);
    expect(book.compare([look([breach])], at(3)).begun).to.deep.equal([]);
  });
});

describe("a monitor's look, in lines", () => {
  const pods = { ready: 2, desired: 2, restarts: 0 };

  it("has the numbers of both versions, and marks the one that exceeds a threshold", () => {
    const look: ServiceLook = {
      service: "shop",
      tracks: [
        { track: "stable", version: "v1", traffic: { rate: 80, requests: 4800, errorShare: 0.001, p95: 0.02 }, pods },
        { track: "canary", version: "v2", traffic: { rate: 20.04, requests: 1200, errorShare: 0.2 }, pods: { ready: 1, desired: 2, restarts: 3, reason: "it keeps crashing" } },
      ],
      breaches: [{ what: "errors", value: 0.2, limit: 0.05, why: "" }],
    };
    expect(renderLook(look, pc.createColors(false))).to.deep.equal([
      "  shop  v1 (stable) 80.0 req/s, errors 0.1 %, P95 20 ms, pods 2/2",
      "✘ shop  v2 (canary) 20.0 req/s, errors 20 %, P95 not known, pods 1/2, 3 restarts (it keeps crashing)",
    ]);
  });

  it("says that it has no data, and shows no number that would pass for health", () => {
    const look: ServiceLook = { service: "shop", tracks: [{ track: "stable", version: "v1", pods }], missing: "http://p:9090 cannot be reached.", breaches: [] };
    expect(renderLook(look, pc.createColors(false))).to.deep.equal(["  shop  v1 (stable) pods 2/2", "! shop  no data, which is no health: http://p:9090 cannot be reached."]);
  });

  it("tells no requests from no samples, and a cluster that cannot be asked from pods that are not ready", () => {
    const none = { rate: 0, requests: 0 };
    expect(renderLook({ service: "shop", tracks: [{ track: "stable", version: "v1", traffic: none }], breaches: [] }, pc.createColors(false))).to.deep.equal(["  shop  v1 (stable) no requests, pods not known"]);
    expect(renderLook({ service: "shop", tracks: [{ track: "stable", version: "v1", pods }], breaches: [] }, pc.createColors(false))).to.deep.equal(["  shop  v1 (stable) no samples yet, pods 2/2"]);
  });
});

describe("the monitor's flags", () => {
  it("take bare numbers as percent, milliseconds and seconds, and units as they are", () => {
    expect(["5", "0", "2.5%", "100 %"].map(errorThreshold)).to.deep.equal([0.05, 0, 0.025, 1]);
    expect(["1000", "0", "250ms", "1.5s"].map(latencyThreshold)).to.deep.equal([1, 0, 0.25, 1.5]);
    expect(["90", "10m", "500ms"].map(someTime)).to.deep.equal([90, 600, 0.5]);
  });

  it("are refused when they are no numbers, negative, or out of range", () => {
    for (const [parse, texts] of [[errorThreshold, ["-1", "101", "x", "", "5m"]], [latencyThreshold, ["-1", "x", "", "5%"]], [someTime, ["0", "-3", "x", "", "0s"]]] as const)
      for (const text of texts) expect(() => parse(text), text).to.throw(InvalidArgumentError);
  });
});
