/** Metric rules as they would be written in the stack config. */
type Rules = Readonly<Record<string, Readonly<Record<string, unknown>>>>;

/** Limits that need no baseline; they alone are left at weight 100. */
export const DEFAULT_ERROR_LIMIT = "5%";
export const DEFAULT_LATENCY_LIMIT = "1000ms";

/**
 * The rules a config starts from: `none` is the default set, the letters are the rules of the five systems that this product replaces. A
 * metric of the same name in the config changes a rule, and `false` removes it.
 */
export const PRESETS = {
  none: {
    errors: { kind: "ratio", critical: true, absolute: DEFAULT_ERROR_LIMIT },
    latency: { kind: "shape", critical: true, p95: DEFAULT_LATENCY_LIMIT },
  },
  A: { errors: { kind: "count", rollbackAt: 5 } },
  B: {
    success: { kind: "threshold", of: "success", atLeast: "95%", over: "5m" },
    latency: { kind: "threshold", of: "p95", atMost: DEFAULT_LATENCY_LIMIT, over: "5m" },
  },
  C: {
    errors: { kind: "threshold", of: "errors", atMost: DEFAULT_ERROR_LIMIT },
    latency: { kind: "threshold", of: "p95", atMost: DEFAULT_LATENCY_LIMIT },
    pods: { kind: "pods" },
  },
  D: {
    p99: { kind: "baseline", of: "p99", fail: "150%" },
    errors: { kind: "baseline", of: "errors", fail: "200%" },
    confidence: { kind: "baseline", query: 'avg(model_prediction_confidence{version="{{version}}"})', better: "higher", fail: "80%" },
    p50: { kind: "baseline", of: "p50", fail: "150%", critical: false },
    p95: { kind: "baseline", of: "p95", fail: "150%", critical: false },
  },
  E: { health: { kind: "probe", atMost: "5%" } },
} as const satisfies Record<string, Rules>;

export type Preset = keyof typeof PRESETS;
