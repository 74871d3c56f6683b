import * as pulumi from "@pulumi/pulumi";
import { expect } from "chai";
import { findOperator, parseConfig, rulesOf, type Rule, type RuleGroup } from "../../../components";
import { declare, find, namesOf, stack, type Raw } from "./declare";

/** Runs something and returns what it warned of. */
async function warnings(act: () => Promise<unknown>): Promise<string[]> {
  const said: string[] = [];
  const { warn } = pulumi.log;
  const log = pulumi.log as { warn: typeof warn };
  log.warn = (message) => Promise.resolve(void said.push(message));
  try {
    await act();
  } finally {
    log.warn = warn;
  }
  return said;
}

const monitored = (monitoring: Raw = {}, keys: Raw = {}): Raw => stack({ monitoring: { operator: true, ...monitoring }, ...keys });
const declared = async (raw: Raw) => (await declare(raw)).resources;
const alertsOf = (groups: readonly RuleGroup[]): Extract<Rule, { alert: string }>[] => groups.flatMap(({ rules }) => rules).filter((rule) => "alert" in rule);
const problem = (raw: Raw): string => {
  try {
    parseConfig(raw);
    return "";
  } catch (error) {
    return (error as Error).message;
  }
};

const ruleArgs = { stack: "production", namespace: "shop", services: [{ service: "shop", port: 80 }], stuckAfterSeconds: 7200, alertLabels: {}, guard: false } as const;

