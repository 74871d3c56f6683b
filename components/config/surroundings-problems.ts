import type { StackConfig } from "./types";

const hours = (seconds: number): string => (seconds % 3600 === 0 ? `${seconds / 3600}h` : seconds % 60 === 0 ? `${seconds / 60}m` : `${seconds}s`);

/** A stage stands at its weight for as long as it takes to be decided, which is no reason to wake anybody. */
function stuckProblems({ monitoring, rollout: { capSeconds, stages } }: StackConfig): string[] {
  const longest = Math.max(capSeconds, ...stages.map(({ dwellSeconds }) => dwellSeconds));
  if (monitoring === undefined || !monitoring.alerts || monitoring.stuckAfterSeconds > longest) return [];
  const { stuckAfterSeconds } = monitoring;
  return [`canary:monitoring.stuckAfter is ${hours(stuckAfterSeconds)}: it must be longer than a stage may take, ${hours(longest)} by rollout.cap and the longest dwell.`];
}

/** Counters that the installed controller does not have would never be seen. */
function controllerProblems({ ingressController, router, analysis: { source } }: StackConfig): string[] {
  if (ingressController === "existing") return [];
  const { install } = ingressController;
  if (install === "ingress-nginx" && router === "gateway-api") return ["canary:ingressController.install is ingress-nginx: it must be traefik with canary:router gateway-api, which ingress-nginx does not serve."];
  const own = install === "ingress-nginx" ? "ingress-nginx" : router === "gateway-api" ? "traefik-gateway" : "traefik";
  return source === own || source === "app" ? [] : [`canary:analysis.source is ${source}: it must be ${own} or app where canary:ingressController installs ${install}.`];
}

/** What monitoring and the ingress controller demand of other keys; one sentence a problem. */
export const surroundingsProblems = (config: StackConfig): string[] => [...stuckProblems(config), ...controllerProblems(config)];
