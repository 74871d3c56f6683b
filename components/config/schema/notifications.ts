import { z } from "zod";
import { text } from "./common";
import { addressed, hasOneAddress, ONE_ADDRESS, openUrl, variable } from "./secrets";

/** What may be told of a rollout. */
export const NOTICES = ["start", "stage", "approval", "hold", "rollback", "promotion", "failure", "done"] as const;
/** What a job's summary has by default: how it ended. */
export const ENDS = ["hold", "rollback", "promotion", "failure", "done"] as const;

const ON_RULE = `must be a list of ${NOTICES.join(", ")}`;
const on = <const T extends readonly [string, ...string[]]>(known: T, fallback: readonly T[number][]) =>
  z.array(z.enum(known, { error: `must be one of ${known.join(", ")}` }), { error: ON_RULE }).default([...fallback] as never)
    .describe("What is told. `done` is the end of an experiment or an undo.");

/** `false`, as a branch of a union: a literal would claim that a map was meant to be it. */
const off = z.boolean().refine((value) => !value, { error: "must be false or a map" }).transform(() => false as const);
const orOff = <T extends z.ZodType>(map: T) => z.union([off, map], { error: "must be false or a map" });
const map = { error: "must be a map" };

const slack = z.strictObject({
  urlFrom: variable.default("SLACK_WEBHOOK_URL").describe("Name of the environment variable that holds the URL of an incoming webhook."),
  on: on(NOTICES, NOTICES),
}, map);

const pagerduty = z.strictObject({
  keyFrom: variable.default("PAGERDUTY_ROUTING_KEY").describe("Name of the environment variable that holds the integration key of the service, for Events API v2."),
  url: openUrl.default("https://events.pagerduty.com/v2/enqueue").describe("Address of the Events API; accounts in the EU have `https://events.eu.pagerduty.com/v2/enqueue`."),
  on: on(["hold", "rollback", "failure"], ["hold", "rollback", "failure"]).describe("What triggers an alert; the next promotion of the stack resolves it."),
}, map);

const webhook = z.strictObject({ ...addressed, on: on(NOTICES, NOTICES) }, map).refine(hasOneAddress, { error: ONE_ADDRESS });

const githubSummary = z.strictObject({ on: on(NOTICES, ENDS) }, map);

const PLACEHOLDERS = ["stack", "namespace", "version", "from"];
const DASHBOARD_RULE = `it must be a URL that starts with http:// or https://, with no other placeholders than ${PLACEHOLDERS.map((name) => `{{${name}}}`).join(", ")}`;

/** Who is told of a rollout. Secrets stay in the environment of the driver. */
export const notifications = z.strictObject({
  slack: orOff(slack).optional().describe("Slack; without this key it is told where SLACK_WEBHOOK_URL is set, false switches it off."),
  pagerduty: pagerduty.optional().describe("PagerDuty; without this key it is not told."),
  webhooks: z.record(text(/^[a-z]([-a-z0-9]*[a-z0-9])?$/, 'it must be a name of lower-case letters, digits and "-" that starts with a letter', 40), webhook, { error: "must be a map from names to webhooks" })
    .default({}).describe("Servers that get what happens as signed JSON, by name."),
  githubSummary: orOff(githubSummary).optional().describe("The summary of a GitHub Actions job; without this key it is written where GITHUB_STEP_SUMMARY is set, false switches it off."),
  dashboard: text(/^https?:\/\/[^\s/]+\S*$/, DASHBOARD_RULE, 1000).refine((url) => [...url.matchAll(/\{\{(.*?)\}\}/g)].every(([, name]) => PLACEHOLDERS.includes(name!)), { error: DASHBOARD_RULE }).optional()
    .describe("Dashboard that every message links to, e.g. `https://grafana.example/d/canary?var-stack={{stack}}`; also {{namespace}}, {{version}} and {{from}}."),
}, map);