describe("monitoring", () => {
  it("is off by default", async () => {
    const resources = await declared(stack());
    expect(resources.filter(({ type }) => /monitoring|ConfigMap|CustomResource/i.test(type))).to.deep.equal([]);
  });

  it("declares scraping for each service, rules and a dashboard where the operator is", async () => {
    const services = { shop: { image: "shop", port: 8080, hosts: ["a.example"] }, api: { image: "api", port: 9000, hosts: ["b.example"] } };
    const resources = await declared(monitored({ labels: { release: "prometheus" } }, { services }));
    expect(namesOf(resources, "ServiceMonitor")).to.deep.equal(["api-metrics", "shop-metrics"]);
    const monitor = find(resources, "ServiceMonitor", "api-metrics");
    expect(monitor.inputs.apiVersion).to.equal("monitoring.coreos.com/v1");
    expect(monitor.inputs.metadata).to.deep.include({ name: "api-metrics", namespace: "shop" });
    expect(monitor.inputs.metadata.labels).to.include({ release: "prometheus" });
    expect(monitor.inputs.spec.endpoints[0]).to.include({ port: "metrics", path: "/metrics", interval: "15s" });
    const service = find(resources, "Service", "api-metrics").inputs;
    expect(service.metadata.labels).to.include(monitor.inputs.spec.selector.matchLabels);
    expect(service.spec).to.deep.include({ clusterIP: "None", selector: { "app.kubernetes.io/name": "api" }, ports: [{ name: "metrics", port: 9000, targetPort: 9000 }] });
    expect(find(resources, "PrometheusRule", "canary-test").inputs.spec.groups.map(({ name }: RuleGroup) => name)).to.deep.equal(["canary-shop-test-records", "canary-shop-test-alerts"]);
    expect(find(resources, "ConfigMap", "canary-test-dashboard").inputs.metadata.labels).to.include({ grafana_dashboard: "1" });
  });

  it("scrapes every pod of a service once: the monitor selects neither track's Service", async () => {
    const resources = await declared(monitored());
    const { matchLabels } = find(resources, "ServiceMonitor", "shop-metrics").inputs.spec.selector as { matchLabels: Record<string, string> };
    const selected = resources.filter(({ type, inputs }) => type.endsWith(":Service") && Object.entries(matchLabels).every(([key, value]) => inputs.metadata.labels[key] === value));
    expect(selected.map(({ name }) => name)).to.deep.equal(["shop-metrics"]);
  });

  it("gives series without a version the pod's, and leaves one that the app states", async () => {
    const { endpoints } = find(await declared(monitored()), "ServiceMonitor", "shop-metrics").inputs.spec;
    const rule = endpoints[0].metricRelabelings[0] as { sourceLabels: string[]; separator: string; regex: string; targetLabel: string };
    const versionOf = (labels: Record<string, string>): string => {
      const match = new RegExp(`^(?:${rule.regex})$`).exec(rule.sourceLabels.map((label) => labels[label] ?? "").join(rule.separator));
      return match?.[1] ?? labels[rule.targetLabel] ?? "";
    };
    expect(versionOf({ pod_version: "v2" })).to.equal("v2");
    expect(versionOf({ pod_version: "v2", version: "v2-rc1" })).to.equal("v2-rc1");
  });

  it("scrapes the guard of a stack, keeping the labels by which it speaks of services, and expects to hear of it", async () => {
    const resources = await declared(monitored({}, { guard: { image: "guard:v1" } }));
    const guard = namesOf(resources, "ServiceMonitor").find((name) => name.endsWith("guard"))!;
    const { selector, endpoints } = find(resources, "ServiceMonitor", guard).inputs.spec;
    const service = find(resources, "Service", guard).inputs;
    expect(service.metadata.labels).to.include(selector.matchLabels);
    expect(service.spec.ports.map(({ name }: { name: string }) => name)).to.include(endpoints[0].port);
    expect(endpoints[0].honorLabels).to.equal(true);
    const names = alertsOf(find(resources, "PrometheusRule", "canary-test").inputs.spec.groups).map(({ alert }) => alert);
    expect(names).to.include("CanaryGuardAbsent");
  });

  it("scrapes another path, port and interval, or nothing", async () => {
    const resources = await declared(monitored({ scrape: { path: "/stats", port: 9100, interval: "1m" } }));
    expect(find(resources, "ServiceMonitor", "shop-metrics").inputs.spec.endpoints[0]).to.include({ path: "/stats", interval: "60s" });
    expect(find(resources, "Service", "shop-metrics").inputs.spec.ports).to.deep.equal([{ name: "metrics", port: 9100, targetPort: 9100 }]);
    const none = await declared(monitored({ scrape: false }));
    expect([namesOf(none, "ServiceMonitor"), namesOf(none, "PrometheusRule"), namesOf(none, "Service")]).to.deep.equal([[], ["canary-test"], ["shop-canary", "shop-stable"]]);
  });

  it("declares no rules with alerts: false, and no dashboard with dashboard: false", async () => {
    const resources = await declared(monitored({ alerts: false, dashboard: false }));
    expect([namesOf(resources, "PrometheusRule"), namesOf(resources, "ConfigMap"), namesOf(resources, "ServiceMonitor")]).to.deep.equal([[], [], ["shop-metrics"]]);
  });

  it("puts the dashboard where the sidecar looks, with the labels and annotations it looks for", async () => {
    const dashboard = { namespace: "grafana", labels: { dashboards: "yes" }, annotations: { grafana_folder: "Canary" } };
    const { metadata, data } = find(await declared(monitored({ dashboard })), "ConfigMap", "canary-test-dashboard").inputs;
    expect(metadata).to.deep.include({ namespace: "grafana", annotations: { grafana_folder: "Canary" } });
    expect(metadata.labels).to.include({ dashboards: "yes" }).and.not.have.property("grafana_dashboard");
    const { uid, title, templating } = JSON.parse(data["canary-test-dashboard.json"]);
    expect({ uid, title }).to.deep.equal({ uid: "canary-test", title: "Canary canary/test" });
    const current = Object.fromEntries(templating.list.map(({ name, current: chosen }: { name: string; current?: { value: string } }) => [name, chosen?.value]));
    expect(current).to.include({ namespace: "shop", service: "shop" });
  });

  it("leaves the operator's resources out, without a word, where there is no operator by config", async () => {
    let resources: Awaited<ReturnType<typeof declared>> = [];
    expect(await warnings(async () => (resources = await declared(monitored({ operator: false }))))).to.deep.equal([]);
    expect(namesOf(resources, "ConfigMap")).to.deep.equal(["canary-test-dashboard"]);
    expect(resources.filter(({ type }) => type.includes("monitoring.coreos.com"))).to.deep.equal([]);
  });

  it("warns when nobody asked the cluster for the operator", async () => {
    expect(await warnings(() => declared(monitored({ operator: "auto" })))).to.have.length(1);
  });

  it("names its keys and values when they are wrong", () => {
    const cases: [Raw, string][] = [
      [{ operator: "maybe" }, 'canary:monitoring.operator is "maybe": it must be auto, true or false.'],
      [{ opertor: true }, "canary:monitoring.opertor is not a known key: did you mean canary:monitoring.operator?"],
      [{ stuckAfter: "5m" }, 'canary:monitoring.stuckAfter is "5m": it must be at least 15m.'],
      [{ stuckAfter: "30m" }, "canary:monitoring.stuckAfter is 30m: it must be longer than a stage may take, 1h by rollout.cap and the longest dwell."],
      [{ scrape: { interval: "0s" } }, 'canary:monitoring.scrape.interval is "0s": it must be at least 1s.'],
      [{ scrape: true }, "canary:monitoring.scrape is true: it must be false or a map."],
      [{ dashboard: { namespace: "Grafana" } }, 'canary:monitoring.dashboard.namespace is "Grafana": it must be a Kubernetes namespace: lower-case letters, digits and "-", at most 63 characters.'],
      [{ labels: { "a b": "c" } }, "canary:monitoring.labels.a b has a bad name: it must be the name of a Kubernetes label."],
      [{ alertLabels: { "team-name": "a" } }, "canary:monitoring.alertLabels.team-name has a bad name: it must be the name of a Prometheus label."],
    ];
    for (const [monitoring, sentence] of cases) expect(problem(stack({ monitoring }))).to.equal(sentence);
  });
});

