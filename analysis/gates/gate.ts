import type { GaugeWindow, Phase, RatioWindow, TrafficWindow } from "../traffic";

/** What a single gate answers. */
export type Answer = "pass" | "fail" | "undecided" | "not-applicable";

/** One gate's answer with the numbers it used; all evidence is a natural logarithm. */
export interface GateAnswer {
  metric: string;
  /** The rule that answered: `fail`, `pass` and `absolute` are sequential, the others are named after their kind in the config. */
  gate: string;
  critical: boolean;
  /** A gate that only ever vetoes (`rollback`) or only ever allows (`advance`) leaves the other question to its siblings. */
  decides: "rollback" | "advance" | "both";
  answer: Answer;
  sentence: string;
  value?: number;
  limit?: number;
  /** Evidence that is compared with `logELimit`: for FAIL mixed over the stages so far. */
  logE?: number;
  logELimit?: number;
  /** Evidence of this stage alone. */
  logEStage?: number;
  /** Evidence of an absolute gate that the share is below its limit, and what it takes. */
  logEPass?: number;
  logEPassLimit?: number;
  /** Canary requests, batches or probes seen. */
  n?: number;
}

/** Time since the stage began to be observed, and the stage's limits, in seconds. */
export interface Clock {
  elapsedSeconds: number;
  dwellSeconds: number;
  capSeconds: number;
}

/** A stage of the rollout; `weight` in percent. */
export interface Stage {
  weight: number;
}

/** The stage that begins: its number, from 0, and all of the plan. */
export interface StageContext {
  index: number;
  weight: number;
  plan: readonly Stage[];
}

/** Readiness and restarts of the canary's pods; restarts are counted since the rollout began. */
export interface PodHealth {
  ready: number;
  desired: number;
  restarts: number;
  /** What the cluster says of the worst pod, e.g. `CrashLoopBackOff`. */
  reason?: string;
}

/** Everything a gate may be fed with. */
export type Observation =
  | { type: "traffic"; window: TrafficWindow; phase: Phase }
  | (RatioWindow & { phase: Phase })
  | (GaugeWindow & { phase: Phase })
  | { type: "probe"; ok: boolean }
  | { type: "pods"; pods: PodHealth };

/** A rule about one metric. Pure: what it answers depends only on what it was shown. */
export interface Gate {
  readonly metric: string;
  readonly critical: boolean;
  /** Forgets what belongs to the stage before. */
  beginStage(stage: StageContext): void;
  observe(observation: Observation): void;
  answer(now: Clock): GateAnswer[];
}
