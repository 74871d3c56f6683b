import { unknownKey } from "./problems";
import { routingProblems } from "./routing-problems";
import { surroundingsProblems } from "./surroundings-problems";
import type { StackConfig } from "./types";
import { workloadProblems } from "./workload-problems";

/** The rules that concern more than one key; one sentence a broken rule. */
export function crossProblems(config: StackConfig): string[] {
  return [...weightProblems(config), ...stageProblems(config), ...overrideProblems(config), ...ruleProblems(config), ...drainProblems(config), ...routingProblems(config), ...workloadProblems(config), ...surroundingsProblems(config)];
}

function weightProblems({ stable, canary, weight }: StackConfig): string[] {
  if (canary !== undefined && stable === undefined) {
    return [`canary:canary is ${JSON.stringify(canary.version)}: it must not be set before canary:stable has a version.`];
  }
  if (weight === 0) return [];
  if (canary === undefined) return [`canary:weight is ${weight}: it must be 0 while canary:canary has no version.`];
  if (canary.withdrawn) return [`canary:weight is ${weight}: it must be 0 while canary:canary.withdrawn is true.`];
  return [];
}

function stageProblems({ rollout: { stages } }: StackConfig): string[] {
  return stages.flatMap(({ weight }, index) => {
    const before = stages[index - 1];
    if (before === undefined || weight > before.weight) return [];
    return [`canary:rollout.stages[${index}].weight is ${weight}: it must be greater than ${before.weight}, the weight of the stage before.`];
  });
}

function overrideProblems(config: StackConfig): string[] {
  const names = Object.keys(config.services);
  return (["stable", "canary", "previous"] as const).flatMap((key) => {
    const spec = config[key];
    if (spec === undefined) return [];
    const strangers = Object.keys(spec.services ?? {}).filter((name) => !names.includes(name));
    const problems = strangers.map((name) => unknownKey([key, "services", name], names, "service"));
    if (spec.image !== undefined && names.length > 1) {
      problems.push(
        `canary:${key}.image is ${JSON.stringify(spec.image)}: it must be under canary:${key}.services.<name> in a stack of several services.`,
      );
    }
    return problems;
  });
}

/** One Ingress rule, one service: a canary Ingress spreads to whatever shares its host and path (ingress-nginx #4667, traefik #12906). */
function ruleProblems({ services }: StackConfig): string[] {
  const owners = new Map<string, string>();
  const problems: string[] = [];
  for (const [name, { hosts, paths }] of Object.entries(services)) {
    for (const rule of hosts.flatMap((host) => paths.map((path) => host + path))) {
      const owner = owners.get(rule);
      if (owner === undefined) owners.set(rule, name);
      else problems.push(`canary:services.${name} serves ${rule}: it must be served by one service once, and canary:services.${owner} serves it.`);
    }
  }
  return problems;
}

/** The kill comes when the grace has passed, whether or not the drain has. */
function drainProblems({ services }: StackConfig): string[] {
  return Object.entries(services).flatMap(([name, { workload: { drainSeconds, terminationGraceSeconds } }]) =>
    drainSeconds < terminationGraceSeconds
      ? []
      : [`canary:services.${name}.workload.drain is ${drainSeconds}s: it must be shorter than terminationGrace, ${terminationGraceSeconds}s.`]);
}
