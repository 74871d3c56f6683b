import type { ArmCounts, Clock, Histogram, Judge, TrafficWindow, Verdict } from "../../../analysis";

export const EDGES = [0.1, 0.5, 1, 2.5, Infinity];

/** A histogram of `n` requests of which `slow` took between 1 and 2.5 s, a tenth 0.1 to 0.5 s, and the rest less. */
export function latencies(n: number, slow = 0): Histogram {
  const tenth = Math.floor((n - slow) / 10);
  return { le: EDGES, count: [n - slow - tenth, n - slow, n - slow, n, n] };
}

export const arm = (requests: number, errors = 0, slow = 0): ArmCounts => ({ requests, errors, latency: latencies(requests, slow) });

/** A window of one second that ends at `to`. */
export const window = (to: number, canary: ArmCounts, stable: ArmCounts): TrafficWindow => ({ from: to - 1, to, canary, stable });

export const after = (elapsedSeconds: number, dwellSeconds = 60, capSeconds = 3600): Clock => ({ elapsedSeconds, dwellSeconds, capSeconds });

export const PLAN = { stages: [{ weight: 5 }, { weight: 25 }, { weight: 50 }, { weight: 100 }] };

/** The answers of a verdict by `metric gate`. */
export const answers = (verdict: Verdict): Record<string, string> => Object.fromEntries(verdict.gates.map((g) => [`${g.metric} ${g.gate}`, g.answer]));

/** Feeds `seconds` windows of one second. */
export function feed(judge: Judge, seconds: number, canary: [number, number, number?], stable: [number, number, number?], start = 0): void {
  for (let t = 1; t <= seconds; t++) judge.observe(window(start + t, arm(...canary), arm(...stable)), "observing");
}
