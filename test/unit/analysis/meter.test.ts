import { expect } from "chai";
import { ConfigError, type Reading, type TrafficTarget, type TrafficWindow, createMeter } from "../../../analysis";
import { selectorsOf } from "../../../analysis/metering/profiles";
import { FakeSource, series } from "./fake-source";

const target: TrafficTarget = { profile: "traefik", namespace: "shop", service: "web", stableService: "web-stable", canaryService: "web-canary", port: 80, stableVersion: "v1", canaryVersion: "v2" };
const STABLE = 'traefik_service_requests_total{service="shop-web-stable-web-stable-80@kubernetesingressnginx"}[60s]';
const CANARY = 'traefik_service_requests_total{service="shop-web-stable-web-stable-80-canary@kubernetesingressnginx"}[60s]';
const BUCKETS = 'traefik_service_request_duration_seconds_bucket{service="shop-web-stable-web-stable-80@kubernetesingressnginx"}[60s]';

const ok = { instance: "router", code: "200", service: "stable" };
const canaryOk = { instance: "router", code: "200", service: "canary" };
const canaryBad = { instance: "router", code: "500", service: "canary" };

const value = (reading: Reading<TrafficWindow>): TrafficWindow => {
  if (reading.kind !== "value") throw new Error(`expected a value, got ${JSON.stringify(reading)}`);
  return reading.value;
};

describe("The traffic meter", () => {
  it("sets its base at the first poll and counts what comes after it", async () => {
    const source = new FakeSource();
    const meter = createMeter(source, target);
    source.answers = { [STABLE]: [series(ok, [10, 1000])], [CANARY]: [series(canaryOk, [10, 50])] };
    expect((await meter.poll()).kind).to.equal("too-few-samples");
    source.answers = { [STABLE]: [series(ok, [10, 1000], [12, 1190])], [CANARY]: [series(canaryOk, [10, 50], [12, 58]), series(canaryBad, [12, 2])] };
    const first = value(await meter.poll());
    expect(first).to.deep.equal({ from: 10, to: 12, canary: { requests: 10, errors: 2 }, stable: { requests: 190, errors: 0 } });
    expect((await meter.poll()).kind).to.equal("too-few-samples");
  });

  it("counts a canary's first requests from zero on a router that was scraped before", async () => {
    const source = new FakeSource();
    const meter = createMeter(source, target);
    source.answers = { [STABLE]: [series(ok, [10, 1000])] };
    await meter.poll();
    source.answers = { [STABLE]: [series(ok, [10, 1000], [12, 1100])] };
    expect(value(await meter.poll()).canary).to.deep.equal({ requests: 0, errors: 0 });
    source.answers = { [STABLE]: [series(ok, [12, 1100], [14, 1200])], [CANARY]: [series(canaryBad, [14, 3])] };
    expect(value(await meter.poll()).canary).to.deep.equal({ requests: 3, errors: 3 });
  });

  it("has no series when neither arm has any", async () => {
    expect((await createMeter(new FakeSource(), target).poll()).kind).to.equal("no-series");
  });

  it("uses nothing of a poll of which a part failed, and loses nothing by it", async () => {
    const source = new FakeSource();
    const meter = createMeter(source, target);
    source.answers = { [STABLE]: [series(ok, [10, 1000])], [CANARY]: [series(canaryOk, [10, 50])] };
    await meter.poll();
    source.answers = { [STABLE]: [series(ok, [10, 1000], [12, 1100])], [CANARY]: { kind: "query-failed", reason: "timeout." } };
    expect(await meter.poll()).to.deep.equal({ kind: "query-failed", reason: "timeout." });
    source.answers = { [STABLE]: [series(ok, [12, 1100], [14, 1200])], [CANARY]: [series(canaryOk, [12, 55], [14, 60])] };
    expect(value(await meter.poll())).to.deep.include({ canary: { requests: 10, errors: 0 }, stable: { requests: 200, errors: 0 } });
  });

  it("waits for both arms when their pods are scraped at different instants", async () => {
    const source = new FakeSource();
    const meter = createMeter(source, target);
    source.answers = { [STABLE]: [series(ok, [10, 1000])], [CANARY]: [series(canaryOk, [11, 50])] };
    await meter.poll();
    source.answers = { [STABLE]: [series(ok, [10, 1000], [25, 1100])], [CANARY]: [series(canaryOk, [11, 50])] };
    expect((await meter.poll()).kind).to.equal("too-few-samples");
    source.answers = { [STABLE]: [series(ok, [10, 1000], [25, 1100])], [CANARY]: [series(canaryOk, [11, 50], [26, 60])] };
    expect(value(await meter.poll())).to.deep.equal({ from: 10, to: 26, canary: { requests: 10, errors: 0 }, stable: { requests: 100, errors: 0 } });
  });

  it("does not wait for an arm that stays silent", async () => {
    const source = new FakeSource();
    const meter = createMeter(source, target);
    source.answers = { [STABLE]: [series(ok, [10, 1000])], [CANARY]: [series(canaryOk, [10, 50])] };
    await meter.poll();
    source.answers = { [STABLE]: [series(ok, [10, 1000])], [CANARY]: [series(canaryBad, [45, 20])] };
    expect(value(await meter.poll()).canary).to.deep.equal({ requests: 20, errors: 20 });
  });

  it("reads bucket edges as numbers, whichever way Prometheus writes them, and sums what all series have", async () => {
    const source = new FakeSource();
    const meter = createMeter(source, target);
    const bucket = (le: string, code: string, ...points: [number, number][]) => series({ instance: "router", le, code }, ...points);
    source.answers = { [STABLE]: [series(ok, [10, 0])], [BUCKETS]: [bucket("5", "200", [10, 0]), bucket("+Inf", "200", [10, 0])] };
    await meter.poll();
    source.answers = {
      [STABLE]: [series(ok, [12, 9])],
      [BUCKETS]: [bucket("5", "200", [12, 6]), bucket("+Inf", "200", [12, 7]), bucket("1.0", "500", [12, 1]), bucket("5.0", "500", [12, 2]), bucket("+Inf", "500", [12, 2])],
    };
    expect(value(await meter.poll()).stable.latency).to.deep.equal({ le: [5, Infinity], count: [8, 9] });
  });

  it("can demand 2xx for success", async () => {
    const source = new FakeSource();
    const meter = createMeter(source, { ...target, success: "2xx" });
    const notFound = { instance: "router", code: "404", service: "stable" };
    source.answers = { [STABLE]: [series(ok, [10, 0]), series(notFound, [10, 0])] };
    await meter.poll();
    source.answers = { [STABLE]: [series(ok, [12, 5]), series(notFound, [12, 2])] };
    expect(value(await meter.poll()).stable).to.deep.equal({ requests: 7, errors: 2 });
  });

  it("falls back to the names that service discovery gives to labels of its own", async () => {
    const source = new FakeSource();
    const meter = createMeter(source, target);
    const exported = STABLE.replace("{service=", "{exported_service=");
    source.answers = { [exported]: [series(ok, [10, 0])] };
    await meter.poll();
    source.answers = { [exported]: [series(ok, [12, 5])] };
    source.asked.length = 0;
    expect(value(await meter.poll()).stable.requests).to.equal(5);
    expect(source.asked).to.include(exported).and.not.include(STABLE);
  });
});

