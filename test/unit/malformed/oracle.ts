import { expect } from "chai";
import type { Told } from "./desk";

/** The README's exit codes. */
const CODES = [0, 1, 2, 3, 4, 64, 130, 131];

/** What shows that nobody thought of the case. */
const LEAKS: readonly (readonly [string, RegExp])[] = [
  ["a stack trace", /^\s+at .+(:\d+|<anonymous>|native)\)?$/m],
  ["a bug", /fault of canary itself/],
  ["JavaScript", /\bundefined\b|\[object |\bNaN\b|Cannot read propert|is not a function|is not iterable|Maximum call stack|Assertion/],
  ["a dump", /^\s*"?(code|path|message|issues|errors)"?: ?["[{]/m],
  ["an error class", /\b(Type|Range|Syntax|Reference|Zod)Error\b/],
  ["terminal control", /[\x00-\x09\x0b-\x1f\x7f-\x9f]/],
];

/** Lines that a person reads before the command works; a config's problems are a line each. */
const LINES = 11;

/** A person can act on every line, and nothing of the machinery shows. */
export function expectSentences(text: string, what: string): void {
  // What a sentence quotes is the person's own.
  const ours = text.replaceAll(/"(?:[^"\\\n]|\\.)*"/g, '""').replaceAll(/'[^'\n]*'/g, "''");
  for (const [name, leak] of LEAKS) expect(leak.test(ours), `${name} in what ${what} said:\n${text.slice(0, 2000)}`).to.equal(false);
  const lines = text.trimEnd().split("\n");
  expect(lines.length, `lines of what ${what} said:\n${text.slice(0, 2000)}`).to.be.at.most(LINES);
  for (const line of lines) expect(line.length, `length of a line of what ${what} said`).to.be.at.most(2100);
}

/** It was refused: one of the documented codes, a sentence, and nothing was changed. */
export function expectRefusal(told: Told, named: RegExp | readonly string[], code: number | readonly number[] = 64): void {
  const what = `canary ${told.args.join(" ").slice(0, 300)}`;
  expect(CODES, what).to.include(told.code);
  expect(told.stderr, `${what} said on standard output: ${told.stdout.slice(0, 500)}`).not.to.equal("");
  expectSentences(told.stderr, what);
  expect(told.stderr, what).to.match(/^(canary: .*[.?)…]|error: \S.*)$/m);
  expect([code].flat(), `exit code of ${what}: ${told.stderr}`).to.include(told.code);
  if (named instanceof RegExp) expect(told.stderr, what).to.match(named);
  else expect(named.some((name) => told.stderr.includes(name)), `${what} names none of ${named.join(", ")}: ${told.stderr.slice(0, 1000)}`).to.equal(true);
  expect(told.changes, what).to.deep.equal([]);
}

const counts = new Map<string, number>();

/** Counts a case of a kind; the sums are printed when all tests have run. */
export const count = (kind: string, more = 1): void => void counts.set(kind, (counts.get(kind) ?? 0) + more);

/** The number of cases that every kind has at least. */
export const CASES = 1000;

after(() => {
  for (const [kind, cases] of counts) process.stdout.write(`malformed ${kind}: ${cases} cases\n`);
});
