import type { FaultCase } from "../case";
import type { ShopBehaviour } from "../../../sandbox/demo/images";

/** Versions that have what a bad release has. */
export const BAD_VERSIONS: Readonly<Record<string, ShopBehaviour>> = {
  bad: { errorShare: 0.2 },
  crashing: { crashAfter: 12 },
  leaking: { leakMbPerSecond: 20 },
  overloaded: { capacity: 18 },
  path: { brokenPath: "/pay" },
  absent: { healthy: false },
};

const HOME = { exits: [2], ends: ["v1"] } as const;
const LONG = { stages: [{ weight: 20, dwell: "40s" }, { weight: 50, dwell: "40s" }] };
const memory = { kind: "gauge", query: 'avg(shop_memory_bytes{version="{{version}}"})', atMost: "150%ofBaseline", critical: true };

/** Releases that are bad, each in its own way. */
export const CANARY_CASES: readonly FaultCase[] = [
  { name: "errors in a fifth of the requests", version: "bad", says: /bad is rolled back: .*error/, ...HOME },
  { name: "never becomes ready", version: "absent", says: /absent never got traffic and is removed: its pods are not ready/, ...HOME },
  // A request that a pod has taken dies with it: the router answers 502 in its place.
  { name: "crashes after 12 s, again and again", version: "crashing", hurts: true, values: { rollout: LONG }, says: /crashing is rolled back: .*(restart|crash|pod|error)/i, ...HOME },
  { name: "slow memory leak", version: "leaking", values: { rollout: LONG, analysis: { gates: { window: "2s", memory, latency: false } } }, says: /leaking is rolled back: .*memory/, ...HOME },
  { name: "slow from 18 requests a second and pod on, which only weight 50 brings", version: "overloaded", values: { rollout: { stages: [{ weight: 10, dwell: "3s" }, { weight: 50, dwell: "30s" }] } }, says: /overloaded is rolled back: .*(latency|p95)/i, ...HOME },
  { name: "errors on one path only, a tenth of the requests", version: "path", says: /path is rolled back: .*error/, ...HOME, prepare: async (s) => void s.startLoad("/pay", 11) },
];
