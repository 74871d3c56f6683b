import { expect } from "chai";
import * as fc from "fast-check";
import { PAGERDUTY_LIMITS, pagerdutyEvents } from "../../../../driver/notify/channels/pagerduty";
import { SLACK_LIMITS, slackMessage } from "../../../../driver/notify/channels/slack";
import { summaryOf } from "../../../../driver/notify/channels/github";
import { columns, cut } from "../../../../driver/notify/channels/text";
import { webhookBody } from "../../../../driver/notify/channels/webhook";
import type { Notice } from "../../../../driver/notify/notice";
import { PROMOTION, ROLLBACK, stackOf } from "./receivers";

const CONFIG = stackOf();
const KINDS = ["start", "stage", "approval", "hold", "rollback", "promotion", "failure", "done"] as const;

/** Anything that a text may hold, and far more of it than fits. */
const text = fc.oneof(fc.string({ unit: "binary", maxLength: 60 }), fc.constantFrom("<!channel> & <https://evil.example|click>", "``` ```", "|--|\n# title <script>", "&<".repeat(1700), "💥".repeat(1700), "x".repeat(3100)));
const gate = fc.record({ metric: text, gate: text, answer: fc.constantFrom("pass", "fail", "undecided"), sentence: text, value: fc.double({ noNaN: true }), limit: fc.double({ noNaN: true }) }, { requiredKeys: ["metric", "gate", "answer", "sentence"] });
const figures = fc.record({ requests: fc.nat(), errors: fc.nat(), seconds: fc.nat(), p50: fc.double({ min: 0, max: 100 }), p95: fc.double({ min: 0, max: 100 }) }, { requiredKeys: ["requests", "errors", "seconds"] });
const notices = fc.record({
  kind: fc.constantFrom(...KINDS), at: fc.integer({ min: 0, max: 4e9 }), project: text, stack: text, namespace: text, verb: text, rollout: text, version: text, from: text,
  stage: fc.nat(9), stages: fc.nat(9), weight: fc.nat(100), served: fc.double({ min: 0, max: 1, noNaN: true }), message: text, gates: fc.array(gate, { maxLength: 40 }),
  traffic: fc.array(fc.record({ service: text, stable: figures, canary: figures }), { maxLength: 10 }), settles: fc.array(text, { maxLength: 3 }), dashboard: fc.webUrl({ withQueryParameters: true }),
}, { requiredKeys: ["kind", "at", "project", "stack", "namespace", "verb", "stages", "message", "gates", "traffic", "settles"] }) as fc.Arbitrary<Notice>;

/** Every text object of a message. */
const textsOf = (value: unknown): { type: string; text: string }[] =>
  typeof value !== "object" || value === null ? [] : [
    ...("text" in value && typeof value.text === "string" ? [value as { type: string; text: string }] : []),
    ...Object.values(value).flatMap(textsOf),
  ];

