import { expect } from "chai";
import { queryFailed, valueOf, noSeries, type PrometheusSource, type Sample } from "../../../analysis";
import { parseConfig } from "../../../components/config";
import { clientOf, type Objects } from "./view-objects";
import { liveRevisions } from "../../../driver/view/revisions";
import { recentTraffic } from "../../../driver/view/traffic";

const config = parseConfig({
  namespace: "shop", stable: "v1", services: { shop: { image: "shop", port: 8080, hosts: ["shop.example"] } },
  analysis: { prometheus: "http://p:9090", source: "traefik", scrapeInterval: "5s" },
});

/** Scraped every second; `per` are requests a second by arm and status, e.g. `canary 500`. */
function source(per: Readonly<Record<string, number>>): PrometheusSource {
  const samples = (until: number, seconds: number, rate: number): Sample[] => Array.from({ length: seconds }, (_, i) => ({ t: Math.floor(until) - seconds + 1 + i, v: rate * (Math.floor(until) - seconds + 1 + i) }));
  return {
    async query(promql, { time } = {}) {
      const [, seconds] = /\[(\d+)s\]/.exec(promql)!;
      if (!promql.startsWith("traefik_service_requests_total{service=")) return noSeries(promql);
      const arm = promql.includes("-canary@") ? "canary" : "stable";
      const series = ["200", "500"].map((code) => ({ labels: { service: arm, code, instance: "a" }, samples: samples(time!, Number(seconds), per[`${arm} ${code}`] ?? 0) }));
      return valueOf(series);
    },
    health: () => [],
    close: () => undefined,
  };
}

describe("what the counters say at a single look", () => {
  it("is the traffic of the latest four scrapes, without waiting for the next one", async () => {
    const [shop] = await recentTraffic(config, { stable: "v1", canary: "v2" }, source({ "stable 200": 30, "canary 200": 8, "canary 500": 2 }));
    expect(shop).to.deep.equal({
      service: "shop",
      seconds: 20,
      served: 0.25,
      stable: { requests: 600, rate: 30, errorShare: 0 },
      canary: { requests: 200, rate: 10, errorShare: 0.2 },
    });
  });

  it("is no share where there are no requests, and no number where there is no answer", async () => {
    const [idle] = await recentTraffic(config, { stable: "v1", canary: "v2" }, source({}));
    expect(idle).to.deep.include({ seconds: 20, stable: { requests: 0, rate: 0 } }).and.not.have.property("served");
    const [blind] = await recentTraffic(config, { stable: "v1", canary: "v2" }, { ...source({}), query: async () => queryFailed("http://p:9090 cannot be reached.") });
    expect(blind).to.deep.equal({ service: "shop", missing: "http://p:9090 cannot be reached." });
  });
});

describe("the revisions that run", () => {
  const objects: Objects = {
    deployments: [{ name: "shop-v2-b", version: "v2", replicas: 2, ready: 1 }, { name: "shop-v1-a", version: "v1", replicas: 2, ready: 2 }, { name: "shop-other", replicas: 1, ready: 0, foreign: true }],
    pods: [
      { revision: "shop-v1-a", version: "v1", restarts: 0, ready: true },
      { revision: "shop-v2-b", version: "v2", restarts: 3, ready: false, exitCode: 1 },
      { revision: "shop-v2-b", version: "v2", restarts: 4, ready: false, terminating: true },
    ],
  };

  it("are listed with their pods, restarts and trouble, and nobody else's Deployments", async () => {
    expect(await liveRevisions(async () => clientOf(objects), "shop", ["shop"])).to.deep.equal([
      { service: "shop", name: "shop-v1-a", version: "v1", ready: 2, desired: 2, restarts: 0 },
      { service: "shop", name: "shop-v2-b", version: "v2", ready: 1, desired: 2, restarts: 3, trouble: "container shop keeps crashing: it ended with exit code 1 and was restarted 3 times" },
    ]);
  });
});
