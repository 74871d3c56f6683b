import type { Approval, StackConfig } from "../../components/config";
import type { RolloutContext } from "./context";
import type { Plan } from "./machine";
import type { TrafficWatch } from "./watch";

/** One rollout of one stack, as every step of it needs to know it. */
export interface Rollout {
  readonly context: RolloutContext;
  /** As the command found it; the file's weight and versions move on meanwhile. */
  readonly config: StackConfig;
  readonly watch: TrafficWatch;
  /** The version under rollout, and what it started from. */
  readonly version: string;
  readonly from: string;
  readonly plan: Plan;
  /** A person insists: on a promotion whatever the gates say, or on a rollback whatever the counters say. */
  readonly insisted?: boolean;
  /**
   * Weights that the live objects may have before the first raise, where a dead driver was in the middle of one; by default the file's
   * weight alone.
   */
  readonly foundWeights?: readonly number[];
}

/** The stage, by its index, that an approval stands before; the promotion where no stage has its weight. */
export function placeOf({ before }: Pick<Approval, "before">, { rollout: { stages } }: Pick<StackConfig, "rollout">): number | "promotion" {
  const stage = before === "promotion" ? -1 : stages.findIndex(({ weight }) => weight >= before);
  return stage < 0 ? "promotion" : stage;
}

/** Stages before which somebody is asked. */
const asksBefore = (config: StackConfig): readonly number[] =>
  [...new Set(Object.values(config.rollout.approvals).map((approval) => placeOf(approval, config)))].filter((place) => place !== "promotion");

export const planOf = (config: StackConfig, experiment = false): Plan =>
  ({ stages: config.rollout.stages.length, preview: config.rollout.previewSeconds !== 0, experiment, asksBefore: asksBefore(config) });

/** The last stage whose weight is no higher, or the first. */
export const stageAt = ({ rollout: { stages } }: Pick<StackConfig, "rollout">, weight: number): number => Math.max(0, stages.filter((s) => s.weight <= weight).length - 1);

/** Unique in a stack, safe in file names. */
export const rolloutId = (version: string, at: Date): string => `${version.toLowerCase().replace(/[^a-z0-9.]+/g, "-")}-${Math.floor(at.getTime() / 1000).toString(36)}`;