describe("a message to Slack", () => {
  const message = slackMessage(ROLLBACK, CONFIG);
  const json = JSON.stringify(message);

  it("has the title, the reason, both versions' metrics side by side, and the link to the dashboard", () => {
    expect(message.blocks.map(({ type }) => type)).to.deep.equal(["header", "section", "section", "section", "section", "context"]);
    expect(json).to.include("v1.3.0 is rolled back").and.to.include("3.1 % of 812 requests failed, where 1 % may.").and.to.include("<https://grafana.example/d/canary?var-stack=production|Dashboard>");
    const table = textsOf(message.blocks[3])[0]!.text.split("\n");
    expect(table[1]).to.match(/^ +v1\.2\.0 +v1\.3\.0 +limit +gate$/);
    expect(table[2]).to.match(/^requests +2400 +812$/);
    expect(table[3]).to.match(/^errors +0\.125 % +3\.08 %$/);
    expect(table[5]).to.match(/^P95 +180 ms +310 ms$/);
    expect(table[7]).to.match(/^errors \(fail\) +3\.08 % +1 % +fail$/);
  });

  it("escapes what would call a channel or be a link", () => {
    const { blocks, text: fallback } = slackMessage({ ...ROLLBACK, message: "<!channel> said <https://evil.example|click> & left", version: "<@U1>" }, CONFIG);
    const said = JSON.stringify(blocks) + fallback;
    expect(said).to.include("&lt;!channel&gt; said &lt;https://evil.example|click&gt; &amp; left").and.to.include("&lt;@U1&gt;");
    expect(said).not.to.match(/<!channel|<@U1|<https:\/\/evil/);
  });

  it("keeps to Slack's limits and escapes whatever the texts hold", () => {
    fc.assert(fc.property(notices, (notice) => {
      const { blocks, text: fallback } = slackMessage(notice, CONFIG);
      expect(blocks.length).to.be.at.most(SLACK_LIMITS.blocks);
      expect(fallback.length).to.be.within(1, SLACK_LIMITS.section);
      for (const block of blocks) {
        if (block.type === "header") expect(block.text.text.length).to.be.within(1, SLACK_LIMITS.header);
        if (block.type === "section" && block.text) expect(block.text.text.length).to.be.within(1, SLACK_LIMITS.section);
        if (block.type === "section" && block.fields) {
          expect(block.fields.length).to.be.within(1, SLACK_LIMITS.fields);
          for (const field of block.fields) expect(field.text.length).to.be.within(1, SLACK_LIMITS.field);
        }
      }
      for (const { text: written } of textsOf(blocks)) {
        // Nothing between angle brackets but our own link and date, and no ampersand but of an entity.
        expect(written.replace(/<https?:[^<>|]*\|Dashboard>/g, "").replace(/<!date\^\d+\^[^<>|]*\|[^<>|]*>/g, "")).not.to.match(/[<>]/);
        expect(written.replace(/&(amp|lt|gt);/g, "")).not.to.include("&");
        // Nothing in the table ends it.
        if (written.startsWith("```\n")) expect(written.match(/```/g)).to.have.length(2);
      }
    }), { numRuns: 60 });
  });
});

describe("an event for PagerDuty", () => {
  it("triggers an alert with what its API asks for", () => {
    const [event] = pagerdutyEvents("0123456789abcdef0123456789abcdef", ROLLBACK) as [Record<string, unknown>];
    expect(event).to.deep.include({ routing_key: "0123456789abcdef0123456789abcdef", event_action: "trigger", dedup_key: "canary/canary/production/v1.3.0-t8x4", client: "pulumi-canary", client_url: ROLLBACK.dashboard });
    expect(event["payload"]).to.deep.include({ severity: "error", source: "canary/production", timestamp: "2026-01-01T00:00:00.000Z", component: "shop", class: "rollback" });
    expect(event["payload"]).to.have.property("summary").that.matches(/^v1\.3\.0 is rolled back \(canary\/production\): going home: errors/);
  });

  it("is a warning for a hold, and critical for a failure", () => {
    expect(pagerdutyEvents("k", { ...ROLLBACK, kind: "hold" })[0]).to.have.nested.property("payload.severity", "warning");
    expect(pagerdutyEvents("k", { ...ROLLBACK, kind: "failure" })[0]).to.have.nested.property("payload.severity", "critical");
  });

  it("wakes nobody for what a person does by hand at that moment", () => {
    for (const verb of ["hold", "traffic 25"]) expect(pagerdutyEvents("k", { ...ROLLBACK, kind: "hold", verb })).to.deep.equal([]);
    expect(pagerdutyEvents("k", { ...ROLLBACK, verb: "rollback" })).to.have.length(1);
  });

  it("resolves the alerts of every rollout since the promotion before, by the keys that triggered them", () => {
    expect(pagerdutyEvents("k", PROMOTION)).to.deep.equal(PROMOTION.settles.map((id) => ({ routing_key: "k", event_action: "resolve", dedup_key: `canary/canary/production/${id}` })));
  });

  it("keeps to the API's limits whatever the texts hold", () => {
    fc.assert(fc.property(notices, (notice) => {
      for (const event of pagerdutyEvents("k".repeat(32), notice) as readonly { event_action: string; dedup_key: string; payload?: { summary: string; severity: string; source: string } }[]) {
        expect(event.dedup_key.length).to.be.within(1, PAGERDUTY_LIMITS.dedupKey);
        expect(Buffer.byteLength(JSON.stringify(event))).to.be.below(512 * 1024);
        if (event.event_action !== "trigger") continue;
        expect(event.payload!.summary.length).to.be.within(1, PAGERDUTY_LIMITS.summary);
        expect(event.payload!.source).not.to.equal("");
      }
    }), { numRuns: 60 });
  });
});

describe("a job's summary", () => {
  it("is Markdown with the title, the reason and a table", () => {
    const lines = summaryOf({ ...ROLLBACK, message: "held. Go on with `canary resume`." }, CONFIG).split("\n");
    expect(lines[0]).to.equal("### ⏪ v1.3.0 is rolled back");
    expect(lines[2]).to.equal("held. Go on with <code>canary resume</code>.");
    expect(lines).to.include("| requests | 2400 | 812 |   |   |").and.to.include("| errors (fail) |   | 3.08 % | 1 % | fail |").and.to.include("[Dashboard](<https://grafana.example/d/canary?var-stack=production>)");
  });

  it("never lets a text become HTML, a table cell or a heading", () => {
    fc.assert(fc.property(notices, (notice) => {
      const lines = summaryOf(notice, CONFIG).split("\n");
      const own = lines.join("\n").replace(/<\/?code>|\(<[^<>]*>\)/g, "");
      expect(own).not.to.match(/[<>]/);
      for (const row of lines.filter((line) => line.startsWith("|"))) expect(row.split("|")).to.have.length(7);
      expect(lines.filter((line) => line.startsWith("#"))).to.have.length(1);
    }), { numRuns: 60 });
  });
});

describe("the body of a webhook", () => {
  it("is the notice, with its kind as type", () => {
    const body = JSON.parse(JSON.stringify(webhookBody(ROLLBACK))) as { type: string; timestamp: string; data: Record<string, unknown> };
    expect(body).to.include({ type: "canary.rollback", timestamp: "2026-01-01T00:00:00.000Z" });
    expect(body.data).to.deep.include({ stack: "production", version: "v1.3.0", from: "v1.2.0", weight: 25, why: "verdict", traffic: ROLLBACK.traffic, gates: ROLLBACK.gates });
    expect(body.data).not.to.have.any.keys("settles", "kind", "at");
  });
});

describe("a text that must fit", () => {
  it("is cut between characters, and never in the middle of what a character is written as", () => {
    fc.assert(fc.property(fc.string({ unit: "binary", maxLength: 50 }), fc.integer({ min: 1, max: 40 }), (raw, most) => {
      const written = cut(raw, most, (c) => (c === "a" ? "&amp;" : c));
      expect(written.length).to.be.at.most(most);
      expect(written).not.to.match(/&(?!amp;)/);
    }));
    expect(cut("💥💥💥", 4)).to.equal("💥…");
    expect(cut("short", 5)).to.equal("short");
  });

  it("stands in columns", () => {
    expect(columns([["", "v1", "v2"], ["requests", "1", "22"]])).to.deep.equal(["          v1  v2", "requests  1   22"]);
  });
});