describe("The traffic profiles", () => {
  const first = (profile: TrafficTarget["profile"]) => {
    const { canary, stable } = selectorsOf({ ...target, profile });
    return { canary: canary.requests[0], stable: stable.requests[0] };
  };

  it("tell the arms of ingress-nginx apart by its canary label", () => {
    expect(first("ingress-nginx")).to.deep.equal({
      canary: 'nginx_ingress_controller_requests{ingress="web-stable",canary="shop-web-canary-80",namespace="shop",service="web-stable"}',
      stable: 'nginx_ingress_controller_requests{ingress="web-stable",canary="",namespace="shop",service="web-stable"}',
    });
  });

  it("know the leaves of an HTTPRoute by namespace and Service", () => {
    expect(first("traefik-gateway")).to.deep.equal({
      canary: 'traefik_service_requests_total{service=~".*-svc-shop-web-canary-[0-9]+@kubernetesgateway"}',
      stable: 'traefik_service_requests_total{service=~".*-svc-shop-web-stable-[0-9]+@kubernetesgateway"}',
    });
  });

  it("tell an app's own counters apart by version", () => {
    expect(first("app")).to.deep.equal({ canary: 'http_requests_total{version="v2"}', stable: 'http_requests_total{version="v1"}' });
  });

  it("fill the placeholders of the user's own counters", () => {
    const profile = { requests: 'hits{v="{{version}}",ns="{{ namespace }}",old="%s"}', statusLabel: "code" };
    expect(first(profile).canary).to.equal('hits{v="v2",ns="shop",old="v2"}');
    expect(() => createMeter(new FakeSource(), { ...target, profile: { ...profile, requests: "hits{{verison}}" } })).to.throw(ConfigError, "The query hits{{verison}} has the unknown placeholder {{verison}}: use {{version}}, {{namespace}}, {{service}} or {{window}}.");
  });
});
