import { readFileSync, writeFileSync } from "node:fs";
import { BAD, GOOD } from "./scenarios";
import { FAMILIES, PROMISE_TASKS, type Result, type Task, cellId } from "./tasks";

type Results = ReadonlyMap<string, Result>;

const sorted = (values: readonly number[]): number[] => [...values].sort((a, b) => a - b);
const median = (values: readonly number[]): number => sorted(values)[Math.floor((values.length - 1) / 2)] ?? Number.NaN;
const of = (results: Results, id: string): Result => results.get(id) ?? { id, outcomes: [], passes: 0 };

/** A promise of the design, what was measured, and whether it is kept. */
export interface Promised {
  promise: string;
  measured: string;
  kept: boolean;
}

const PROMISES: readonly ((results: Results) => Promised)[] = [
  (results) => {
    const { outcomes } = of(results, "sameRelease");
    const count = (end: string): number => outcomes.filter((o) => o.end === end).length;
    const promoted = outcomes.filter((o) => o.end === "promoted").map((o) => o.seconds);
    return {
      promise: "A/A, 500 req/s, stages 5/25/50/100, asked every 10 s: at most 132 rollbacks in 10,000 rollouts (α = 1 %)",
      measured: `${count("rolled back")} rolled back, ${count("held")} held, ${count("promoted")} promoted (median ${(median(promoted) / 60).toFixed(1)} min)`,
      kept: outcomes.length === 10_000 && count("rolled back") <= 132,
    };
  },
  (results) => {
    const back = of(results, "sharedOutages").outcomes.filter((o) => o.end === "rolled back").length;
    // 20 is what a true rate of 1 % exceeds in 1,000 rollouts with probability 0.2 %.
    return { promise: "A/A, 200 req/s, bursts of 20 % errors in both arms, stages 5/25/50: at most 20 rollbacks in 1,000", measured: `${back} rolled back`, kept: back <= 20 };
  },
  (results) => {
    const { passes } = of(results, "twiceTheErrors");
    return { promise: "True R = r1 = 2 at 5 %, 1 h at 500 req/s: at most 131 passes in 2,000 (β = 5 %)", measured: `${passes} passes`, kept: passes <= 131 };
  },
  (results) => caught(of(results, "fivefold"), "Errors 1 → 5 % at 5 % weight and 500 req/s: median ≤ 20 s", 20, Infinity, Infinity),
  (results) => caught(of(results, "broken"), "Errors 1 → 20 % at 5 % weight and 200 req/s: median ≤ 10 s and ≤ 15 failed, 95 % of the runs within 20 s", 10, 15, 20),
];

/** Detection of a bad release: medians of time and failed requests, and the time by which 95 % of the runs are over. */
function caught({ outcomes }: Result, promise: string, seconds: number, failed: number, late: number): Promised {
  const times = outcomes.map((o) => o.seconds);
  const p95 = sorted(times)[Math.floor(0.95 * times.length)] ?? Number.NaN;
  const rolledBack = outcomes.every((o) => o.end === "rolled back");
  const [time, requests] = [median(times), median(outcomes.map((o) => o.failed))];
  return {
    promise,
    measured: `median ${time.toFixed(0)} s, ${requests} failed requests; 95 % within ${p95} s, all within ${Math.max(...times)} s${rolledBack ? "" : "; not all rolled back"}`,
    kept: outcomes.length > 0 && rolledBack && time <= seconds && requests <= failed && p95 <= late,
  };
}

/** The promises with what was measured. */
export const promises = (results: Results): Promised[] => PROMISES.map((judge) => judge(results));

const row = (cells: readonly string[]): string => `| ${cells.join(" | ")} |`;
const table = (head: readonly string[], rows: readonly (readonly string[])[]): string => [row(head), row(head.map(() => "---")), ...rows.map(row)].join("\n");

const share = (part: number, all: number): string => `${Math.round((100 * part) / all)} %`;

function goodCell({ outcomes }: Result): string {
  const ends = (end: string) => outcomes.filter((o) => o.end === end);
  const promoted = ends("promoted");
  return `${share(ends("rolled back").length, outcomes.length)} back, ${share(ends("held").length, outcomes.length)} held${promoted.length > 0 ? `, ${(median(promoted.map((o) => o.seconds)) / 60).toFixed(0)} min` : ""}`;
}

function badCell({ outcomes }: Result): string {
  const back = outcomes.filter((o) => o.end === "rolled back");
  const missed = share(outcomes.filter((o) => o.end === "promoted").length, outcomes.length);
  return back.length > 0 ? `${missed} missed, ${median(back.map((o) => o.seconds)).toFixed(0)} s, ${median(back.map((o) => o.failed))} failed` : `${missed} missed`;
}

/** Everything that was measured, as Markdown. */
export function figures(results: Results, seconds: { wall: number; processor: number }): string {
  const families = Object.keys(FAMILIES);
  const cells = (scenarios: typeof GOOD, cell: (result: Result) => string) => scenarios.map((s) => [s.name, ...families.map((f) => cell(of(results, cellId(s, f))))]);
  const runs = PROMISE_TASKS.map((task: Task) => `${task.scenario.name}: ${task.runs}`).join("; ");
  return [
    `Measured by \`npm run bench:gates\` in ${seconds.wall.toFixed(0)} s, with ${seconds.processor.toFixed(0)} s of processor time (runs: ${runs}).`,
    table(["promise", "measured", "kept"], promises(results).map((p) => [p.promise, p.measured, p.kept ? "yes" : "**no**"])),
    "Good releases (errors 1 % unless said otherwise, 200 req/s): false rollbacks, holds, median minutes to promotion.",
    table(["good release", ...families], cells(GOOD, goodCell)),
    "Bad releases (200 req/s, from 5 % weight): promotions (misses); of those rolled back the median time and failed canary requests.",
    table(["bad release", ...families], cells(BAD, badCell)),
  ].join("\n\n");
}

const BEGIN = "<!-- figures: written by npm run bench:gates -->";
const END = "<!-- end of figures -->";

/** Replaces the figures in a document. Throws when it has no place for them. */
export function writeFigures(file: string, text: string): void {
  const document = readFileSync(file, "utf8");
  const [begin, end] = [document.indexOf(BEGIN), document.indexOf(END)];
  if (begin < 0 || end < begin) throw new Error(`${file} has no place for the figures: put the lines ${BEGIN} and ${END} into it.`);
  writeFileSync(file, `${document.slice(0, begin + BEGIN.length)}\n\n${text}\n\n${document.slice(end)}`);
}
