import { type Outcome, type Settings, everPasses, playRollout } from "./rollout";
import { BAD, GOOD, PROMISED, type Scenario } from "./scenarios";
import type { GatesInput } from "../../analysis";

/** A batch of rollouts with one setting; `play` is what is done with each seed. */
export interface Task {
  id: string;
  scenario: Scenario;
  settings: Settings;
  play: "rollout" | "passes";
  runs: number;
}

/** Ends of a task's runs. */
export type Result = { id: string; outcomes: Outcome[]; passes: number };

const STAGES = [{ weight: 5 }, { weight: 25 }, { weight: 50 }, { weight: 100 }];
/** The stages in which stable serves beside the canary. */
const COMPARED = STAGES.filter(({ weight }) => weight < 100);
const HOUR = 3600;
const usual: Settings = { gates: {}, stages: STAGES, window: 5, dwell: 60, cap: HOUR };

/** Measures the overdispersion before each rollout, as the driver can where pods are measured one by one. */
const MEASURED = "sequential, φ";

/** The gate families that are compared on the same streams. D's confidence gauge is left out: the simulated service has none. */
export const FAMILIES: Readonly<Record<string, GatesInput>> = {
  sequential: {},
  [MEASURED]: {},
  A: { preset: "A" },
  B: { preset: "B" },
  C: { preset: "C" },
  D: { preset: "D", confidence: false },
  E: { preset: "E" },
};

const RUNS_A_CELL = 60;

export const PROMISE_TASKS: readonly Task[] = [
  { id: "sameRelease", scenario: PROMISED.sameRelease, settings: { ...usual, window: 10 }, play: "rollout", runs: 10_000 },
  { id: "sharedOutages", scenario: PROMISED.sharedOutages, settings: { ...usual, stages: COMPARED }, play: "rollout", runs: 1000 },
  { id: "twiceTheErrors", scenario: PROMISED.twiceTheErrors, settings: { ...usual, gates: { latency: false }, stages: [{ weight: 5 }], window: 15 }, play: "passes", runs: 2000 },
  { id: "fivefold", scenario: PROMISED.fivefold, settings: { ...usual, window: 1 }, play: "rollout", runs: 1000 },
  { id: "broken", scenario: PROMISED.broken, settings: { ...usual, window: 1 }, play: "rollout", runs: 1000 },
];

export const cellId = (scenario: Scenario, family: string): string => `${scenario.name}|${family}`;

export const TABLE_TASKS: readonly Task[] = [...GOOD, ...BAD].flatMap((scenario) =>
  Object.entries(FAMILIES).map(([family, gates]): Task => ({ id: cellId(scenario, family), scenario, settings: { ...usual, gates, measure: family === MEASURED }, play: "rollout", runs: RUNS_A_CELL })),
);

export const TASKS: readonly Task[] = [...PROMISE_TASKS, ...TABLE_TASKS];

/** Runs a slice of a task's seeds: first, first + stride, … */
export function runSlice(task: Task, first: number, stride: number): Result {
  const result: Result = { id: task.id, outcomes: [], passes: 0 };
  for (let seed = first; seed < task.runs; seed += stride) {
    // Families share a scenario's seeds; scenarios do not share streams.
    const own = seed * 7919 + hash(task.scenario.name);
    if (task.play === "rollout") result.outcomes.push(playRollout(task.scenario, task.settings, own));
    else if (everPasses(task.scenario, task.settings, own)) result.passes++;
  }
  return result;
}

const hash = (text: string): number => [...text].reduce((h, c) => Math.imul(h, 31) + (c.codePointAt(0) as number), 7) | 0;
