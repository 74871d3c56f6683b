import * as fs from "node:fs";
import * as path from "node:path";

/** The README and every page below docs/. */
export const PAGE_FILES: readonly string[] = [
  "README.md",
  ...(fs.readdirSync("docs", { recursive: true }) as string[]).filter((name) => name.endsWith(".md")).map((name) => path.join("docs", name)).sort(),
];

/** A heading's anchor as GitHub makes it: lower case, without punctuation, spaces as dashes, and numbered where it repeats. */
export function anchorsOf(markdown: string): Set<string> {
  const seen = new Map<string, number>();
  const anchors = new Set<string>([...markdown.matchAll(/<a (?:id|name)="([^"]+)"/g)].map(([, id]) => id!));
  for (const [, heading] of withoutCode(markdown).matchAll(/^#{1,6} +(.+?) *#*$/gm)) {
    const text = heading!.replace(/\[([^\]]*)\]\([^)]*\)/g, "$1").replace(/[*_]{1,2}(\S[^*_]*\S|\S)[*_]{1,2}/g, "$1");
    const slug = text.toLowerCase().replace(/[^\p{L}\p{N}\p{M}\s_-]/gu, "").replace(/\s/g, "-");
    const n = seen.get(slug) ?? 0;
    seen.set(slug, n + 1);
    anchors.add(n === 0 ? slug : `${slug}-${n}`);
  }
  return anchors;
}

const withoutCode = (markdown: string): string => markdown.replace(/^```[\s\S]*?^```$/gm, "");

/** Targets of a page's links and pictures that lie in this repository. */
export function internalLinks(markdown: string): string[] {
  const text = withoutCode(markdown).replace(/`[^`\n]*`/g, "");
  return [...text.matchAll(/\]\(([^)\s]+)(?: "[^"]*")?\)/g)].map(([, target]) => target!).filter((target) => !/^[a-z]+:/.test(target));
}

/** Why a link of a page leads nowhere; undefined when it leads somewhere. */
export function brokenLink(page: string, target: string): string | undefined {
  const [file = "", anchor] = target.split("#");
  const to = file === "" ? page : path.normalize(path.join(path.dirname(page), decodeURIComponent(file)));
  if (!fs.existsSync(to)) return `${page}: ${target} is not there`;
  if (anchor === undefined || !to.endsWith(".md")) return undefined;
  return anchorsOf(fs.readFileSync(to, "utf8")).has(anchor) ? undefined : `${page}: ${to} has no heading #${anchor}`;
}
