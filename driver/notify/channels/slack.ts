import type { KnownBlock } from "@slack/types";
import type { NoticeKind, StackConfig } from "../../../components/config";
import { comparison } from "../comparison";
import { headline, versionsOf, type Notice } from "../notice";
import { deliver, serviceOf, type Channel } from "./channel";
import { columns, cut } from "./text";

/** Lengths that Slack's reference of Block Kit allows, in characters after escaping. */
export const SLACK_LIMITS = { blocks: 50, header: 150, section: 3000, field: 2000, fields: 10 } as const;

const ESCAPED: Readonly<Record<string, string>> = { "&": "&amp;", "<": "&lt;", ">": "&gt;" };
/** `<!channel>` in a message would call everybody. */
const escape = (character: string): string => ESCAPED[character] ?? character;

const MARKS: Readonly<Record<NoticeKind, string>> = {
  start: "🚀", stage: "📈", approval: "✋", hold: "⏸", rollback: "⏪", promotion: "✅", failure: "❌", done: "🏁",
};

const text = (raw: string, most: number = SLACK_LIMITS.section): string => cut(raw, most, escape);
const section = (mrkdwn: string): KnownBlock => ({ type: "section", text: { type: "mrkdwn", text: mrkdwn, verbatim: true } });

/** A link's address ends at `>`, and its name begins at `|`. */
const link = (url: string, name: string): string => `<${text(url.replace(/[|<>]/g, encodeURIComponent))}|${name}>`;

/** Lines in a fixed-width font, as many as fit. */
function fixed(lines: readonly string[]): string {
  const kept: string[] = [];
  let room = SLACK_LIMITS.section - "```\n\n```".length - 20;
  for (const line of lines) {
    const written = text(line.replaceAll("`", "'"), 300);
    if ((room -= written.length + 1) < 0) break;
    kept.push(written);
  }
  const missing = lines.length - kept.length;
  return ["```", ...kept, ...(missing > 0 ? [`and ${missing} more`] : []), "```"].join("\n");
}

function fields(notice: Notice): KnownBlock {
  const { stack, project, weight, served } = notice;
  const facts: Readonly<Record<string, string | undefined>> = {
    Stack: `${project}/${stack}`,
    Versions: versionsOf(notice) || undefined,
    Weight: weight === undefined ? undefined : `${weight} %`,
    Served: served === undefined ? undefined : `${(100 * served).toFixed(1)} % by the canary`,
  };
  const shown = Object.entries(facts).filter((fact): fact is [string, string] => fact[1] !== undefined);
  return { type: "section", fields: shown.map(([name, value]) => ({ type: "mrkdwn", text: `*${name}*\n${text(value, SLACK_LIMITS.field - 20)}`, verbatim: true })) };
}

/** A message for an incoming webhook: title, reason, facts, both versions' metrics, link. */
export function slackMessage(notice: Notice, config: Pick<StackConfig, "analysis">): { readonly text: string; readonly blocks: readonly KnownBlock[] } {
  const { kind, message, dashboard, verb, rollout, at } = notice;
  const title = `${MARKS[kind]} ${headline(notice)}`;
  const rows = comparison(notice, config);
  const iso = new Date(at * 1000).toISOString();
  const where = [`\`${text(verb, 200)}\``, ...(rollout === undefined ? [] : [text(rollout, 200)]), `<!date^${Math.floor(at)}^{date_short_pretty} {time_secs}|${iso}>`].join(" · ");
  return {
    text: text(`${title} (${notice.project}/${notice.stack}): ${message}`),
    blocks: [
      { type: "header", text: { type: "plain_text", text: text(title, SLACK_LIMITS.header), emoji: true } },
      section(text(message) || "_no reason is given_"),
      fields(notice),
      ...(rows.length > 1 ? [section(fixed(columns(rows)))] : []),
      ...(dashboard === undefined ? [] : [section(link(dashboard, "Dashboard"))]),
      { type: "context", elements: [{ type: "mrkdwn", text: where }] },
    ],
  };
}

/** @param url of an incoming webhook; it is a secret as a whole */
export function slack(url: URL, on: readonly NoticeKind[], config: Pick<StackConfig, "analysis">): Channel {
  const [title, address] = ["Slack", url.origin];
  const service = serviceOf({ title, address });
  return {
    name: "slack", title, address, on,
    messages(notice) {
      const body = JSON.stringify(slackMessage(notice, config));
      return [{ kind: notice.kind, send: (signal) => deliver({ service, url, body, signal }) }];
    },
  };
}
