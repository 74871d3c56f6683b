import type { StackConfig } from "../../components/config";
import { written, type StageText } from "./text";

type Raw = Readonly<Record<string, unknown>>;

/** What a setting changes in the raw stack config: keys that replace those of a section; undefined removes a key. */
export interface Changes {
  readonly rollout?: Raw;
  readonly analysis?: Raw;
  readonly metrics?: Raw;
  /** Metric rules by name, as the stack config writes them: fields that replace those of a rule that is there. */
  readonly gates?: Readonly<Record<string, Raw>>;
  /** Fields of services by name. */
  readonly services?: Readonly<Record<string, Raw>>;
}

/** What kind of rollout is wanted: stages of rising weight, or everything at once after a preview. */
export type Plan = "canary" | "blue-green" | "blue-green at once";

type Stages = StackConfig["rollout"]["stages"];
type Metric = StackConfig["analysis"]["gates"]["metrics"][string];

const rollout = (stages: readonly { weight: number; dwellSeconds: number }[]): Changes =>
  ({ rollout: { stages: stages.map(({ weight, dwellSeconds }) => ({ weight, dwell: written(dwellSeconds) })) } });

/** A stack that is configured for blue/green gets the default stages when a canary is asked for. */
export function planChange({ rollout: { stages } }: StackConfig, plan: Plan): Changes {
  if (plan === "canary") return stages.every(({ weight }) => weight === 100) ? { rollout: { stages: undefined } } : {};
  if (plan === "blue-green") return rollout([{ weight: 100, dwellSeconds: stages[0]!.dwellSeconds }]);
  return { rollout: { stages: [{ weight: 100, dwell: "0s" }], warmUp: "0s" } };
}

/** A first stage without a dwell keeps that of the configured first stage. */
export const stagesChange = ({ rollout: { stages: [first] } }: StackConfig, wanted: readonly StageText[]): Changes =>
  ({ rollout: { stages: wanted.map((stage, i) => (i === 0 && stage.dwell === undefined ? { ...stage, dwell: written(first!.dwellSeconds) } : stage)) } });

/** The first stage gets this weight; later stages above it stay. */
export function weightChange({ rollout: { stages } }: StackConfig, weight: number): Changes {
  const [first, ...later] = stages as Stages;
  return rollout([{ weight, dwellSeconds: first!.dwellSeconds }, ...later.filter((stage) => stage.weight > weight)]);
}

export const dwellChange = ({ rollout: { stages } }: StackConfig, seconds: number): Changes =>
  rollout(stages.map((stage, i) => (i === 0 ? { ...stage, dwellSeconds: seconds } : stage)));

/** Exactly these services are critical. */
export const criticalChange = ({ services }: StackConfig, critical: readonly string[]): Changes =>
  ({ services: Object.fromEntries(Object.keys(services).map((name) => [name, { critical: critical.includes(name) }])) });

const metricsOf = (config: StackConfig): [string, Metric][] => Object.entries(config.analysis.gates.metrics);

/** Fields of every rule to which `change` has something to say; a new rule under the first free name where there is none. */
function limit(config: StackConfig, change: (rule: Metric) => Raw | undefined, names: readonly [string, ...string[]], rule: Raw): Changes {
  const changed = metricsOf(config).flatMap(([name, metric]) => {
    const fields = change(metric);
    return fields ? [[name, fields] as const] : [];
  });
  if (changed.length > 0) return { gates: Object.fromEntries(changed) };
  const name = names.find((candidate) => config.analysis.gates.metrics[candidate] === undefined) ?? names[0];
  return { gates: { [name]: rule } };
}

/** A percentage that the gates' parser reads back exactly. */
const percent = (value: number): string => `${Number(value.toFixed(6))}%`;

const failedRequests = (errors: number) => (rule: Metric): Raw | undefined => {
  if (rule.kind === "ratio" && rule.numerator === undefined) return { absolute: percent(errors) };
  if (rule.kind !== "threshold") return undefined;
  if (rule.of === "errors" && rule.direction === "atMost") return { atMost: percent(errors) };
  return rule.of === "success" && rule.direction === "atLeast" ? { atLeast: percent(100 - errors) } : undefined;
};

const failedProbes = (errors: number) => (rule: Metric): Raw | undefined => (rule.kind === "probe" ? { atMost: percent(errors) } : undefined);

/** The least percentage of requests that must not fail: whatever limits that share now is set to it. */
export const healthChange = (config: StackConfig, least: number): Changes =>
  limit(config, failedRequests(100 - least), ["success", "successLimit"], { kind: "threshold", of: "success", atLeast: percent(least) });

/** The most percent of requests that may fail, or of health probes where only these are judged. */
export function errorChange(config: StackConfig, most: number): Changes {
  const rules = metricsOf(config).map(([, rule]) => rule);
  const byProbes = rules.some(failedProbes(most)) && !rules.some(failedRequests(most));
  return limit(config, byProbes ? failedProbes(most) : failedRequests(most), ["errors", "errorLimit"], { kind: "threshold", of: "errors", atMost: percent(most) });
}

/** The P95 in seconds that must not be exceeded. */
export function latencyChange(config: StackConfig, seconds: number): Changes {
  const text = written(seconds);
  const change = (rule: Metric): Raw | undefined =>
    rule.kind === "shape" ? { p95: text } : rule.kind === "threshold" && rule.of === "p95" && rule.direction === "atMost" ? { atMost: text } : undefined;
  return limit(config, change, ["latency", "latencyLimit"], { kind: "threshold", of: "p95", atMost: text });
}

/** So many failed canary requests in a stage roll back at once. */
export const tripwireChange = (config: StackConfig, count: number): Changes =>
  limit(config, (rule) => (rule.kind === "count" ? { rollbackAt: count } : undefined), ["failures", "failureCount"], { kind: "count", rollbackAt: count });
