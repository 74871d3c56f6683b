import type { RecordedRollout } from "../../../components/record/format";
import type { Snapshot } from "../../../driver/view/snapshot";

export const NOW = "2026-03-01T12:00:00.000Z";

/** So many seconds before NOW. */
export const before = (seconds: number): string => new Date(Date.parse(NOW) - seconds * 1000).toISOString();

/** A stack with v1 that nobody works on. */
export const quiet: Snapshot = {
  at: NOW,
  stack: "prod",
  deployed: { stable: "v1", canary: "none", previous: "none", weight: 0, generation: 3 },
  wanted: { stable: "v1", canary: "none", previous: "none", weight: 0, generation: 3 },
  services: { shop: { url: "http://shop.example/", revisions: { stable: "shop-v1-aaaaaaaa" } } },
  lease: { expired: true },
  revisions: [{ service: "shop", name: "shop-v1-aaaaaaaa", version: "v1", ready: 2, desired: 2, restarts: 0, tracks: ["stable"] }],
  live: [{ service: "shop", object: "Ingress shop-canary", weight: 0, canaryRevision: "shop-v1-aaaaaaaa", stableRevision: "shop-v1-aaaaaaaa" }],
  pending: [],
  dependencies: [{ name: "kubernetes", address: "https://10.0.0.1:6443", healthy: true, circuit: "closed", failures: 0 }],
  unknown: [],
};

export const rollout: RecordedRollout = {
  id: "v2-abc", version: "v2", from: "v1", phase: "observing", stage: 1, stages: [5, 25, 50, 100], weight: 25,
  startedAt: before(90), since: before(12),
};

/** The same stack in the second stage of a rollout of v2, with its driver at work. */
export const rolling: Snapshot = {
  ...quiet,
  deployed: { stable: "v1", canary: "v2", previous: "none", weight: 25, generation: 5 },
  wanted: { stable: "v1", canary: "v2", previous: "none", weight: 25, generation: 5 },
  recorded: 5,
  rollout,
  lease: { holder: "ci@host (canary deploy, pid 42)", expired: false, renewedAt: before(3) },
  revisions: [
    { ...quiet.revisions[0]! },
    { service: "shop", name: "shop-v2-bbbbbbbb", version: "v2", ready: 1, desired: 2, restarts: 3, trouble: "container shop keeps crashing", tracks: ["canary"] },
  ],
  live: [{ service: "shop", object: "Ingress shop-canary", weight: 25, canaryRevision: "shop-v2-bbbbbbbb", stableRevision: "shop-v1-aaaaaaaa" }],
  seen: {
    at: before(2),
    served: 0.248,
    gates: [
      { metric: "errors", gate: "absolute", answer: "pass", sentence: "", value: 0.004, limit: 0.05, logE: -3.2, logELimit: 5.3, unit: "share" },
      { metric: "latency", gate: "threshold", answer: "undecided", sentence: "", value: 0.22, limit: 1, unit: "seconds" },
      { metric: "confidence", gate: "baseline", answer: "fail", sentence: "", value: 0.7, limit: 0.8, unit: "multiple" },
      { metric: "errors", gate: "fail", answer: "not-applicable", sentence: "", unit: "share" },
    ],
  },
};