describe("the search for the Prometheus operator", () => {
  const config = () => parseConfig(stack({ monitoring: {} }));
  const refused = (code: number) => () => Promise.reject(Object.assign(new Error("HTTP-Code"), { code }));

  it("asks nobody unless it is told auto", async () => {
    const ask = () => Promise.reject(new Error("was asked"));
    expect(await warnings(() => findOperator(parseConfig(stack()), ask))).to.deep.equal([]);
    expect((await findOperator(parseConfig(monitored()), ask)).monitoring?.operator).to.equal(true);
  });

  it("finds it where the API server has both kinds", async () => {
    const found = await findOperator(config(), () => Promise.resolve(["PodMonitor", "PrometheusRule", "ServiceMonitor"]));
    expect(found.monitoring?.operator).to.equal(true);
  });

  it("goes on without it, with a warning, where the group or one of the kinds is absent", async () => {
    for (const ask of [refused(404), () => Promise.resolve(["ServiceMonitor"])]) {
      const [said] = await warnings(async () => expect((await findOperator(config(), ask)).monitoring?.operator).to.equal(false));
      expect(said).to.match(/^This cluster has no Prometheus operator .* alerts and scraping are left out\. Install it, or set canary:monitoring\.operator to false\.$/);
    }
  });

  it("takes it to be there when the cluster cannot be asked: what is deployed must not be deleted by a broken connection", async () => {
    for (const ask of [refused(403), refused(500), () => Promise.reject(new Error("connect ECONNREFUSED"))]) {
      const [said] = await warnings(async () => expect((await findOperator(config(), ask)).monitoring?.operator).to.equal(true));
      expect(said).to.include("Nobody knows whether this cluster has the Prometheus operator");
    }
  });
});

describe("the rules", () => {
  it("alert on rollbacks within the hour and on a validation that fails for five minutes", () => {
    const alerts = alertsOf(rulesOf(ruleArgs).groups);
    const of = (name: string) => alerts.find(({ alert }) => alert === name);
    expect(of("CanaryRolledBack")?.expr).to.equal('sum by (stack, namespace, service, reason) (increase(canary_rollback_total{stack="production",namespace="shop"}[1h])) > 0');
    expect(of("CanaryValidationFailing")).to.include({ for: "5m", expr: 'min by (stack, namespace, service, version) (canary_validation_success{stack="production",namespace="shop"}) == 0' });
  });

  it("say nothing about a split where the router's counters are not read", () => {
    const { groups } = rulesOf(ruleArgs);
    expect(groups.map(({ name }) => name)).to.deep.equal(["canary-shop-production-alerts"]);
    expect(alertsOf(groups).map(({ alert }) => alert)).to.deep.equal(["CanaryRolledBack", "CanaryValidationFailing", "CanaryStuck"]);
  });

  it("hold no service against its weight whose sessions stick", () => {
    const differs = (sticky: string[]) => alertsOf(rulesOf({ ...ruleArgs, profile: "traefik", sticky }).groups).find(({ alert }) => alert === "CanarySplitDiffers")?.expr;
    expect(differs([])).to.not.include("service!~");
    expect(differs(["shop", "api"])).to.include('service!~"shop|api"');
  });

  it("expect a guard only where there is one", () => {
    const names = (guard: boolean) => alertsOf(rulesOf({ ...ruleArgs, guard }).groups).map(({ alert }) => alert);
    expect(names(true)).to.include.members(["CanaryGuardAbsent", "CanaryGuardBlind"]);
    expect(names(false).join()).to.not.include("Guard");
  });

  it("carry the labels by which Alertmanager routes them, a severity of one's own included", () => {
    const { labels } = alertsOf(rulesOf({ ...ruleArgs, alertLabels: { team: "shop", severity: "page" } }).groups)[0]!;
    expect(labels).to.deep.equal({ severity: "page", team: "shop" });
  });
});
