import * as fs from "node:fs";
import { expect } from "chai";
import { buildDashboard } from "../../../components/monitoring/dashboard/build";
import { dashboardText } from "../../../components/monitoring/dashboard/main";
import { dashboardFile, dashboardOf, SOURCES } from "../../../components/monitoring/dashboard-file";
import { trackSelectors } from "../../../components/monitoring/promql";

interface Panel {
  readonly id: number;
  readonly type: string;
  readonly title: string;
  readonly datasource?: { readonly uid: string };
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number };
  readonly targets?: readonly { readonly refId: string; readonly expr: string }[];
}

const panelsOf = (source: (typeof SOURCES)[number]): Panel[] => buildDashboard(source).panels as unknown as Panel[];
const queriesOf = (source: (typeof SOURCES)[number]): string[] => panelsOf(source).flatMap(({ targets = [] }) => targets.map(({ expr }) => expr));

/** Metrics that the driver and the guard export, and those of routers and apps. */
const KNOWN = new Set([
  "canary_weight", "canary_served_share", "canary_rollback_total", "canary_validation_success", "canary_gate_log_evidence", "canary_gate_log_evidence_limit",
  "canary_stage_duration_seconds_sum", "canary_stage_duration_seconds_count", "canary_rollout_duration_seconds_sum", "canary_rollout_duration_seconds_count",
  "nginx_ingress_controller_requests", "nginx_ingress_controller_request_duration_seconds_bucket", "traefik_service_requests_total",
  "traefik_service_request_duration_seconds_bucket", "http_requests_total", "http_request_duration_seconds_bucket",
]);

describe("the dashboard", () => {
  for (const source of SOURCES) {
    it(`of ${source} in the repository is what its code makes (otherwise: npm run dashboard)`, () => {
      expect(fs.readFileSync(dashboardFile(source), "utf8")).to.equal(dashboardText(source));
    });

    it(`of ${source} lets the person looking choose data source, namespace and service, and uses nothing else`, () => {
      const { templating } = buildDashboard(source);
      expect(templating?.list?.map(({ name }) => name)).to.deep.equal(["datasource", "namespace", "service"]);
      const used = new Set(queriesOf(source).flatMap((expr) => [...expr.matchAll(/\$\{?(\w+)/g)].map(([, name]) => name)));
      expect([...used].filter((name) => !["namespace", "service", "__rate_interval", "__range"].includes(name!))).to.deep.equal([]);
      for (const panel of panelsOf(source)) if (panel.type !== "row") expect(panel.datasource?.uid, panel.title).to.equal("${datasource}");
    });

    it(`of ${source} asks for metrics that somebody exports`, () => {
      for (const expr of queriesOf(source)) {
        const asked = [...expr.matchAll(/([a-zA-Z_]\w*)\{/g)].map(([, name]) => name!);
        expect(asked, expr).to.not.equal([]);
        expect(asked.filter((name) => !KNOWN.has(name)), expr).to.deep.equal([]);
      }
    });

    it(`of ${source} has panels that do not overlap, each with an id of its own`, () => {
      const panels = panelsOf(source);
      expect(new Set(panels.map(({ id }) => id)).size).to.equal(panels.length);
      const cells = panels.flatMap(({ title, gridPos: { x, y, w, h } }) => {
        expect(x + w, title).to.be.at.most(24);
        return Array.from({ length: w * h }, (_, i) => `${x + (i % w)},${y + Math.floor(i / w)}`);
      });
      expect(new Set(cells).size).to.equal(cells.length);
    });
  }

  it("counts neither track's requests with the other's", () => {
    for (const source of ["ingress-nginx", "traefik", "traefik-gateway"] as const) {
      const rates = panelsOf(source).find(({ title }) => title === "Requests")?.targets ?? [];
      const patterns = rates.map(({ expr }) => selectorsIn(expr.replaceAll("$namespace", "shop").replaceAll("$service", "api")));
      const names = (["stable", "canary"] as const).map((track) => selectorsIn(trackSelectors(source, { namespace: "shop", service: "api", port: 80 })[track].requests.join(" ")));
      const sees = (query: number, track: number): boolean => matches(patterns[query]!, names[track]!);
      expect([sees(0, 0), sees(0, 1), sees(1, 0), sees(1, 1)], source).to.deep.equal([true, false, false, true]);
    }
  });

  it("has a short uid even for long names, which tells stacks apart", () => {
    const names = { title: "t", namespace: "n", service: "s" };
    const [a, b] = ["a", "b"].map((end) => (JSON.parse(dashboardOf("app", { uid: `${"x".repeat(60)}${end}`, ...names })) as { uid: string }).uid);
    expect([a!.length, b!.length]).to.deep.equal([40, 40]);
    expect(a).to.not.equal(b);
  });
});

type Matcher = { readonly label: string; readonly regex: boolean; readonly value: string };

/** Label matchers of the first selector in an expression. */
const selectorsIn = (expr: string): Matcher[] =>
  [.../\{([^}]*)\}/.exec(expr)![1]!.matchAll(/(\w+)(=~|=)"([^"]*)"/g)].map(([, label, kind, value]) => ({ label: label!, regex: kind === "=~", value: value! }));

/** Whether a query's matchers accept a series whose labels are those that the gates' own selector asks for; of a pattern, one example. */
const matches = (query: readonly Matcher[], series: readonly Matcher[]): boolean =>
  query.every(({ label, regex, value }) => {
    const has = series.find((other) => other.label === label);
    const example = (has?.value ?? "").replace(".*", "prefix").replace("[0-9]+", "0");
    return regex ? new RegExp(`^(?:${value})$`).test(example) : value === example;
  });
