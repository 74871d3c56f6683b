import { expect } from "chai";
import { HtmlValidate } from "html-validate";
import { renderBody, renderPage } from "../../../driver/pages";
import type { StoryView } from "../../../driver/report/story-view";
import { FACTS, gate, rolledBack, sample, storyOf, T0 } from "./stories";

/** The rules of the HTML standard and of accessibility; not those of taste. */
const validator = new HtmlValidate({
  extends: ["html-validate:standard", "html-validate:a11y"],
  rules: { "no-inline-style": "off", "require-sri": "off", "no-raw-characters": "off", "svg-focusable": "off", "long-title": "off" },
});

async function problems(html: string): Promise<string[]> {
  const { results } = await validator.validateString(html);
  return results.flatMap(({ messages }) => messages.map(({ line, column, ruleId, message }) => `${line}:${column} ${ruleId}: ${message} (${html.split("\n")[line - 1]!.slice(Math.max(0, column - 40), column + 60)})`));
}

const report = (view: StoryView): string => renderPage(view, { live: false });
const VIEW = storyOf(rolledBack()).snapshot([{ seq: 1, at: new Date(T0 * 1000).toISOString(), rollout: "v2-abc", by: "ci", kind: "intent", weight: 0, message: "v2 beside v1" }]);

const HOSTILE = `"><img src=x onerror=alert(1)></script></style><script>alert(1)</script><!-- '&`;

describe("the page of a rollout", function () {
  this.timeout(30_000);

  it("is valid HTML, as a report and live", async () => {
    expect(await problems(report(VIEW))).to.deep.equal([]);
    expect(await problems(renderPage(VIEW, { live: true }))).to.deep.equal([]);
  });

  it("is valid HTML before anything has happened", async () => {
    const view = storyOf([]).snapshot();
    expect(await problems(report(view))).to.deep.equal([]);
    expect(report(view)).to.include("No stage has begun.").and.include("The canary has got no request.");
  });

  it("says the outcome, its reason and who is served at the top, in words", () => {
    const head = report(VIEW).split("</header>")[0]!;
    expect(head).to.include("v2 rolled back").and.include("v2 is rolled back: errors are worse.").and.include("v1 gets all traffic");
  });

  it("loads nothing: no address, no script in a report, and a policy that forbids both", () => {
    const html = report(VIEW);
    expect(html).to.not.match(/<script|https?:|\/\/[a-z]|@import|url\((?!#)|<link|<img|<iframe/i);
    expect(html).to.include("default-src 'none'").and.not.include("script-src");
  });

  it("lets a live page run its own script and ask its own server, and nothing else", () => {
    const html = renderPage(VIEW, { live: true });
    expect(html.match(/<script/g)).to.have.length(1);
    expect(html).to.match(/script-src 'sha256-[A-Za-z0-9+/=]+'; connect-src 'self'/);
    expect(renderPage(VIEW, { live: true })).to.include(`<main>${renderBody(VIEW).slice(0, 200)}`);
  });

  it("shows texts from outside as texts, wherever they come from", async () => {
    const events = rolledBack().map((event) => ({
      ...event,
      message: HOSTILE + event.message,
      ...(event.version ? { version: HOSTILE, from: HOSTILE } : {}),
      ...(event.gates ? { gates: event.gates.map((g) => ({ ...g, metric: HOSTILE, sentence: HOSTILE })) } : {}),
      ...(event.samples ? { samples: event.samples.map((s) => ({ ...s, service: HOSTILE, version: HOSTILE })) } : {}),
    }));
    const story = storyOf(events, { project: HOSTILE, stack: HOSTILE, namespace: HOSTILE, verb: HOSTILE, services: [HOSTILE], config: { [HOSTILE]: HOSTILE } });
    story.lacks(HOSTILE);
    const view = story.snapshot([{ seq: 1, at: HOSTILE, rollout: HOSTILE, by: HOSTILE, kind: "note", message: HOSTILE }]);
    for (const live of [false, true]) {
      const html = renderPage(view, { live });
      expect(html).to.not.match(/<img|<script>alert|<!-- /);
      expect(await problems(html)).to.deep.equal([]);
    }
  });

  it("has for every chart a name, and its figures in a table", () => {
    const html = report(VIEW);
    const charts = html.match(/<svg viewBox="0 0 380 190"/g)!.length;
    expect(html.match(/role="img" aria-label="[^"]+"/g)).to.have.length(charts);
    expect(html.match(/<summary>Figures<\/summary>/g)).to.have.length(charts);
  });

  it("draws evidence against what it takes, and the value of a gate without evidence against its limit", () => {
    const { logE: _, logELimit: __, ...plain } = gate(0, { metric: "p95", gate: "threshold", value: 0.3, limit: 1 });
    const html = report(storyOf([...rolledBack().slice(0, 5), { t: T0 + 20, event: "observe", gates: [plain], message: "" }]).snapshot());
    expect(html).to.include("takes 6").and.include("Value and limit");
  });

  it("says what is missing", () => {
    const story = storyOf(rolledBack().slice(0, 1));
    story.lacks("The record keeps no journal.");
    expect(report(story.snapshot())).to.include("What is missing").and.include("The record keeps no journal.");
  });

  it("of a rollout of two days with three services is below half a megabyte", function () {
    const services = ["shop", "cart", "search"];
    const story = storyOf(rolledBack(), { ...FACTS, services });
    for (let i = 0; i < 3000; i++) {
      const samples = services.flatMap((service) => [sample("stable", 900 + (i % 97), i % 7, { service }), sample("canary", 90 + (i % 11), i % 3, { service })]);
      const gates = services.flatMap((s) => ["errors", "latency"].flatMap((m) => ["fail", "pass", "absolute"].map((g) => gate(Math.sin(i), { metric: `${s}/${m}`, gate: g }))));
      story.hear({ t: T0 + 100 + i * 57.6, event: "observe", served: 0.05, gates, samples, message: "" });
    }
    expect(Buffer.byteLength(report(story.snapshot()))).to.be.below(500_000);
  });
});
