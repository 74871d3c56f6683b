import { AbsoluteGate, type AbsoluteRule, counterLimit, errorLimit, latencyLimit } from "./absolute";
import { BaselineGate } from "./baseline";
import { ComparisonGate } from "./comparison";
import type { Evidence } from "./context";
import { CounterEvents, LatencyEvents, errorCounts, namedCounts } from "./events";
import type { Gate, Stage } from "./gate";
import { GaugeGate } from "./gauge";
import { type BuiltIn, type Kind, QUANTILES } from "./metrics";
import { DEFAULT_ERROR_LIMIT, DEFAULT_LATENCY_LIMIT } from "./presets";
import type { GatesConfig, MetricConfig, RuleOf } from "./schema";
import { QueryThreshold, TrafficThreshold } from "./threshold";
import { CountTripwire, PodGate, ProbeGate } from "./tripwires";
import { parseDuration, parsePercent } from "../units";

/** A gate to be made, and whether it gathers FAIL evidence that shares in α. */
interface Plan {
  make(evidence: Evidence): Gate;
  sequential: boolean;
  critical: boolean;
  /** Whether it can judge a stage without a baseline. */
  standsAlone: boolean;
}

const plain = (gate: Gate, standsAlone = true): Plan => ({ make: () => gate, sequential: false, critical: gate.critical, standsAlone });

const sequential = (critical: boolean, standsAlone: boolean, make: (evidence: Evidence) => Gate): Plan => ({ make, sequential: true, critical, standsAlone });

const absolute = (metric: string, rule: AbsoluteRule): Plan => sequential(rule.critical, true, (evidence) => new AbsoluteGate(metric, rule, evidence));

/** Errors of the service itself roll back; a ratio of the user's own holds for review unless said otherwise. */
const isCritical = (rule: RuleOf<"ratio">): boolean => rule.critical ?? rule.numerator === undefined;

const PLANS: { [K in Kind]: (metric: string, rule: RuleOf<K>, config: GatesConfig) => Plan[] } = {
  ratio: (metric, rule) => {
    const own = rule.numerator !== undefined;
    const critical = isCritical(rule);
    const higher = rule.better === "higher";
    const compared = sequential(critical, false, (evidence) => new ComparisonGate(metric, { ...rule, critical, floor: !higher }, new CounterEvents(own ? namedCounts(metric) : errorCounts, higher), evidence));
    if (rule.absolute === undefined) return [compared];
    return [compared, absolute(metric, own ? counterLimit(metric, critical, rule.absolute, higher) : errorLimit(critical, rule.absolute))];
  },
  shape: (metric, rule) => [
    sequential(rule.critical, false, (evidence) => new ComparisonGate(metric, { ...rule, floor: true }, new LatencyEvents(), evidence)),
    ...(["p50", "p95", "p99"] as const).flatMap((q) => (rule[q] === undefined ? [] : [absolute(metric, latencyLimit(rule.critical, QUANTILES[q] as number, rule[q]))])),
  ],
  gauge: (metric, rule) => [sequential(rule.critical, !(rule.atLeast ?? rule.atMost)?.ofBaseline, (evidence) => new GaugeGate(metric, rule, evidence))],
  threshold: (metric, rule) => [plain(rule.of === undefined ? new QueryThreshold(metric, rule) : new TrafficThreshold(metric, { ...rule, of: rule.of as BuiltIn }))],
  baseline: (metric, rule, config) => [plain(new BaselineGate(metric, rule, config.pFloor), false)],
  count: (metric, rule) => [plain(new CountTripwire(metric, rule))],
  probe: (metric, rule) => [plain(new ProbeGate(metric, rule))],
  pods: (metric, rule) => [plain(new PodGate(metric, rule))],
};

const plansOf = <K extends Kind>(metric: string, rule: MetricConfig & { kind: K }, config: GatesConfig): Plan[] =>
  (PLANS[rule.kind] as (metric: string, rule: MetricConfig, config: GatesConfig) => Plan[])(metric, rule, config);

/** At weight 100 a config that only compares would let anything through: then the default limits judge that stage. */
const fallback = (): Plan[] => {
  const applies = ({ weight }: { weight: number }): boolean => weight >= 100;
  return [
    absolute("errors", { ...errorLimit(true, parsePercent(DEFAULT_ERROR_LIMIT) as number), applies }),
    absolute("latency", { ...latencyLimit(true, QUANTILES.p95 as number, parseDuration(DEFAULT_LATENCY_LIMIT) as number), applies }),
  ];
};

/**
 * The gates of a rollout. α is shared equally over the critical FAIL tests in force when it starts, times `services` that are judged alike,
 * so that all of them together roll a good release back with probability at most α.
 */
export function buildGates(config: GatesConfig, plan: readonly Stage[], phi: number, services: number): Gate[] {
  const own = Object.entries(config.metrics).flatMap(([metric, rule]) => plansOf(metric, rule, config));
  const alone = own.some((p) => p.critical && p.standsAlone);
  const plans = alone || !plan.some((stage) => stage.weight >= 100) ? own : [...own, ...fallback()];
  const tests = plans.filter((p) => p.sequential && p.critical).length;
  const evidence: Evidence = { alpha: config.alpha / Math.max(1, tests * services), beta: config.beta, pFloor: config.pFloor, phi, plan };
  return plans.map((p) => p.make(evidence));
}
