import type { MetricConfig } from "../../analysis";
import type { StackConfig } from "../../components/config";
import type { RecordedGate } from "../../components/record/format";
import { duration, percent, plain } from "../../analysis/units";
import type { GateUnit, GateView } from "./snapshot";

type UnitOf<K extends MetricConfig["kind"]> = (rule: Extract<MetricConfig, { kind: K }>) => GateUnit;

const QUANTITY: Readonly<Record<string, GateUnit>> = { errors: "share", success: "share", p50: "seconds", p95: "seconds", p99: "seconds" };

/** By the kind of rule; the sequential gates of a metric count shares of requests, whatever the metric is. */
const UNITS: { readonly [K in MetricConfig["kind"]]: UnitOf<K> } = {
  ratio: () => "share",
  shape: () => "share",
  gauge: () => "number",
  threshold: ({ of }) => QUANTITY[of ?? ""] ?? "number",
  baseline: () => "multiple",
  count: () => "number",
  probe: () => "share",
  pods: () => "number",
};

/** A recorded gate with the unit of its numbers, which the record does not keep. */
export function gateView(gate: RecordedGate, { analysis }: Pick<StackConfig, "analysis">): GateView {
  // An absolute gate counts requests, also one that only stands in at weight 100 and has no rule of its own.
  if (gate.gate === "absolute") return { ...gate, unit: "share" };
  // Verdicts of several services name a metric `service/metric`.
  const rules = new Map(Object.entries(analysis.gates.metrics));
  const rule = rules.get(gate.metric) ?? rules.get(gate.metric.slice(gate.metric.indexOf("/") + 1));
  return { ...gate, unit: rule ? (UNITS[rule.kind] as UnitOf<typeof rule.kind>)(rule as never) : "number" };
}

/** A gate's value or limit for a person: `5 %`, `250 ms`, `1.2×`; empty where there is none. */
export function quantity(value: number | undefined, unit: GateUnit): string {
  if (value === undefined) return "";
  return { share: percent, seconds: duration, multiple: (v: number) => `${plain(v)}×`, number: plain }[unit](value);
}
