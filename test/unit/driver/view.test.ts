import { PassThrough } from "node:stream";
import { expect } from "chai";
import type { HistoryEntry, RecordedGate } from "../../../components/record/format";
import { parseConfig } from "../../../components/config";
import { clauseOf } from "../../../driver/cluster/answers";
import { endingOf, exitOf, follower } from "../../../driver/view/ending";
import { gateView, quantity } from "../../../driver/view/gates";
import { latest, renderHistory } from "../../../driver/view/history";
import { watchScreen } from "../../../driver/view/screen";
import type { Snapshot } from "../../../driver/view/snapshot";
import { parseState, resourceOf } from "../../../driver/view/state";
import { ago, moment, span } from "../../../driver/view/times";
import { before, NOW, quiet, rolling, rollout } from "./snapshots";

const entry = (over: Partial<HistoryEntry>): HistoryEntry => ({
  id: "v2-abc", version: "v2", from: "v1", kind: "rollout", outcome: "promoted", reason: "v2 is stable; v1 is kept.",
  startedAt: before(3700), endedAt: before(3600), by: "ci@host (pid 42)", generation: 5, ...over,
});

describe("times for a person", () => {
  it("are told in their largest whole unit", () => {
    expect([0, 45.9, 119, 120, 7199, 7200, 172_799, 172_800].map(span)).to.deep.equal(["0 s", "45 s", "119 s", "2 min", "119 min", "2 h", "47 h", "2 d"]);
  });

  it("are never negative, and never NaN", () => {
    expect(ago(before(-5), NOW)).to.equal("0 s ago");
    expect(ago("yesterday", NOW)).to.equal("at an unknown time");
    expect(moment("2026-03-01T12:00:00.123Z")).to.equal("2026-03-01 12:00:00Z");
    expect(moment("no time")).to.equal("no time");
  });
});

describe("the history's view", () => {
  const history = [entry({}), entry({ id: "bad-abd", version: "bad", from: "v2", outcome: "rolled-back", reason: "errors: 20 % of 100 requests failed.", startedAt: before(90), endedAt: before(60) })];

  it("shows failed and promoted rollouts, the newest first, with the reason", () => {
    expect(renderHistory(latest(history, 20), NOW).join("\n")).to.equal(`\
when        outcome        version  from  kind     took
60 s ago    ✘ rolled back  bad      v2    rollout  30 s
    2026-03-01 11:59:00Z  bad-abd  by ci@host (pid 42)
    errors: 20 % of 100 requests failed.
60 min ago  ✔ promoted     v2       v1    rollout  100 s
    2026-03-01 11:00:00Z  v2-abc  by ci@host (pid 42)
    v2 is stable; v1 is kept.`);
  });

  it("keeps to the limit, counted from the newest", () => {
    expect(latest(history, 1).map(({ id, seconds }) => [id, seconds])).to.deep.equal([["bad-abd", 30]]);
  });
});

describe("a gate's numbers", () => {
  const config = parseConfig({
    namespace: "shop",
    services: { shop: { image: "shop", port: 8080, hosts: ["shop.example"] } },
    analysis: { gates: { preset: "C", fast: { kind: "threshold", of: "p99", atMost: "2s" }, conf: { kind: "baseline", query: "c", better: "higher", fail: "80%" } } },
  });
  const gate = (metric: string, name = "threshold"): RecordedGate => ({ metric, gate: name, answer: "pass", sentence: "" });

  it("have the unit of their rule, whatever service they belong to", () => {
    expect(["errors", "latency", "shop/fast", "conf", "pods", "unheard-of"].map((metric) => gateView(gate(metric), config).unit)).to.deep.equal(["share", "seconds", "seconds", "multiple", "number", "number"]);
    expect(gateView(gate("unheard-of", "absolute"), config).unit).to.equal("share");
  });

  it("are written in it, and not at all where there are none", () => {
    expect([quantity(0.051, "share"), quantity(0.25, "seconds"), quantity(1.5, "multiple"), quantity(3, "number"), quantity(undefined, "share")]).to.deep.equal(["5.1 %", "250 ms", "1.5×", "3", ""]);
  });
});

