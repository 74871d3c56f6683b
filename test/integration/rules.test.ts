import { execFile } from "node:child_process";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { expect } from "chai";
import { stringify } from "yaml";
import { rulesOf, type RulesArgs } from "../../components";
import { ensureToolchain } from "../../sandbox/toolchain";

const ARGS: RulesArgs = { stack: "production", namespace: "shop", services: [{ service: "shop", port: 80 }], stuckAfterSeconds: 7200, alertLabels: { team: "shop" }, guard: true, profile: "traefik" };
const OURS = 'stack="production",namespace="shop",service="shop"';
const ROUTER = "shop-shop-stable-shop-stable-80";
const requests = (track: "stable" | "canary", code: number, values: string) => ({ series: `traefik_service_requests_total{service="${ROUTER}${track === "canary" ? "-canary" : ""}@kubernetesingressnginx",code="${code}"}`, values });
const series = (name: string, more: string, values: string) => ({ series: `${name}{${OURS}${more && `,${more}`}}`, values });
const weight = (values: string) => series("canary_weight", 'version="v2"', values);
/** The guard is heard of and sees. */
const guarded = { series: 'canary_guard_blind{stack="production",namespace="shop"}', values: "0x250" };

/** Weights from minute to minute of a rollout and the time after it, and what a counter says of them that grows by so much a minute. */
const STEPS = [...[5, 25, 50, 75, 100].flatMap((w) => [w, w, w]), ...Array<number>(20).fill(0)];
const counted = (growth: (weight: number) => number): string => {
  let total = 0;
  return STEPS.map((w) => (total += growth(w))).join(" ");
};

interface Expectation {
  /** Prometheus duration. */
  readonly at: string;
  readonly alert: string;
  /** Labels beyond those that every alert of this stack has; none means it must not fire. */
  readonly fires?: Readonly<Record<string, string>>;
}

/** Series from minute to minute, and which alerts they give. */
const SCENES: Readonly<Record<string, { series: { series: string; values: string }[]; expect: Expectation[] }>> = {
  "a rollback": {
    series: [guarded, series("canary_rollback_total", 'reason="verdict"', "0x10 1x100"), series("canary_rollback_total", 'reason="manual"', "0x110")],
    expect: [{ at: "9m", alert: "CanaryRolledBack" }, { at: "12m", alert: "CanaryRolledBack", fires: { severity: "warning", reason: "verdict" } }, { at: "75m", alert: "CanaryRolledBack" }],
  },
  "a validation that fails for longer than five minutes": {
    series: [guarded, series("canary_validation_success", 'version="v2"', "1x5 0x20 1x10")],
    expect: [
      { at: "9m", alert: "CanaryValidationFailing" },
      { at: "12m", alert: "CanaryValidationFailing", fires: { severity: "warning", version: "v2" } },
      { at: "30m", alert: "CanaryValidationFailing" },
    ],
  },
  "a weight that stands still until somebody goes on": {
    series: [guarded, weight("0x5 25x200 50x30")],
    expect: [{ at: "100m", alert: "CanaryStuck" }, { at: "140m", alert: "CanaryStuck", fires: { severity: "warning" } }, { at: "210m", alert: "CanaryStuck" }],
  },
  "no rollout at all": {
    series: [guarded, weight("0x150"), requests("stable", 200, "0+600x150"), requests("canary", 200, "0x150")],
    expect: ["CanaryStuck", "CanarySplitDiffers", "CanaryUnwatched", "CanaryGuardAbsent", "CanaryGuardBlind", "CanaryValidationFailing"].map((alert) => ({ at: "140m", alert })),
  },
  "a split that is served as it is set": {
    series: [guarded, weight("25x60"), requests("stable", 200, "0+450x60"), requests("canary", 200, "0+150x60")],
    expect: [{ at: "40m", alert: "CanarySplitDiffers" }, { at: "40m", alert: "CanaryUnwatched" }],
  },
  "a router that serves half of what is set": {
    series: [guarded, weight("25x60"), requests("stable", 200, "0+525x60"), requests("canary", 200, "0+75x60")],
    expect: [{ at: "4m", alert: "CanarySplitDiffers" }, { at: "30m", alert: "CanarySplitDiffers", fires: { severity: "warning" } }],
  },
  "a share that is off by chance, because there are few requests": {
    series: [guarded, weight("25x60"), requests("stable", 200, "0+4x60"), requests("canary", 200, "0+2x60")],
    expect: [{ at: "40m", alert: "CanarySplitDiffers" }],
  },
  "a canary that is rolled out in steps of three minutes, whose share over five minutes lags behind": {
    series: [guarded, weight(STEPS.join(" ")), requests("stable", 200, counted((w) => 10 * (100 - w))), requests("canary", 200, counted((w) => 10 * w))],
    expect: ["6m", "9m", "12m", "15m", "18m", "21m", "30m"].map((at) => ({ at, alert: "CanarySplitDiffers" })),
  },
  "a canary that nobody speaks of": {
    series: [guarded, requests("stable", 200, "0+450x60"), requests("canary", 200, "0+150x60")],
    expect: [{ at: "10m", alert: "CanaryUnwatched" }, { at: "30m", alert: "CanaryUnwatched", fires: { severity: "critical" } }],
  },
  "a guard that is gone": {
    series: [{ ...guarded, values: "0x10 _x50" }],
    expect: [{ at: "15m", alert: "CanaryGuardAbsent" }, { at: "40m", alert: "CanaryGuardAbsent", fires: { severity: "critical" } }],
  },
  "a guard that cannot read the record": {
    series: [{ ...guarded, values: "0x5 1x30" }],
    expect: [{ at: "8m", alert: "CanaryGuardBlind" }, { at: "20m", alert: "CanaryGuardBlind", fires: { severity: "critical" } }],
  },
};

