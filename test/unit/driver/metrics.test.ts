import { expect } from "chai";
import { Registry } from "prom-client";
import type { RollbackReason } from "../../../components/record/format";
import type { Outcome, RolloutEvent } from "../../../driver/report/events";
import { RolloutMetrics, type Recorded } from "../../../driver/report/metrics";

/** The compiler asks for every one that there is. */
const REASONS: Readonly<Record<RollbackReason, true>> = { verdict: true, split: true, start: true, update: true, interrupt: true, manual: true, guard: true, blind: true, fleet: true, approval: true };
const OUTCOMES: Readonly<Record<Outcome, true>> = { promoted: true, "rolled-back": true, held: true, interrupted: true, failed: true };

type MeteredEvent = Omit<RolloutEvent, "message"> & { readonly message?: string };

const labels = { stack: "production", namespace: "shop", services: ["shop"] };
const OWN = 'stack="production",namespace="shop",service="shop",version="v2"';
const ROLLBACKS = 'stack="production",namespace="shop",service="shop"';

/** A record that cannot be written, so that the metrics count by themselves. */
const recorded: Recorded = { rollout: { version: "v2", startedAt: new Date(1_000_000).toISOString() }, rollbacks: {}, unwritten: true };

/** The metrics after some events, each a line: name, labels and value. */
async function after(events: readonly MeteredEvent[], from = labels, record: () => Recorded = () => recorded): Promise<{ of(name: string, more?: string, own?: string): number | undefined; names: Set<string> }> {
  const registry = new Registry();
  const metrics = new RolloutMetrics(from, record, registry);
  events.forEach((event) => metrics.hear(event));
  const lines = (await registry.metrics()).split("\n").filter((line) => line !== "" && !line.startsWith("#"));
  return {
    names: new Set(lines.map((line) => line.replace(/[{ ].*/, ""))),
    of: (name, more = "", own = OWN) => {
      const labelled = name === "canary_rollback_total" && own === OWN ? ROLLBACKS : own;
      const line = lines.find((text) => text.startsWith(`${name}{${labelled}${more && `,${more}`}} `) || text.startsWith(`${name}{${more && `${more},`}${labelled}} `));
      return line === undefined ? undefined : Number(line.slice(line.lastIndexOf(" ")));
    },
  };
}

const gate = (metric: string, logE: number) => ({ metric, gate: "fail", critical: true, decides: "rollback" as const, answer: "undecided" as const, sentence: "", logE, logELimit: 4.6 });
const start: MeteredEvent = { event: "start", t: 1000, message: "" };
const stage = (index: number, weight: number, t: number): MeteredEvent => ({ event: "stage", stage: index, weight, t, message: "" });
const verdict = (what: string, t: number): MeteredEvent => ({ event: "verdict", verdict: what, t, message: "" });
const end = (outcome: "promoted" | "rolled-back" | "held" | "interrupted" | "failed", t = 1600): MeteredEvent => ({ event: "end", outcome, t, message: "" });
const revert: MeteredEvent = { event: "revert", weight: 0, t: 1500, message: "" };

describe("the driver's metrics", () => {
  it("have every counter at 0 from the start, so that its first increase is one", async () => {
    const { of } = await after([start]);
    for (const reason of Object.keys(REASONS)) expect(of("canary_rollback_total", `reason="${reason}"`), reason).to.equal(0);
    for (const outcome of Object.keys(OUTCOMES)) expect(of("canary_rollout_duration_seconds_count", `outcome="${outcome}"`), outcome).to.equal(0);
    expect(of("canary_stage_duration_seconds_count")).to.equal(0);
  });

  it("say nothing of a validation before the first verdict", async () => {
    const { of } = await after([start, stage(0, 5, 1010)]);
    expect([of("canary_weight"), of("canary_validation_success")]).to.deep.equal([5, undefined]);
  });

  it("follow the weight, the share that is served and the gates' evidence", async () => {
    const { of } = await after([start, stage(0, 25, 1010), { event: "split", t: 1020, weight: 25, served: 0.24, message: "" }, { event: "observe", t: 1021, gates: [gate("errors", 1.5)], message: "" }]);
    expect([of("canary_weight"), of("canary_served_share")]).to.deep.equal([25, 0.24]);
    expect(of("canary_gate_log_evidence", 'metric="errors",gate="fail"')).to.equal(1.5);
    expect(of("canary_gate_log_evidence_limit", 'metric="errors",gate="fail"')).to.equal(4.6);
  });

  it("leave out evidence that is none", async () => {
    const { names } = await after([{ event: "observe", t: 1020, gates: [{ ...gate("errors", NaN), logELimit: undefined }], message: "" }]);
    expect([...names].filter((name) => name.includes("evidence"))).to.deep.equal([]);
  });

  it("give each gate of a train to its service", async () => {
    const train = { ...labels, services: ["shop", "shop-api"] };
    const { of } = await after([{ event: "observe", t: 1020, gates: [gate("shop/errors", 1), gate("shop-api/errors", 2)], message: "" }], train);
    expect(of("canary_gate_log_evidence", 'metric="errors",gate="fail"')).to.equal(1);
    expect(of("canary_gate_log_evidence", 'metric="errors",gate="fail"', OWN.replace('service="shop"', 'service="shop-api"'))).to.equal(2);
  });

  it("measure each stage from its beginning to its verdict, and the rollout to its outcome", async () => {
    const { of } = await after([start, stage(0, 5, 1010), verdict("promote", 1070), stage(1, 100, 1080), verdict("promote", 1200), end("promoted", 1300)]);
    expect([of("canary_stage_duration_seconds_count"), of("canary_stage_duration_seconds_sum")]).to.deep.equal([2, 60 + 120]);
    expect(of("canary_rollout_duration_seconds_sum", 'outcome="promoted"')).to.equal(300);
    expect([of("canary_validation_success"), of("canary_weight"), of("canary_served_share")]).to.deep.equal([1, 0, undefined]);
    expect(of("canary_rollback_total", 'reason="verdict"')).to.equal(0);
  });

  it("count a rollback once, with its reason, and call the validation failed", async () => {
    const { of } = await after([start, stage(0, 5, 1010), revert, verdict("rollback", 1500), { ...revert, t: 1501 }, end("rolled-back")]);
    expect([of("canary_rollback_total", 'reason="verdict"'), of("canary_validation_success"), of("canary_weight")]).to.deep.equal([1, 0, 0]);
    expect(of("canary_stage_duration_seconds_sum")).to.equal(490);
  });

  it("take the reason from the event that states one, and otherwise from what came before", async () => {
    const reasons: [string, MeteredEvent[]][] = [
      ["split", [stage(0, 5, 1010), { ...revert, why: "split" }, verdict("rollback", 1501), end("rolled-back")]],
      ["start", [revert, end("rolled-back")]],
      ["update", [stage(0, 5, 1010), revert, end("rolled-back")]],
      ["interrupt", [stage(0, 5, 1010), revert, end("interrupted")]],
    ];
    for (const [reason, events] of reasons) {
      const { of } = await after([start, ...events]);
      expect(of("canary_rollback_total", `reason="${reason}"`), reason).to.equal(1);
    }
  });

  it("leave a held canary its weight, and count no rollback of it", async () => {
    for (const outcome of ["held", "interrupted"] as const) {
      const { of } = await after([start, stage(0, 25, 1010), verdict("hold", 1100), end(outcome)]);
      expect([of("canary_weight"), of("canary_validation_success"), of("canary_rollback_total", 'reason="interrupt"')], outcome).to.deep.equal([25, 0, 0]);
    }
  });

  it("go on from the rollbacks that the record has, and count none twice that it has counted", async () => {
    let record: Recorded = { rollout: recorded.rollout!, rollbacks: { verdict: 3, manual: 1 }, unwritten: false };
    const registry = new Registry();
    const metrics = new RolloutMetrics(labels, () => record, registry);
    const count = async (): Promise<string[]> => (await registry.metrics()).split("\n").filter((line) => /^canary_rollback_total.*(verdict|manual)/.test(line)).map((line) => line.replace(/.*reason="(.*)"} /, "$1 "));
    expect(await count()).to.deep.equal(["verdict 3", "manual 1"]);
    for (const event of [start, stage(0, 5, 1010), revert, verdict("rollback", 1500)]) metrics.hear(event);
    record = { rollbacks: { verdict: 4, manual: 1 }, unwritten: false };
    metrics.hear(end("rolled-back"));
    metrics.hear(end("rolled-back"));
    expect((await count()).sort()).to.deep.equal(["manual 1", "verdict 4"]);
  });

  it("count from the start that the record knows, when a driver goes on with a rollout", async () => {
    const { of } = await after([{ ...start, t: 5000 }, stage(1, 25, 5010), verdict("promote", 5100), end("promoted", 6000)]);
    expect(of("canary_rollout_duration_seconds_sum", 'outcome="promoted"')).to.equal(5000);
  });

  it("follow from one rollout to the next: the version before is not under way any more, and what it took stays", async () => {
    let record = recorded;
    const registry = new Registry();
    const metrics = new RolloutMetrics(labels, () => record, registry);
    for (const event of [start, stage(0, 5, 1010), { event: "observe", t: 1020, gates: [gate("errors", 1)], message: "" } as const, verdict("promote", 1100), end("promoted")]) metrics.hear(event);
    record = { ...recorded, rollout: { version: "v3", startedAt: new Date(9_000_000).toISOString() } };
    metrics.hear(stage(0, 5, 9010));
    const text = await registry.metrics();
    expect(text).to.match(/canary_weight\{.*version="v3"\} 5/);
    expect(text).to.not.match(/canary_(weight|validation_success|gate_log_evidence|gate_log_evidence_limit)\{[^}]*version="v2"/);
    expect(text).to.match(/canary_rollout_duration_seconds_count\{.*version="v2",outcome="promoted"\} 1/);
  });

  it("keep what a version's rollouts took when it is rolled out again", async () => {
    let record = recorded;
    const registry = new Registry();
    const metrics = new RolloutMetrics(labels, () => record, registry);
    for (const event of [start, stage(0, 5, 1010), revert, end("rolled-back")]) metrics.hear(event);
    record = { ...recorded, rollout: { version: "v2", startedAt: new Date(9_000_000).toISOString() } };
    for (const event of [stage(0, 5, 9010), verdict("promote", 9020), end("promoted", 9100)]) metrics.hear(event);
    const text = await registry.metrics();
    for (const outcome of ["promoted", "rolled-back"]) expect(text).to.match(new RegExp(`canary_rollout_duration_seconds_count\\{.*outcome="${outcome}"\\} 1`));
    expect(text).to.match(/canary_rollout_duration_seconds_sum\{.*outcome="promoted"\} 100/);
  });

  it("say nothing of a version where no rollout is recorded: a first installation is none", async () => {
    const { names } = await after([start, end("promoted")], labels, () => ({ rollbacks: {}, unwritten: false }));
    expect([...names]).to.deep.equal(["canary_rollback_total"]);
  });

  it("are each of one stack, also in one registry", async () => {
    const registry = new Registry();
    new RolloutMetrics(labels, () => recorded, registry).hear(stage(0, 5, 1010));
    new RolloutMetrics({ ...labels, stack: "staging" }, () => recorded, registry).hear(stage(0, 20, 1010));
    expect((await registry.metrics()).match(/^canary_weight.*$/gm)).to.deep.equal([`canary_weight{${OWN}} 5`, `canary_weight{${OWN.replace("production", "staging")}} 20`]);
  });
});
