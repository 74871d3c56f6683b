import { expect } from "chai";
import { ConfigError, type GatesInput, type TrafficTarget, createMetricPoller, measureOverdispersion, parseGates } from "../../../analysis";
import { FakeSource, series } from "./fake-source";

const target: TrafficTarget = { profile: "app", namespace: "shop", service: "web", stableService: "web-stable", canaryService: "web-canary", port: 80, stableVersion: "v1", canaryVersion: "v2" };

function poller(source: FakeSource, gates: GatesInput) {
  let now = 0;
  const { poll } = createMetricPoller(source, parseGates(gates), target, () => now);
  return { poll, at: (t: number) => { now = t; return poll(); } };
}

describe("Metrics with queries of their own", () => {
  const ratio: GatesInput = { signups: { kind: "ratio", numerator: 'signups_total{version="{{version}}"}', denominator: 'visits_total{version="{{version}}"}' } };
  const raw = (name: string, version: string): string => `${name}_total{version="${version}"}[60s]`;

  it("read raw counters once a window, a numerator without a series being zero", async () => {
    const source = new FakeSource();
    const { at } = poller(source, ratio);
    const visits = { instance: "a", name: "visits" };
    source.answers = { [raw("visits", "v1")]: [series({ ...visits, version: "v1" }, [0, 100])], [raw("visits", "v2")]: [series({ ...visits, version: "v2" }, [0, 10])] };
    expect((await at(0))[0]?.reading.kind).to.equal("too-few-samples");
    expect(await at(14)).to.deep.equal([]);
    source.answers = {
      [raw("visits", "v1")]: [series({ ...visits, version: "v1" }, [15, 195])],
      [raw("visits", "v2")]: [series({ ...visits, version: "v2" }, [15, 15])],
      [raw("signups", "v1")]: [series({ instance: "a", name: "signups", version: "v1" }, [15, 7])],
    };
    expect(await at(15)).to.deep.equal([{ metric: "signups", reading: { kind: "value", value: { type: "ratio", metric: "signups", at: 15, canary: { x: 0, n: 5 }, stable: { x: 7, n: 95 } } } }]);
  });

  it("read the value of an expression over the window", async () => {
    const source = new FakeSource();
    const { at } = poller(source, { signups: { kind: "ratio", numerator: 'sum(increase(signups{v="%s"}[{{window}}]))', denominator: 'sum(increase(visits{v="%s"}[{{window}}]))' } });
    source.answers = { 'sum(increase(signups{v="v2"}[15s]))': [series({}, [1, 3])], 'sum(increase(visits{v="v2"}[15s]))': [series({}, [1, 30])] };
    expect((await at(0))[0]?.reading).to.deep.equal({ kind: "value", value: { type: "ratio", metric: "signups", at: 0, canary: { x: 3, n: 30 } } });
  });

  it("read a gauge as one batch of its series", async () => {
    const source = new FakeSource();
    const { at } = poller(source, { confidence: { kind: "gauge", query: 'confidence{version="{{version}}"}', atLeast: "80%ofBaseline" } });
    source.answers = { 'confidence{version="v2"}': [series({ pod: "a" }, [1, 0.8]), series({ pod: "b" }, [1, 1])], 'confidence{version="v1"}': [series({ pod: "c" }, [1, 0.9])] };
    const [first] = await at(0);
    expect(first?.reading).to.have.nested.property("value.canary").that.deep.includes({ n: 2, mean: 0.9 });
    expect(first?.reading).to.have.nested.property("value.stable").that.deep.equals({ mean: 0.9, sd: 0, n: 1 });
  });

  it("keep no series, a failure and a value apart", async () => {
    const source = new FakeSource();
    const { at } = poller(source, { confidence: { kind: "gauge", query: "confidence", atLeast: 1 } });
    expect((await at(0))[0]?.reading).to.deep.equal({ kind: "no-series", query: "confidence" });
    source.answers = { confidence: { kind: "query-failed", reason: "down." } };
    expect((await at(15))[0]?.reading).to.deep.equal({ kind: "query-failed", reason: "down." });
  });

  it("refuse a placeholder that does not exist before anything is asked", () => {
    expect(() => poller(new FakeSource(), { confidence: { kind: "gauge", query: "x{{pod}}", atLeast: 1 } })).to.throw(ConfigError, "unknown placeholder {{pod}}");
  });

  it("are not asked for when there are none", async () => {
    expect(await poller(new FakeSource(), {}).at(0)).to.deep.equal([]);
  });
});

describe("Overdispersion measured on the baseline", () => {
  const query = 'http_requests_total{version="v1"}[120s]';
  const pod = (name: string, status: string, ...values: number[]) => series({ pod: name, instance: name, status }, ...values.map((v, i): [number, number] => [i * 60, v]));

  it("compares two halves of its pods, window by window", async () => {
    const source = new FakeSource();
    source.answers = { [query]: [pod("a", "200", 0, 92, 200), pod("a", "500", 0, 8, 8), pod("b", "200", 0, 100, 190), pod("b", "500", 0, 0, 10)] };
    // Per window: N = 8 and θ = 1/2 gives 8; N = 10 and θ = 108/208 gives 10·θ/(1 − θ).
    const reading = await measureOverdispersion(source, target, { seconds: 120, window: 60 });
    expect(reading.kind === "value" && reading.value).to.be.closeTo((8 + (10 * 108) / 100) / 2, 1e-9);
  });

  it("cannot be measured on one pod, or on a router's counters", async () => {
    const source = new FakeSource();
    source.answers = { [query]: [pod("a", "200", 0, 92, 200)] };
    expect((await measureOverdispersion(source, target, { seconds: 120 })).kind).to.equal("too-few-samples");
    expect((await measureOverdispersion(source, { ...target, profile: "traefik" })).kind).to.equal("too-few-samples");
  });
});