describe("Pulumi's state", () => {
  const urn = "urn:pulumi:prod::canary::canary:release:Release$kubernetes:networking.k8s.io/v1:Ingress::shop-canary";

  it("is read for outputs and pending operations, and shows no ciphertext", () => {
    const exported = {
      version: 3,
      deployment: {
        resources: [
          { type: "kubernetes:core/v1:Service", outputs: { stable: "no" } },
          { type: "pulumi:pulumi:Stack", outputs: { stable: "v1", services: { shop: { token: { "4dabf18193072939515e22adb298388d": "1b47", ciphertext: "v1:xyz" } } } } },
        ],
        pending_operations: [{ type: "updating", resource: { urn } }],
      },
    };
    expect(parseState(JSON.stringify(exported))).to.deep.equal({ outputs: { stable: "v1", services: { shop: { token: "[secret]" } } }, pending: ["updating Ingress shop-canary"] });
  });

  it("of a stack that was never updated is empty", () => {
    expect(parseState('{"version":3,"deployment":{}}')).to.deep.equal({ outputs: {}, pending: [] });
  });

  it("names a resource as a person does", () => {
    expect(resourceOf(urn)).to.equal("Ingress shop-canary");
    expect(resourceOf("urn:pulumi:prod::canary::kubernetes:core/v1:Namespace::a::b")).to.equal("Namespace a::b");
  });
});

describe("what an API server answered, in a clause", () => {
  it("is the message of its Status, the HTTP status without one, and otherwise the first line of the error", () => {
    expect(clauseOf({ code: 403, body: '{"kind":"Status","message":"pods is forbidden"}', message: "HTTP-Code: 403\nBody: …" })).to.equal("pods is forbidden");
    expect(clauseOf({ code: 502, body: "<html>", message: "HTTP-Code: 502\n…" })).to.equal("it answered HTTP 502");
    expect(clauseOf(new Error("connect refused.\nat x"))).to.equal("connect refused");
  });
});

describe("following a rollout to its end", () => {
  it("ends when the rollout is gone from the record, and not before", () => {
    const follow = follower();
    expect(follow(rolling)).to.equal(undefined);
    expect(follow({ ...rolling, lease: { expired: true } })).to.equal(undefined);
    expect(follow({ ...quiet, recorded: 6 })).to.deep.equal({ how: "ended", id: "v2-abc" });
  });

  it("ends with the rollout it began with when another one follows at once", () => {
    const follow = follower();
    follow(rolling);
    expect(follow({ ...rolling, rollout: { ...rollout, id: "v3-abd" } })).to.deep.equal({ how: "ended", id: "v2-abc" });
  });

  it("does not take a cluster that does not answer for an end", () => {
    const follow = follower();
    follow(rolling);
    expect(follow({ ...quiet, unknown: ["The API server did not answer."] })).to.equal(undefined);
  });

  it("ends when a held rollout's driver has left, also into a guard's hands", () => {
    const held: Snapshot = { ...rolling, rollout: { ...rollout, phase: "held" } };
    expect(follower()(held)).to.equal(undefined);
    expect(follower()({ ...held, lease: { expired: true } })?.how).to.equal("held");
    expect(follower()({ ...held, lease: { holder: "guard/prod-0", expired: false } })?.how).to.equal("held");
  });

  it("has the driver's exit code for every outcome, and 1 where nobody knows", () => {
    const outcomes = ["promoted", "measured", "rolled-back", "held", "interrupted", "failed"] as const;
    expect(outcomes.map((outcome) => exitOf(entry({ outcome })))).to.deep.equal([0, 0, 2, 3, 130, 1]);
    expect(exitOf(undefined)).to.equal(1);
    expect(endingOf(entry({ outcome: "rolled-back", reason: "errors." }))).to.equal("v2 was rolled back. errors.");
  });
});

describe("a view that goes on, without a terminal", () => {
  async function shown(snapshots: Snapshot[], json: boolean): Promise<string> {
    const out = new PassThrough();
    const left = [...snapshots];
    await watchScreen(async () => left.shift()!, { out: out as unknown as NodeJS.WriteStream, json, signal: new AbortController().signal, every: 0, last: () => left.length === 0 });
    return String(out.read() ?? "");
  }

  it("prints one JSON object for each change, and none for a number or a time that moved", async () => {
    const later: Snapshot = { ...rolling, at: before(-9), lease: { ...rolling.lease!, renewedAt: NOW }, seen: { ...rolling.seen!, at: NOW, served: 0.251 } };
    const lines = (await shown([rolling, later, { ...later, deployed: { ...later.deployed!, weight: 50 } }], true)).trim().split("\n").map((line) => JSON.parse(line) as Snapshot & { event: string; notes: unknown[] });
    expect(lines.map(({ event, deployed, notes }) => [event, deployed?.weight, notes.length > 0])).to.deep.equal([["status", 25, false], ["status", 50, false]]);
  });

  it("prints a block of text for each change", async () => {
    expect((await shown([quiet, quiet, rolling], false)).match(/^stack /gm)).to.have.length(2);
  });

  it("ends at once when it is told to", async () => {
    const stop = new AbortController();
    stop.abort();
    await watchScreen(() => Promise.reject(new Error("looked")), { out: new PassThrough() as unknown as NodeJS.WriteStream, signal: stop.signal });
  });
});
