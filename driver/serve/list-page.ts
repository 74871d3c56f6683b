import type { StoryView } from "../report/story-view";

const ENTITIES: Readonly<Record<string, string>> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;" };
const escape = (text: string): string => text.replace(/[&<>"']/g, (c) => ENTITIES[c]!);

const STYLE = "body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;overflow-wrap:anywhere}li{margin:.5rem 0}";

const item = ({ facts: { stack, version }, verdict }: StoryView): string =>
  `<li><a href="stacks/${encodeURIComponent(stack)}/">${escape(stack)}</a>${version === undefined ? "" : ` – ${escape(version)}`}${verdict === "" ? "" : `: ${escape(verdict)}`}</li>`;

/** Links to the pages of several stacks, each with what is known of it now. */
export const listPage = (views: readonly StoryView[]): string =>
  `<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><meta name="color-scheme" content="light dark"><title>Rollouts</title>` +
  `<style>${STYLE}</style></head><body><main><h1>Rollouts</h1>${views.length === 0 ? "<p>No stack yet.</p>" : `<ul>${views.map(item).join("")}</ul>`}</main></body></html>\n`;
