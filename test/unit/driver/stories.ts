import type { GateAnswer, Histogram } from "../../../analysis";
import type { RolloutEvent, TrafficSample } from "../../../driver/report/events";
import { Story } from "../../../driver/report/story";
import type { StoryFacts } from "../../../driver/report/story-view";

/** When the rollouts of these tests begin. */
export const T0 = 1_790_000_000;

export const FACTS: StoryFacts = {
  project: "canary", stack: "production", namespace: "shop", verb: "deploy v2", services: ["shop"], started: T0,
  stages: [{ weight: 5, dwellSeconds: 60 }, { weight: 100, dwellSeconds: 60 }], config: { rollout: { autoPromote: true } },
};

export const latency = (quick: number, slow: number): Histogram => ({ le: [0.1, 1, Infinity], count: [quick, quick + slow, quick + slow] });

export const sample = (track: "stable" | "canary", requests: number, errors = 0, more: Partial<TrafficSample> = {}): TrafficSample =>
  ({ service: "shop", track, version: track === "stable" ? "v1" : "v2", requests, errors, seconds: 1, ...(requests > 0 ? { latency: latency(requests, 0) } : {}), ...more });

export const gate = (logE: number, more: Partial<GateAnswer> = {}): GateAnswer =>
  ({ metric: "errors", gate: "fail", critical: true, decides: "rollback", answer: logE >= 6 ? "fail" : "undecided", sentence: `ln E ${logE}`, logE, logELimit: 6, ...more });

/** A rollout that is rolled back in its first stage, a scrape a second. */
export function rolledBack(observed = 60): RolloutEvent[] {
  const at = (s: number, event: Omit<RolloutEvent, "t">): RolloutEvent => ({ t: T0 + s, ...event });
  return [
    at(0, { event: "start", id: "v2-abc", version: "v2", from: "v1", message: "rolling out v2 beside v1: weights 5, 100" }),
    at(5, { event: "stage", stage: 0, weight: 5, message: "stage 1 of 2: weight 5" }),
    at(10, { event: "split", weight: 5, served: 0.05, message: "served as set" }),
    ...Array.from({ length: observed }, (_, i) => at(11 + i, { event: "observe", stage: 0, weight: 5, served: 0.05, gates: [gate(i / 10)], samples: [sample("stable", 95), sample("canary", 5, 1)], message: `${i} s` })),
    at(11 + observed, { event: "verdict", stage: 0, weight: 5, gates: [gate(6.2)], verdict: "rollback", message: "rollback: errors are worse" }),
    at(12 + observed, { event: "revert", weight: 0, why: "verdict", message: "going home: errors are worse" }),
    at(20 + observed, { event: "end", outcome: "rolled-back", message: "v2 is rolled back: errors are worse." }),
  ];
}

export function storyOf(events: readonly RolloutEvent[], facts: Partial<StoryFacts> = {}): Story {
  const story = new Story({ ...FACTS, ...facts });
  events.forEach((event) => story.hear(event));
  return story;
}
