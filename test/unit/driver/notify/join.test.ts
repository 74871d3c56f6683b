import * as fs from "node:fs";
import * as path from "node:path";
import { expect } from "chai";
import { Webhook } from "standardwebhooks";
import { channelsOf, notifier } from "../../../../driver/notify/join";
import type { Environment } from "../../../../driver/notify/secrets";
import { Audience, type Occasion } from "../../../../driver/report/listeners";
import { Dependencies } from "../../../../driver/resilience/registry";
import { folder } from "../fakes";
import { json, LocalServers, reset, silent, type Handler } from "../servers";
import { receiver, stackOf, status } from "./receivers";

const KEY = "0123456789abcdef0123456789abcdef";
const SECRET = `whsec_${Buffer.from(KEY).toString("base64")}`;
const HUSH = "T0B0/hush";

describe("the channels of a stack", () => {
  const servers = new LocalServers();
  afterEach(() => servers.closeAll());

  const names = (notifications: object, environment: Environment): { names: string[]; notes: string[] } => {
    const notes: string[] = [];
    return { names: channelsOf(stackOf({ notifications }), environment, (s) => notes.push(s)).map(({ name }) => name), notes };
  };

  it("are none by default, and Slack where SLACK_WEBHOOK_URL alone is set", () => {
    expect(names({}, {})).to.deep.equal({ names: [], notes: [] });
    expect(names({}, { SLACK_WEBHOOK_URL: "https://hooks.slack.com/services/T/B/x" }).names).to.deep.equal(["slack"]);
    expect(names({ slack: false }, { SLACK_WEBHOOK_URL: "https://hooks.slack.com/services/T/B/x" }).names).to.deep.equal([]);
    expect(names({}, { SLACK_WEBHOOK_URL: " ", GITHUB_STEP_SUMMARY: "/tmp/summary" }).names).to.deep.equal(["github-summary"]);
    expect(names({ githubSummary: false }, { GITHUB_STEP_SUMMARY: "/tmp/summary" }).names).to.deep.equal([]);
  });

  it("are left out with a sentence where their secret is missing, and nobody is kept from the verb", () => {
    const { names: there, notes } = names({ slack: {}, pagerduty: {}, webhooks: { audit: { url: "https://audit.example", secretFrom: "AUDIT" } } }, { AUDIT: "hush" });
    expect(there).to.deep.equal([]);
    expect(notes).to.deep.equal([
      "Not everybody is told of this: canary:notifications.slack.urlFrom names SLACK_WEBHOOK_URL, which is not set: set this environment variable to the secret, or name another one.",
      "Not everybody is told of this: canary:notifications.pagerduty.keyFrom names PAGERDUTY_ROUTING_KEY, which is not set: set this environment variable to the secret, or name another one.",
      "Not everybody is told of this: AUDIT holds no secret that canary:notifications.webhooks.audit.secretFrom could sign with: it must be a text of 16 characters or more, or whsec_ and base64.",
    ]);
  });

  /** A verb that is told to all channels, and ends as a promoted rollout. */
  async function told(notifications: object, environment: Environment, { settings = {} }: { settings?: object } = {}) {
    const notes: string[] = [];
    const dependencies = new Dependencies({ tries: 2, retryDelay: 0.01, retryFactor: 1, circuitFailures: 5, circuitReset: 30, ...settings });
    const ledger = { history: [], journal: [] };
    const occasion = { project: "canary", stack: "dev", folder: "", verb: "deploy v2", config: stackOf({ notifications }), ledger, dependencies, note: (s: string) => notes.push(s) } as unknown as Occasion;
    const audience = await Audience.of([notifier(environment)], occasion);
    audience.tell({ event: "start", id: "v2-1", version: "v2", from: "v1", message: "rolling out" });
    audience.tell({ event: "stage", stage: 0, weight: 5, message: "stage 1" });
    return { notes, dependencies, audience, end: async () => (audience.ended({ outcome: "promoted", message: "v2 is stable." }), audience.close()) };
  }

  it("get what happens: Slack its blocks, a webhook what its key verifies, PagerDuty what it asks for, a job its summary", async () => {
    const [slack, hook, pager] = [await receiver(servers), await receiver(servers, status(204)), await receiver(servers, json(202, { status: "success" }))];
    const summary = path.join(folder("summary"), "summary.md");
    const { end, notes } = await told(
      { pagerduty: { url: pager.url }, webhooks: { audit: { url: `${hook.url}/audit`, secretFrom: "AUDIT" } } },
      { SLACK_WEBHOOK_URL: `${slack.url}/services/${HUSH}`, PAGERDUTY_ROUTING_KEY: KEY, AUDIT: SECRET, GITHUB_STEP_SUMMARY: summary },
    );
    await end();
    expect(notes).to.deep.equal([]);
    expect(slack.got.map(({ path: at }) => at)).to.deep.equal(Array(3).fill(`/services/${HUSH}`));
    expect(slack.got.map(({ body }) => (JSON.parse(body) as { blocks: { text: { text: string } }[] }).blocks[0]!.text.text)).to.deep.equal(["🚀 v2 begins beside v1", "📈 v2 is at stage 1 of 4: weight 5", "✅ v2 is promoted"]);
    const verified = hook.got.map(({ headers, body }) => new Webhook(SECRET).verify(body, headers as Record<string, string>) as { type: string });
    expect(verified.map(({ type }) => type)).to.deep.equal(["canary.start", "canary.stage", "canary.promotion"]);
    expect(pager.got.map(({ body }) => JSON.parse(body) as object)).to.deep.equal([{ routing_key: KEY, event_action: "resolve", dedup_key: "canary/canary/dev/v2-1" }]);
    expect(fs.readFileSync(summary, "utf8")).to.match(/^### ✅ v2 is promoted\n\nv2 is stable\.\n/);
  });

  it("get a message again under the same id when they failed to take it", async () => {
    const hook = await receiver(servers, status(500), status(503), status(200));
    const { end, notes } = await told({ webhooks: { audit: { url: hook.url, secretFrom: "AUDIT", on: ["promotion"] } } }, { AUDIT: SECRET }, { settings: { tries: 3 } });
    await end();
    expect(notes).to.deep.equal([]);
    expect(new Set(hook.got.map(({ headers }) => headers["webhook-id"])).size).to.equal(1);
    expect(hook.got).to.have.length(3);
  });

  it("are not waited for when they are away: the verb ends, and one sentence names what was not told", async () => {
    const slack = await receiver(servers);
    await slack.stop();
    const { end, notes, dependencies } = await told({}, { SLACK_WEBHOOK_URL: `${slack.url}/services/${HUSH}` });
    while (dependencies.snapshot()[0]!.failures < 2) await new Promise((resolve) => setTimeout(resolve, 5));
    await end();
    expect(notes).to.deep.equal([`Not everybody was told of this: Slack missed 3 of 3 messages (Slack at ${slack.url} cannot be reached (ECONNREFUSED)).`]);
    expect(dependencies.snapshot()[0]).to.include({ name: "slack", address: slack.url, healthy: false });
  });

  it("never show their secrets, however they fail: not in what is said, not in an error, not in the health", async () => {
    const away = await receiver(servers);
    await away.stop();
    const echo: Handler = (request, response) => void response.writeHead(400, { location: `http://x/${HUSH}` }).end(`${request.url} ${KEY}`);
    const moved: Handler = (_, response) => void response.writeHead(307, { location: `http://127.0.0.1:1/${HUSH}` }).end();
    const failing = [away, ...(await Promise.all([status(500), status(403, {}, HUSH), echo, moved, reset, silent, status(429, { "retry-after": "3600" })].map((handler) => receiver(servers, handler))))];
    for (const { url } of failing) {
      const { end, notes, dependencies } = await told({ pagerduty: { url: `${url}/` }, webhooks: { audit: { urlFrom: "AUDIT_URL", secretFrom: "AUDIT" } } }, { SLACK_WEBHOOK_URL: `${url}/services/${HUSH}?t=${KEY}`, PAGERDUTY_ROUTING_KEY: KEY, AUDIT: SECRET, AUDIT_URL: `${url.replace("//", "//user:hush@")}/${HUSH}` }, { settings: { tries: 1 } });
      await end();
      const everything = JSON.stringify([notes, dependencies.snapshot()]);
      expect(everything).not.to.include("hush").and.not.to.include(KEY).and.not.to.include(SECRET);
      expect(notes, url).to.have.length(1);
    }
  }).timeout(60_000);
});
