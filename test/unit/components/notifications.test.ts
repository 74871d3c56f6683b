import { expect } from "chai";
import { parseConfig } from "../../../components/config";
import { problemsOf, stack, type Raw } from "./declare";

const told = (notifications: unknown): readonly string[] => problemsOf(stack({ notifications }));
const approved = (approvals: unknown): readonly string[] => problemsOf(stack({ rollout: { approvals } }));
const configOf = (keys: Raw) => parseConfig(stack(keys));
const HUSH = "https://hooks.slack.com/services/T0/B0/hush";
const VARIABLE = "must be the name of an environment variable, such as SLACK_WEBHOOK_URL: the secret itself never stands in the stack file, encrypted or not.";
const OPEN_URL = "must be a URL that starts with http:// or https:// and has no user or password in it: where the address is a secret, name the variable that holds it by urlFrom.";
const ENCRYPTED = "is a Pulumi secret, which the driver does not decrypt: put the value into an environment variable and write that variable's name instead, such as urlFrom: SLACK_WEBHOOK_URL.";

describe("who is told", () => {
  it("is nobody by default, and each channel has sensible ones", () => {
    expect(configOf({}).notifications).to.deep.equal({ webhooks: {} });
    const { notifications } = configOf({ notifications: { slack: {}, pagerduty: {}, webhooks: { audit: { url: "https://a.example/x", secretFrom: "AUDIT" } }, githubSummary: {} } });
    expect(notifications.slack).to.deep.equal({ urlFrom: "SLACK_WEBHOOK_URL", on: ["start", "stage", "approval", "hold", "rollback", "promotion", "failure", "done"] });
    expect(notifications.pagerduty).to.deep.equal({ keyFrom: "PAGERDUTY_ROUTING_KEY", url: "https://events.pagerduty.com/v2/enqueue", on: ["hold", "rollback", "failure"] });
    expect(notifications.webhooks.audit!.on).to.have.length(8);
    expect(notifications.githubSummary).to.deep.equal({ on: ["hold", "rollback", "promotion", "failure", "done"] });
  });

  const refused: readonly (readonly [string, unknown, string])[] = [
    ["an address where a variable's name belongs", { slack: { urlFrom: HUSH } }, `canary:notifications.slack.urlFrom ${VARIABLE}`],
    ["Slack's address as a text", { slack: HUSH }, "canary:notifications.slack must be false or a map."],
    ["Slack's address by another key", { slack: { url: HUSH } }, "canary:notifications.slack.url is not a known key: the known keys are urlFrom, on."],
    ["a webhook that is no map", { webhooks: { audit: HUSH } }, "canary:notifications.webhooks.audit must be a map."],
    ["a webhook with a password", { webhooks: { audit: { url: "https://me:hush@a.example", secretFrom: "S" } } }, `canary:notifications.webhooks.audit.url ${OPEN_URL}`],
    ["a webhook without an address", { webhooks: { audit: { secretFrom: "S" } } }, "canary:notifications.webhooks.audit must have either url or urlFrom."],
    ["a webhook without a secret", { webhooks: { audit: { url: "https://a.example" } } }, `canary:notifications.webhooks.audit.secretFrom ${VARIABLE}`],
    ["a key of PagerDuty", { pagerduty: { keyFrom: "hush-0123456789" } }, `canary:notifications.pagerduty.keyFrom ${VARIABLE}`],
    ["all of it as one text", HUSH, "canary:notifications must be a map."],
    ["what Pulumi encrypted", { slack: { urlFrom: { secure: "v1:hush" } } }, `canary:notifications.slack.urlFrom ${ENCRYPTED}`],
    ["all of it encrypted", { secure: "v1:hush" }, `canary:notifications ${ENCRYPTED}`],
    ["an unknown placeholder", { dashboard: "https://g.example/{{pod}}" }, 'canary:notifications.dashboard is "https://g.example/{{pod}}": it must be a URL that starts with http:// or https://, with no other placeholders than {{stack}}, {{namespace}}, {{version}}, {{from}}.'],
  ];
  for (const [what, notifications, sentence] of refused)
    it(`is refused in one sentence without the secret: ${what}`, () => {
      expect(told(notifications)).to.deep.equal([sentence]);
      expect(told(JSON.stringify(notifications) ?? notifications).join()).not.to.include("hush");
    });

  it("is refused for news that there are none of", () => {
    expect(told({ slack: { on: ["rollbacks"] } })).to.deep.equal(["canary:notifications.slack.on[0] must be one of start, stage, approval, hold, rollback, promotion, failure, done."]);
    expect(told({ pagerduty: { on: ["promotion"] } })).to.deep.equal(["canary:notifications.pagerduty.on[0] must be one of hold, rollback, failure."]);
  });
});

