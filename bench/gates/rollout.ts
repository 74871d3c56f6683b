import { type GatesInput, Judge, overdispersion, parseGates } from "../../analysis";
import { Random } from "./random";
import type { Bursts, Scenario } from "./scenarios";
import { SimulatedTraffic } from "./traffic";

export interface Settings {
  gates: GatesInput;
  stages: readonly { weight: number }[];
  /** Seconds. */
  window: number;
  dwell: number;
  cap: number;
  /** Whether φ is measured on the baseline's two halves beforehand. */
  measure?: boolean;
}

/** How one simulated rollout ended, after how many seconds, and how many canary requests had failed by then. */
export interface Outcome {
  end: "promoted" | "rolled back" | "held";
  seconds: number;
  failed: number;
}

const MEASURED_WINDOWS = 30;
const MEASURED_WINDOW = 60;

/** φ of half an hour of the baseline against itself. */
function phiOf(scenario: Scenario, seed: number): number {
  const baseline = { ...scenario, slowdown: 1, splitBias: 1, errors: (t: number, bursts: Bursts) => halves(scenario.errors(t, bursts), scenario.good) };
  const traffic = new SimulatedTraffic(baseline, MEASURED_WINDOW, seed ^ 0x2545f491);
  const windows = Array.from({ length: MEASURED_WINDOWS }, () => traffic.next(50));
  return overdispersion(windows.map(({ canary, stable }) => ({ first: { x: canary.errors, n: canary.requests }, second: { x: stable.errors, n: stable.requests } })));
}

/** Both halves run the baseline; where the scenario's arms differ only by their bursts, the halves have those too. */
const halves = (shares: { canary: number; stable: number }, good: boolean): typeof shares => (good ? shares : { canary: shares.stable, stable: shares.stable });

const PROBE_EVERY = 30;

/** Plays a whole rollout, the verdict asked after every window as the driver does. */
export function playRollout(scenario: Scenario, { gates, stages, window, dwell, cap, measure }: Settings, seed: number): Outcome {
  const judge = new Judge(parseGates(gates), { stages }, measure ? { overdispersion: phiOf(scenario, seed) } : {});
  const traffic = new SimulatedTraffic(scenario, window, seed);
  // Probes draw from a stream of their own, so that every family sees the same traffic.
  const probes = new Random(seed ^ 0x5bd1e995);
  let [failed, probed] = [0, -Infinity];
  for (const [i, { weight }] of stages.entries()) {
    judge.beginStage(i);
    const began = traffic.time;
    for (let verdict = "undecided"; verdict !== "promote"; ) {
      const counts = traffic.next(weight);
      failed += counts.canary.errors;
      judge.observe(counts, "observing");
      if (traffic.time - probed >= PROBE_EVERY) {
        probed = traffic.time;
        judge.observeProbe(probes.next() >= traffic.canaryErrors);
        judge.observePods({ ready: 1, desired: 1, restarts: 0 });
      }
      verdict = judge.verdict({ elapsedSeconds: traffic.time - began, dwellSeconds: dwell, capSeconds: cap }).verdict;
      if (verdict === "rollback") return { end: "rolled back", seconds: traffic.time, failed };
      if (verdict === "hold") return { end: "held", seconds: traffic.time, failed };
    }
  }
  return { end: "promoted", seconds: traffic.time, failed };
}

/** Whether the PASS evidence of the error ratio ever convinces during one stage, whatever the other gates say. */
export function everPasses(scenario: Scenario, { gates, stages, window, cap }: Settings, seed: number): boolean {
  const judge = new Judge(parseGates(gates), { stages });
  const traffic = new SimulatedTraffic(scenario, window, seed);
  while (traffic.time < cap) {
    judge.observe(traffic.next((stages[0] as { weight: number }).weight), "observing");
    const { gates: answers } = judge.verdict({ elapsedSeconds: traffic.time, dwellSeconds: 0, capSeconds: cap });
    if (answers.some((g) => g.metric === "errors" && g.gate === "pass" && g.answer === "pass")) return true;
  }
  return false;
}
