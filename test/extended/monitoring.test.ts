import * as fs from "node:fs";
import * as path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { ApiextensionsV1Api, CoreV1Api, CustomObjectsApi, KubeConfig, NetworkingV1Api } from "@kubernetes/client-node";
import { expect } from "chai";
import { dashboardOf, rulesOf, type DashboardSource } from "../../components";
import { podMonitorSpec } from "../../components/monitoring/scrape";
import { ImageTable } from "../../sandbox/cluster/images";
import { SHOP_IMAGE } from "../../sandbox/demo/images";
import { sharedCluster, shopStack, type Shop } from "../integration/harness";
import { operatorCrds } from "./operator-crds";

const PORT = 9200;
const GROUP = { group: "monitoring.coreos.com", version: "v1" };

interface Series {
  readonly metric: Readonly<Record<string, string>>;
  readonly values: readonly [number, string][];
}

describe("monitoring on the embedded cluster", function () {
  this.timeout(360_000);
  let shop: Shop;
  let api: { core: CoreV1Api; custom: CustomObjectsApi; crds: ApiextensionsV1Api; networking: NetworkingV1Api };
  let began = 0;

  before(async () => {
    const { cluster } = await sharedCluster();
    const requests = (status = "") => `http_requests_total{namespace="watched",version="{{version}}"${status}}`;
    const trend = { kind: "ratio", critical: false, numerator: requests(',status=~"5.."'), denominator: requests() };
    const annotations = { "prometheus.io/scrape": "true", "prometheus.io/port": "8080" };
    shop = await shopStack("watched", {
      stable: "v1",
      services: { shop: { image: SHOP_IMAGE, port: 8080, hosts: ["watched.example"], workload: { drain: "1s", progressDeadline: "30s", annotations } } },
      // The quick rules of the demo, and beside them, deciding nothing, a sequential gate, which has evidence to show.
      analysis: { prometheus: cluster.url("prometheus"), source: "traefik", scrapeInterval: "1s", gates: { preset: "C", trend } },
      monitoring: { labels: { release: "prometheus" } },
      networkPolicy: { ingressController: "traefik", prometheus: "monitoring", also: [{ podLabels: { app: "cron" } }] },
    });
    const config = new KubeConfig();
    config.loadFromFile(shop.cluster.files.kubeconfig);
    api = { core: config.makeApiClient(CoreV1Api), custom: config.makeApiClient(CustomObjectsApi), crds: config.makeApiClient(ApiextensionsV1Api), networking: config.makeApiClient(NetworkingV1Api) };
    began = Date.now() / 1000;
  });
  after(async () => {
    for (const { metadata } of operatorCrds()) await api.crds.deleteCustomResourceDefinition({ name: metadata!.name! }).catch(() => undefined);
  });

  const up = async (): Promise<string> => {
    const { code, output } = await shop.pulumi("up", "--yes", "--skip-preview");
    expect(code, output).to.equal(0);
    return output;
  };
  const specOf = async (plural: string, name: string): Promise<unknown> =>
    ((await api.custom.getNamespacedCustomObject({ ...GROUP, namespace: shop.namespace, plural, name })) as { spec: unknown }).spec;

  /** A pod that Prometheus scrapes. */
  async function scraped(name: string, script: string, env: Readonly<Record<string, string>>): Promise<void> {
    new ImageTable(shop.cluster.files).add({ [name]: { command: [process.execPath, path.resolve(__dirname, `${script}.js`)], tags: { v1: {} } } });
    const all = { NAMESPACE: shop.namespace, PORT: String(PORT), ...env };
    await api.core.createNamespacedPod({
      namespace: shop.namespace,
      body: {
        metadata: { name, annotations: { "prometheus.io/scrape": "true", "prometheus.io/port": String(PORT) } },
        spec: { containers: [{ name: "exporter", image: `${name}:v1`, env: Object.entries(all).map(([key, value]) => ({ name: key, value })) }] },
      },
    });
  }

  /** Everything that a query gives from the beginning of the suite until now. */
  async function ask(query: string): Promise<Series[]> {
    const parameters = new URLSearchParams({ query, start: String(began), end: String(Date.now() / 1000), step: "1" });
    const answer = (await (await fetch(`${shop.cluster.url("prometheus")}/api/v1/query_range?${parameters}`)).json()) as { status: string; error?: string; data?: { result: Series[] } };
    expect(answer.status, `${query}: ${answer.error}`).to.equal("success");
    return answer.data!.result;
  }

  it("leaves alerts and scraping out, with a warning, where there is no operator, and declares the dashboard", async () => {
    expect(await up()).to.include("This cluster has no Prometheus operator");
    const { metadata, data } = await api.core.readNamespacedConfigMap({ name: "canary-watched-dashboard", namespace: shop.namespace });
    expect(metadata?.labels).to.include({ grafana_dashboard: "1" });
    expect(JSON.parse(data!["canary-watched-dashboard.json"]!)).to.include({ title: "Canary canary/watched" });
  });

  it("declares them once the operator is there; the API server accepts every field, and nothing is left to change", async () => {
    for (const body of operatorCrds()) await api.crds.createCustomResourceDefinition({ body });
    await sleep(2000);
    expect(await up()).to.not.include("Prometheus operator");
    const { groups } = rulesOf({ stack: "watched", namespace: "watched", services: [{ service: "shop", port: 80 }], profile: "traefik", stuckAfterSeconds: 7200, alertLabels: {}, guard: false });
    expect(await specOf("prometheusrules", "canary-watched")).to.deep.equal({ groups });
    expect(await specOf("servicemonitors", "shop-metrics")).to.deep.equal(podMonitorSpec("shop", { path: "/metrics", intervalSeconds: 15 }));
    const { code, output } = await shop.pulumi("preview", "--expect-no-changes");
    expect(code, output).to.equal(0);
  });

  it("has every pod of the service once behind the Service that the operator scrapes", async () => {
    const { subsets } = await api.core.readNamespacedEndpoints({ name: "shop-metrics", namespace: shop.namespace });
    const pods = subsets?.flatMap(({ addresses = [] }) => addresses.map(({ targetRef }) => targetRef?.name));
    expect(pods).to.have.length(2).and.satisfy((names: string[]) => new Set(names).size === 2);
  });

  it("has network policies that the API server accepts", async () => {
    const { spec } = await api.networking.readNamespacedNetworkPolicy({ name: "shop", namespace: shop.namespace });
    expect(spec?.policyTypes).to.deep.equal(["Ingress"]);
    expect(spec?.ingress?.map(({ _from, ports }) => [_from?.length, ports?.[0]?.port])).to.deep.equal([[2, 8080], [1, 8080]]);
  });

  /** A rollout whose events go to an exporter of its own, as a CI job has one. */
  async function rollOut(version: string, exitCode: number): Promise<void> {
    const events = shop.cluster.files.file(`events-${version}.ndjson`);
    fs.writeFileSync(events, "");
    await scraped(`exporter-${version}`, "exporter", { EVENTS: events, STACK: "watched", SERVICES: "shop", VERSION: version });
    const load = shop.background(200);
    const run = await shop.canaryWatched(["deploy", version, "--yes"], (event) => fs.appendFileSync(events, `${JSON.stringify(event)}\n`));
    await sleep(3000);
    await load.stop();
    expect(run.exitCode, run.events.map(({ message }) => message).join("\n") + run.stderr).to.equal(exitCode);
  }

  /** Queries of a dashboard that give not one series, with their panel. */
  async function silent(text: string): Promise<string[]> {
    const { panels } = JSON.parse(text) as { panels: { title: string; targets?: { expr: string }[] }[] };
    const values: Readonly<Record<string, string>> = { namespace: shop.namespace, service: "shop", __rate_interval: "10s", __range: `${Math.ceil(Date.now() / 1000 - began)}s` };
    const queries = panels.flatMap(({ title, targets = [] }) => targets.map(({ expr }) => ({ title, expr: expr.replace(/\$(\w+)/g, (_, name: string) => values[name]!) })));
    expect(queries.length).to.be.greaterThan(10);
    const answers = await Promise.all(queries.map(async ({ title, expr }) => ({ title, expr, found: (await ask(expr)).length })));
    return answers.filter(({ found }) => found === 0).map(({ title, expr }) => `${title}: ${expr}`);
  }

  describe("after a promotion and a rollback", () => {
    before(async () => {
      await scraped("other-routers", "router-counters", {});
      await rollOut("v2", 0);
      await rollOut("bad", 2);
    });

    it("every query of the dashboard in the cluster returns series", async () => {
      const { data } = await api.core.readNamespacedConfigMap({ name: "canary-watched-dashboard", namespace: shop.namespace });
      expect(await silent(data!["canary-watched-dashboard.json"]!)).to.deep.equal([]);
    });

    for (const source of ["ingress-nginx", "traefik-gateway", "app"] satisfies DashboardSource[])
      it(`every query of the dashboard for ${source} returns series of such names`, async () => {
        expect(await silent(dashboardOf(source, { uid: "x", title: "x", namespace: "x", service: "x" }))).to.deep.equal([]);
      });

    it("the dashboard's variables offer the namespace and the service", async () => {
      const valuesOf = async (label: string, match: string): Promise<string[]> =>
        ((await (await fetch(`${shop.cluster.url("prometheus")}/api/v1/label/${label}/values?${new URLSearchParams({ "match[]": match })}`)).json()) as { data: string[] }).data;
      expect(await valuesOf("namespace", "canary_weight")).to.include("watched");
      expect(await valuesOf("service", 'canary_weight{namespace="watched"}')).to.deep.equal(["shop"]);
    });

    it("every recorded series has values, and the alert on rollbacks says why there was one", async () => {
      const { groups } = rulesOf({ stack: "watched", namespace: "watched", services: [{ service: "shop", port: 80 }], profile: "traefik", stuckAfterSeconds: 7200, alertLabels: {}, guard: false });
      const rules = groups.flatMap((group) => group.rules);
      for (const rule of rules) if ("record" in rule) expect(await ask(rule.expr), rule.record).to.not.deep.equal([]);
      const rolledBack = rules.find((rule) => "alert" in rule && rule.alert === "CanaryRolledBack")!;
      expect((await ask(rolledBack.expr)).map(({ metric }) => metric)).to.deep.equal([{ stack: "watched", namespace: "watched", service: "shop", reason: "verdict" }]);
    });

    it("the metrics tell the rollouts as they were: weights, the time to promotion, one rollback", async () => {
      const steps = async (version: string): Promise<string[]> => [...new Set((await ask(`canary_weight{version="${version}"}`)).flatMap(({ values }) => values.map(([, value]) => value)))];
      expect(await steps("v2")).to.include.members(["0", "5", "25", "50", "100"]);
      const last = async (query: string): Promise<number> => Number((await ask(query))[0]?.values.at(-1)?.[1]);
      expect(await last('canary_rollout_duration_seconds_sum{version="v2",outcome="promoted"}')).to.be.greaterThan(5);
      expect(await last('max(canary_rollback_total{namespace="watched",reason="verdict"})')).to.equal(1);
      expect(await last('canary_validation_success{version="bad"}')).to.equal(0);
    });
  });
});