describe("who must say yes", () => {
  it("is nobody by default, and each kind has sensible ones", () => {
    expect(configOf({}).rollout.approvals).to.deep.equal({});
    const { approvals } = configOf({ rollout: { approvals: { board: { kind: "webhook", urlFrom: "BOARD_URL", secretFrom: "BOARD" }, office: { kind: "window", from: "09:00", to: "16:00", zone: "Europe/Berlin" }, manager: { kind: "person", before: 50 } } } }).rollout;
    expect(approvals).to.deep.equal({
      board: { kind: "webhook", urlFrom: "BOARD_URL", secretFrom: "BOARD", everySeconds: 30, before: "promotion", onNo: "hold", onDeadline: "hold", deadlineSeconds: 3600 },
      office: { kind: "window", days: ["mon", "tue", "wed", "thu", "fri", "sat", "sun"], from: "09:00", to: "16:00", zone: "Europe/Berlin", before: "promotion", onDeadline: "hold", deadlineSeconds: 72 * 3600 },
      manager: { kind: "person", before: 50, onNo: "hold", onDeadline: "hold", deadlineSeconds: 3600 },
    });
  });

  const refused: readonly (readonly [string, unknown, string])[] = [
    ["an unknown kind", { a: { kind: "email" } }, 'canary:rollout.approvals.a.kind is "email": it must be one of webhook, window, person.'],
    ["a zone that there is none of", { a: { kind: "window", zone: "Europe/Atlantis" } }, 'canary:rollout.approvals.a.zone is "Europe/Atlantis": it must be an IANA time zone such as Europe/Berlin.'],
    ["an offset for a zone", { a: { kind: "window", zone: "+01:00" } }, 'canary:rollout.approvals.a.zone is "+01:00": it must be an IANA time zone such as Europe/Berlin.'],
    ["a time that YAML read as a number", { a: { kind: "window", zone: "UTC", from: 540 } }, 'canary:rollout.approvals.a.from is 540: it must be a time such as "09:00", in quotes.'],
    ["a window of no time", { a: { kind: "window", zone: "UTC", from: "09:00", to: "09:00" } }, 'canary:rollout.approvals.a.to is "09:00": it must differ from `from`.'],
    ["a window without days", { a: { kind: "window", zone: "UTC", days: [] } }, "canary:rollout.approvals.a.days is empty: it must have at least one day."],
    ["a weight above 100", { a: { kind: "person", before: 101 } }, "canary:rollout.approvals.a.before is 101: it must be a whole number from 1 to 100."],
    ["a word for the promotion that is none", { a: { kind: "person", before: "promote" } }, 'canary:rollout.approvals.a.before is "promote": it must be promotion, or a weight from 1 to 100.'],
    ["a deadline longer than any timer", { a: { kind: "person", deadline: "1000h" } }, 'canary:rollout.approvals.a.deadline is "1000h": it must be from 1s to 480h.'],
    ["two addresses", { a: { kind: "webhook", url: "https://a.example", urlFrom: "A", secretFrom: "S" } }, "canary:rollout.approvals.a must have either url or urlFrom."],
    ["an encrypted address", { a: { kind: "webhook", url: { secure: "v1:hush" }, secretFrom: "S" } }, `canary:rollout.approvals.a.url ${ENCRYPTED}`],
    ["a key of another kind", { a: { kind: "window", zone: "UTC", onNo: "hold" } }, "canary:rollout.approvals.a.onNo is set: it must be absent beside kind, zone."],
  ];
  for (const [what, approvals, sentence] of refused) it(`is refused in one sentence: ${what}`, () => expect(approved(approvals)).to.deep.equal([sentence]));
});
