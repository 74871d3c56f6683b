import pc from "picocolors";
import type { Colours } from "../render";
import { tableLines } from "../table";
import type { Finding, Health } from "./check";

const MARKS: Readonly<Record<Health, (c: Colours) => string>> = { ok: (c) => c.green("✔"), warn: (c) => c.yellow("!"), fail: (c) => c.red("✘") };

/** How many there are of each, in words. */
export function summary(findings: readonly Finding[]): string {
  const count = (health: Health): number => findings.filter((finding) => finding.health === health).length;
  return `${count("ok")} in order, ${count("warn")} to look at, ${count("fail")} to mend`;
}

/** Findings for a person: a mark, what it is about, one sentence and what to do. Pure. */
export function renderFindings(findings: readonly Finding[], { width = 80, colours: c = pc.createColors(false) }: { width?: number; colours?: Colours } = {}): string[] {
  const rows = findings.map(({ check, health, sentence, remedy }, i) => {
    const name = check === findings[i - 1]?.check ? "" : check;
    return [MARKS[health](c), c.dim(name), remedy === undefined ? sentence : `${sentence}\n${c.cyan("→")} ${remedy}`];
  });
  return [...tableLines(rows, width), "", summary(findings)];
}
