import type { V1ContainerStatus, V1Pod, V1PodCondition, V1PodStatus } from "@kubernetes/client-node";
import { GATEWAY } from "../cluster/network";

/** What the agent knows of a pod. */
export interface PodFacts {
  readonly startTime: Date;
  readonly ip: string | undefined;
  readonly initialized: boolean;
  readonly init: readonly V1ContainerStatus[];
  readonly containers: readonly V1ContainerStatus[];
}

function phaseOf({ initialized, containers }: PodFacts, policy: string): string {
  if (!initialized || containers.length === 0) return "Pending";
  const ended = containers.every((c) => c.state?.terminated);
  if (ended && policy !== "Always") return containers.every((c) => c.state!.terminated!.exitCode === 0) ? "Succeeded" : "Failed";
  return containers.some((c) => c.state?.running || c.lastState?.terminated || c.state?.terminated) ? "Running" : "Pending";
}

/** The conditions that the kubelet reports; those of others, the scheduler's for one, stay; a time changes only with its value. */
function conditionsOf(facts: PodFacts, phase: string, old: readonly V1PodCondition[], now: Date): V1PodCondition[] {
  const allReady = phase === "Running" && facts.containers.every((c) => c.ready);
  const notReady = facts.containers.filter((c) => !c.ready).map((c) => c.name);
  const why = allReady ? {} : { reason: "ContainersNotReady", message: `containers with unready status: [${notReady.join(" ")}]` };
  const own: [string, boolean, object][] = [
    ["PodReadyToStartContainers", facts.ip !== undefined, {}],
    ["Initialized", facts.initialized, {}],
    ["ContainersReady", allReady, why],
    ["Ready", allReady, why],
  ];
  const conditions = own.map(([type, holds, reason]): V1PodCondition => {
    const status = holds ? "True" : "False";
    const before = old.find((c) => c.type === type);
    return { type, status, ...reason, lastTransitionTime: before?.status === status ? before.lastTransitionTime : now };
  });
  return [...old.filter((c) => !own.some(([type]) => type === c.type)), ...conditions];
}

/** The status that the API server should show for a pod. */
export function statusOf(pod: V1Pod, facts: PodFacts, now = new Date()): V1PodStatus {
  const phase = phaseOf(facts, pod.spec?.restartPolicy ?? "Always");
  return {
    phase,
    hostIP: GATEWAY,
    podIP: facts.ip,
    podIPs: facts.ip ? [{ ip: facts.ip }] : undefined,
    startTime: facts.startTime,
    conditions: conditionsOf(facts, phase, pod.status?.conditions ?? [], now),
    initContainerStatuses: [...facts.init],
    containerStatuses: [...facts.containers],
  };
}
