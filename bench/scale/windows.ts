import { Judge, parseGates } from "../../analysis";
import { GOOD } from "../gates/scenarios";
import { SimulatedTraffic } from "../gates/traffic";

/** What the evidence of so many windows of metrics costs. */
export interface WindowsPoint {
  readonly windows: number;
  /** Milliseconds for all of them, a verdict after each. */
  readonly all: number;
  /** Milliseconds for the last one and its verdict. */
  readonly last: number;
}

const WEIGHT = 50;
const UNDECIDED = { elapsedSeconds: 0, dwellSeconds: Infinity, capSeconds: Infinity };

/** Feeds a judge with windows of a healthy canary, as a rollout does at every scrape. */
export function measureWindows(windows: number): WindowsPoint {
  const judge = new Judge(parseGates({ preset: "B" }), { stages: [{ weight: WEIGHT }] });
  const traffic = new SimulatedTraffic(GOOD[0]!, 15, 1);
  const counts = Array.from({ length: windows }, () => traffic.next(WEIGHT));
  const began = performance.now();
  let last = began;
  for (const window of counts) {
    last = performance.now();
    judge.observe(window, "observing");
    judge.verdict(UNDECIDED);
  }
  const ended = performance.now();
  return { windows, all: ended - began, last: ended - last };
}