const SERVICE_LABELS = { stack: "production", namespace: "shop", service: "shop" };
const labelsOf = (alert: string, extra: Readonly<Record<string, string>>) => {
  const { service, ...stack } = SERVICE_LABELS;
  return { ...stack, ...(alert.startsWith("CanaryGuard") ? {} : { service }), team: "shop", ...extra };
};

/** Through the series that Prometheus makes of alerts, because promtool's own test of them would compare every word of their annotations. */
const alertTests = (scenes = Object.entries(SCENES)): object[] =>
  scenes.map(([name, scene]) => ({
    name,
    interval: "1m",
    input_series: scene.series,
    promql_expr_test: scene.expect.map(({ at, alert, fires }) => ({
      expr: `ALERTS{alertname="${alert}",alertstate="firing"}`,
      eval_time: at,
      exp_samples: fires === undefined ? [] : [{ labels: selector("ALERTS", { alertname: alert, alertstate: "firing", ...labelsOf(alert, fires) }), value: 1 }],
    })),
  }));

const selector = (name: string, labels: Readonly<Record<string, string>>): string => `${name}{${Object.entries(labels).map(([label, value]) => `${label}=${JSON.stringify(value)}`).join(",")}}`;

/** What somebody reads who is woken by one. */
const WORDS = {
  name: "the words of an alert",
  interval: "1m",
  input_series: [guarded, weight("25x200")],
  alert_rule_test: [{
    eval_time: "140m",
    alertname: "CanaryStuck",
    exp_alerts: [{
      exp_labels: labelsOf("CanaryStuck", { severity: "warning" }),
      exp_annotations: {
        summary: "The rollout of shop (production, namespace shop) stands still at weight 25.",
        description: "The weight has not changed for 2h: the rollout is held, or nobody drives it. End it with `canary promote` or `canary rollback`.",
      },
    }],
  }],
};

const RECORDS = {
  name: "recorded series",
  interval: "1m",
  input_series: [
    requests("stable", 200, "0+540x20"), requests("stable", 500, "0+60x20"), requests("canary", 200, "0+200x20"),
    ...[["0.1", "0+300x20"], ["0.5", "0+600x20"], ["1", "0+600x20"], ["+Inf", "0+600x20"]].map(([le, values]) => ({ series: `traefik_service_request_duration_seconds_bucket{service="${ROUTER}@kubernetesingressnginx",le="${le}"}`, values })),
  ],
  promql_expr_test: ([
    ["canary:requests:rate5m", "stable", 10],
    ["canary:requests:rate5m", "canary", 200 / 60],
    ["canary:errors:ratio_rate5m", "stable", 0.1],
    ["canary:errors:ratio_rate5m", "canary", 0],
    ["canary:latency_seconds:p50_rate5m", "stable", 0.1],
    ["canary:latency_seconds:p99_rate5m", "stable", 0.492],
    ["canary:served_share:ratio_rate5m", undefined, 0.25],
  ] as const).map(([name, track, value]) => {
    const labels = { ...SERVICE_LABELS, ...(track === undefined ? {} : { track }) };
    return { expr: `abs(${selector(name, labels)} - ${value}) < bool 1e-9`, eval_time: "15m", exp_samples: [{ labels: selector("", labels), value: 1 }] };
  }),
};

describe("the rules under promtool", function () {
  this.timeout(60_000);
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "canary-rules-"));
  let promtool = "";

  before(async () => void (promtool = (await ensureToolchain()).path("promtool")));
  after(() => fs.rmSync(folder, { recursive: true, force: true }));

  const write = (name: string, content: object): string => {
    fs.writeFileSync(path.join(folder, name), stringify(content));
    return path.join(folder, name);
  };
  const run = (...args: string[]): Promise<{ ok: boolean; output: string }> =>
    new Promise((resolve) => execFile(promtool, args, (error, stdout, stderr) => resolve({ ok: error === null, output: stdout + stderr })));

  for (const profile of ["ingress-nginx", "traefik", "traefik-gateway", undefined] as const)
    it(`are accepted without a complaint for ${profile ?? "the app's own counters"}`, async () => {
      const { profile: _, ...rest } = ARGS;
      const services = [{ service: "shop", port: 80 }, { service: "api", port: "http" }];
      const rules = rulesOf({ ...rest, services, sticky: ["api"], ...(profile === undefined ? {} : { profile }) });
      const { ok, output } = await run("check", "rules", "--lint=all", "--lint-fatal", write(`${profile}.yml`, rules));
      expect(ok, output).to.equal(true);
      expect(output).to.include(`SUCCESS: ${rules.groups.reduce((sum, group) => sum + group.rules.length, 0)} rules found`);
    });

  it("fire when they should and stay silent when they should not", async () => {
    const rules = rulesOf(ARGS);
    const { ok, output } = await run("test", "rules", write("alerts-test.yml", { rule_files: [write("rules.yml", rules)], evaluation_interval: "1m", tests: [...alertTests(), WORDS, RECORDS] }));
    expect(ok, output).to.equal(true);
  });

  it("would be found to fail where an alert did not fire", async () => {
    const rules = rulesOf({ ...ARGS, stack: "another" });
    const { ok, output } = await run("test", "rules", write("wrong-test.yml", { rule_files: [write("wrong.yml", rules)], evaluation_interval: "1m", tests: alertTests(Object.entries(SCENES).slice(0, 1)) }));
    expect(ok).to.equal(false);
    expect(output).to.include("CanaryRolledBack");
  });
});
