import * as path from "node:path";
import type { Images } from "../cluster/images";

/** Image name of the demo's service, as it stands in the stack files. */
export const SHOP_IMAGE = "registry.example/shop";

/** Image name of this package, whose entry point is the guard. */
export const GUARD_IMAGE = "registry.example/pulumi-canary";

/** The faults that a version of the shop has built in. */
export interface ShopBehaviour {
  /** Share of requests answered with 500, 0 … 1. */
  readonly errorShare?: number;
  /** Seconds after its start from which on it fails that share. Default 0. */
  readonly errorsAfter?: number;
  /** Mean latency in ms. */
  readonly latencyMs?: number;
  /** Mean of `model_prediction_confidence`, 0 … 1. */
  readonly confidence?: number;
  /** False: the health endpoint answers 503 for ever. */
  readonly healthy?: boolean;
  /** Requests a second above which it answers after 1.5 s. */
  readonly capacity?: number;
  /** Path whose requests all fail. */
  readonly brokenPath?: string;
  /** Seconds after its start at which it crashes. */
  readonly crashAfter?: number;
  readonly leakMbPerSecond?: number;
}

const environment = (version: string, { errorShare, errorsAfter, latencyMs, confidence, healthy, capacity, brokenPath, crashAfter, leakMbPerSecond }: ShopBehaviour): Record<string, string> => {
  const knobs = { VERSION: version, ERROR_SHARE: errorShare, ERRORS_AFTER: errorsAfter, LATENCY_MS: latencyMs, CONFIDENCE: confidence, HEALTHY: healthy, CAPACITY: capacity, BROKEN_PATH: brokenPath, CRASH_AFTER: crashAfter, LEAK_MB_PER_SECOND: leakMbPerSecond };
  return Object.fromEntries(Object.entries(knobs).filter(([, v]) => v !== undefined).map(([k, v]) => [k, String(v)]));
};

/** Tags of the shop's image: a version's faults are built into its image, as a real bug is. */
export function shopImages(versions: Readonly<Record<string, ShopBehaviour>>): Images {
  const tags = Object.fromEntries(Object.entries(versions).map(([version, behaviour]) => [version, environment(version, behaviour)]));
  return { [SHOP_IMAGE]: { command: [process.execPath, path.resolve(__dirname, "app.js")], tags } };
}

/** The guard as it is built in this checkout; tag v1. */
export const guardImages = (): Images => ({ [GUARD_IMAGE]: { command: [process.execPath, path.resolve(__dirname, "../../driver/guard/main.js")], tags: { v1: {} } } });

/** v1 and v2 fail 1 % of their requests, v3 fails 20 %, v4 is slow, v5 never becomes ready. */
export const demoImages = (): Images =>
  shopImages({
    v1: { errorShare: 0.01 },
    v2: { errorShare: 0.01 },
    v3: { errorShare: 0.2 },
    v4: { errorShare: 0.01, latencyMs: 1500 },
    v5: { healthy: false },
  });
