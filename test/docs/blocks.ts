import * as fs from "node:fs";

/** A fenced block of shell commands in a page, or commands that only the test runs. */
export interface Block {
  /** Line of its fence, from 1. */
  readonly line: number;
  readonly code: string;
  /** Exit code of its last command. */
  readonly exit: number;
  /** Too long for the usual suite. */
  readonly slow: boolean;
  /** Why it is not run at all. */
  readonly notRun?: string;
  readonly testOnly: boolean;
}

const DIRECTIVE = /^<!-- (not run|slow|exit \d+): (.+) -->$/;

/**
 * The shell blocks of a page in order. What the test does otherwise than a reader stands in a comment before the fence:
 * `<!-- not run: WHY -->`, `<!-- slow: WHY -->`, `<!-- exit 2: WHY -->`; and `<!-- first, in the test: WHY` or `<!-- last, in the test`
 * with commands on the lines that follow.
 *
 * @throws Error for a comment that begins like one of these and is none
 */
export function blocksOf(markdown: string): Block[] {
  const lines = markdown.split("\n");
  const blocks: Block[] = [];
  let directive: RegExpExecArray | null = null;
  for (let i = 0; i < lines.length; i++) {
    const line = lines[i]!;
    const start = i + 1;
    if (/^<!-- (first|last), in the test/.test(line)) {
      const end = lines.indexOf("-->", i);
      if (end < 0) throw new Error(`line ${start}: the comment does not end`);
      blocks.push({ line: start, code: lines.slice(i + 1, end).join("\n"), exit: 0, slow: false, testOnly: true });
      i = end;
    } else if (line.startsWith("```")) {
      const end = lines.indexOf("```", i + 1);
      if (end < 0) throw new Error(`line ${start}: the block does not end`);
      if (line === "```sh") {
        const [, kind = "", why = ""] = directive ?? [];
        blocks.push({
          line: start, code: lines.slice(i + 1, end).join("\n"), testOnly: false, slow: kind === "slow",
          exit: kind.startsWith("exit ") ? Number(kind.slice(5)) : 0, ...(kind === "not run" ? { notRun: why } : {}),
        });
      } else if (directive) throw new Error(`line ${start}: "${directive[0]}" stands before a block that is not \`sh\``);
      directive = null;
      i = end;
    } else if (line.startsWith("<!-- ") && /^<!-- (not run|slow|exit)\b/.test(line)) {
      directive = DIRECTIVE.exec(line);
      if (!directive) throw new Error(`line ${start}: "${line}" gives no reason`);
    } else if (line.trim() !== "" && directive) throw new Error(`line ${start}: "${directive[0]}" stands before no block`);
  }
  return blocks;
}

export const blocksIn = (file: string): Block[] => blocksOf(fs.readFileSync(file, "utf8"));
