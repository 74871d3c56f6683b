import { appendFile } from "node:fs/promises";
import type { NoticeKind, StackConfig } from "../../../components/config";
import { comparison } from "../comparison";
import { headline, versionsOf, type Notice } from "../notice";
import { NotTaken } from "../outbox";
import type { Channel } from "./channel";

const MARKS: Readonly<Record<NoticeKind, string>> = {
  start: "🚀", stage: "📈", approval: "✋", hold: "⏸", rollback: "⏪", promotion: "✅", failure: "❌", done: "🏁",
};

const ENTITIES: Readonly<Record<string, string>> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", "|": "&#124;", "*": "&#42;", _: "&#95;", "`": "&#96;", "[": "&#91;", "]": "&#93;", "@": "&#64;", "#": "&#35;", "\\": "&#92;", "~": "&#126;" };
/** A summary is Markdown with HTML in it, and a message is neither. */
const plain = (text: string): string => text.replace(/[&<>|*_`[\]@#\\~]/g, (character) => ENTITIES[character]!).replace(/\s+/g, " ");
/** The same, but commands in backticks stay code, with their text as it is. */
const prose = (text: string): string => text.split(/(`[^`\n]+`)/).map((part, i) => (i % 2 === 1 ? `<code>${plain(part.slice(1, -1))}</code>` : plain(part))).join("");

const row = (cells: readonly string[]): string => `| ${cells.map((cell) => plain(cell) || " ").join(" | ")} |`;

/** A section of a job's summary. */
export function summaryOf(notice: Notice, config: Pick<StackConfig, "analysis">): string {
  const { kind, project, stack, message, weight, dashboard, at } = notice;
  const [head, ...rows] = comparison(notice, config);
  const facts = [`stack ${plain(`${project}/${stack}`)}`, plain(versionsOf(notice)), ...(weight === undefined ? [] : [`weight ${weight} %`]), new Date(at * 1000).toISOString()].filter((fact) => fact !== "");
  return [
    `### ${MARKS[kind]} ${plain(headline(notice))}`, "", prose(message), "", facts.join(" · "), "",
    ...(head && rows.length > 0 ? [row(head), `|${head.map(() => " --- ").join("|")}|`, ...rows.map(row), ""] : []),
    ...(dashboard === undefined ? [] : [`[Dashboard](<${dashboard.replace(/[<>\s]/g, encodeURIComponent)}>)`, ""]),
    "",
  ].join("\n");
}

/** @param file the summary of the job's step, to which it is appended */
export function github(file: string, on: readonly NoticeKind[], config: Pick<StackConfig, "analysis">): Channel {
  return {
    name: "github-summary", title: "the job summary", address: "GITHUB_STEP_SUMMARY", on,
    messages: (notice) => [{
      kind: notice.kind,
      send: (signal) => appendFile(file, summaryOf(notice, config), { signal } as object).catch((error: NodeJS.ErrnoException) => {
        throw new NotTaken(`GITHUB_STEP_SUMMARY cannot be written (${error.code ?? "it failed"}).`);
      }),
    }],
  };
}
