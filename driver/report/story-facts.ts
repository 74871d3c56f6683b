import type { Approval, StackConfig } from "../../components/config";
import type { RecordedRollout } from "../../components/record/format";
import type { Occasion } from "./listeners";
import type { StoryFacts } from "./story-view";

type Planned = Pick<StoryFacts, "stages" | "config" | "namespace" | "services">;

const withoutAddress = (approval: Approval): object => {
  const { url: _, ...rest } = approval as Approval & { readonly url?: string };
  return rest;
};

/** What of a stack's config a story tells: how it is rolled out and judged. Addresses of servers may hold credentials and stay out. */
export function planOf(config: StackConfig, experiment?: RecordedRollout["experiment"]): Planned {
  const { namespace, services, rollout, router } = config;
  const { prometheus: _, ...analysis } = config.analysis;
  const stages = experiment ? [experiment] : rollout.stages;
  const approvals = Object.fromEntries(Object.entries(rollout.approvals).map(([name, approval]) => [name, withoutAddress(approval)]));
  return { namespace, services: Object.keys(services), stages, config: { router, rollout: { ...rollout, stages, approvals }, analysis } };
}

/** Facts of the rollout that a verb finds, or is about to begin. */
export function factsOf({ project, stack, verb, config, ledger }: Occasion): StoryFacts {
  const { rollout } = ledger;
  const known = rollout ? { id: rollout.id, version: rollout.version, from: rollout.from } : {};
  return { project, stack, verb, ...planOf(config, rollout?.experiment), ...known, started: rollout ? Date.parse(rollout.startedAt) / 1000 : Date.now() / 1000 };
}
