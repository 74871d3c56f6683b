import { RecordError } from "./errors";
import type { GateAnswer, Stage } from "./gates/gate";
import { type GatesInput, type GatesConfig, parseGates } from "./gates/schema";
import { Judge } from "./judge";
import { type AnalysisRecord, parseRecords } from "./records";
import { fisher, holm, mannWhitney } from "./statistics/tests";
import { type Share, noTraffic } from "./traffic";
import type { Verdict } from "./verdict";

export interface AnalyzeOptions {
  /** The `gates` section as in the stack config; default: the default rules for the metrics that the records hold, all critical. */
  gates?: GatesInput;
  /** The rollout's stages; default: 5, 25, 50, 100 % when the records fit it, else the stages of the records. */
  stages?: readonly Stage[];
}

/** A fixed-sample test of the last stage, as other tools make it: true for a single look decided upon beforehand, and only for that. */
export interface OneLook {
  metric: string;
  test: "fisher" | "mann-whitney";
  p: number;
  /** p adjusted for all tests of the list (Holm). */
  holm: number;
}

export interface Analysis extends Verdict {
  /** Time `t` of the record that rolled back, if one did. */
  decidedAt?: number;
  oneLook: OneLook[];
}

const DEFAULT_PLAN: readonly Stage[] = [{ weight: 5 }, { weight: 25 }, { weight: 50 }, { weight: 100 }];
/** Seconds after which an undecided stage is held. */
const CAP = 3600;
/** More batches are averaged down to so many an arm: neighbours in time are not independent anyhow. */
const BATCHES_COMPARED = 20;

/** The rules for metrics without a config: errors and latencies as by default, ratios against the baseline, gauges at 80 % of it. */
function defaultGates(records: readonly AnalysisRecord[]): GatesInput {
  const rules: Record<string, unknown> = { errors: false, latency: false };
  for (const { metric, type } of records) {
    if (type === "histogram") rules[metric] = { kind: "shape", p95: "1000ms" };
    else if (type === "batch") rules[metric] = { kind: "gauge", critical: true, query: metric, atLeast: "80%ofBaseline" };
    else rules[metric] = metric === "errors" ? { kind: "ratio", absolute: "5%" } : { kind: "ratio", critical: true, numerator: metric, denominator: metric };
  }
  return rules;
}

function planOf(records: readonly AnalysisRecord[]): readonly Stage[] {
  if (records.every(({ stage, weight }) => DEFAULT_PLAN[stage]?.weight === weight)) return DEFAULT_PLAN;
  const weights = new Map(records.map(({ stage, weight }) => [stage, weight]));
  return Array.from({ length: Math.max(...weights.keys()) + 1 }, (_, i) => {
    const weight = weights.get(i);
    if (weight === undefined) throw new RecordError(`The records have a stage ${Math.max(...weights.keys())} but no stage ${i}: give the rollout's stages.`);
    return { weight };
  });
}

/** Feeds one record to the judge as the observation it was. */
function feed(judge: Judge, record: AnalysisRecord, previous: number, config: GatesConfig): void {
  const { metric, t, phase } = record;
  const rule = config.metrics[metric];
  if (record.type === "histogram") {
    judge.observe({ from: previous, to: t, canary: { ...noTraffic(), latency: record.canary }, stable: { ...noTraffic(), ...(record.baseline ? { latency: record.baseline } : {}) } }, phase);
  } else if (record.type === "batch") {
    if (!rule || !("query" in rule) || rule.query === undefined) throw new RecordError(`The records hold the gauge ${metric}, which the gate config has no rule with a query for.`);
    judge.observeGauge({ type: "gauge", metric, at: t, canary: record.canary, ...(record.baseline ? { stable: record.baseline } : {}) }, phase);
  } else if (rule?.kind === "ratio" && rule.numerator !== undefined) {
    judge.observeRatio({ type: "ratio", metric, at: t, canary: record.canary, ...(record.baseline ? { stable: record.baseline } : {}) }, phase);
  } else if (metric === "errors") {
    const arm = ({ x, n }: Share) => ({ requests: n, errors: x });
    judge.observe({ from: previous, to: t, canary: arm(record.canary), stable: arm(record.baseline ?? { x: 0, n: 0 }) }, phase);
  } else throw new RecordError(`The records hold the ratio ${metric}, which the gate config has no rule with a numerator for.`);
}

const average = (values: readonly number[], groups: number): number[] => {
  const size = Math.max(1, Math.ceil(values.length / groups));
  return Array.from({ length: Math.ceil(values.length / size) }, (_, i) => values.slice(i * size, (i + 1) * size)).map((g) => g.reduce((a, b) => a + b, 0) / g.length);
};

function oneLook(records: readonly AnalysisRecord[]): OneLook[] {
  const last = Math.max(...records.map((r) => r.stage));
  const recent = records.filter((r) => r.stage === last && r.baseline !== undefined);
  const tests = [...new Set(recent.map((r) => r.metric))].flatMap((metric): Omit<OneLook, "holm">[] => {
    const own = recent.filter((r) => r.metric === metric);
    const shares = own.flatMap((r) => (r.type === "share" ? [r] : []));
    if (shares.length > 0) {
      const add = (arm: "canary" | "baseline", key: keyof Share): number => Math.round(shares.reduce((sum, r) => sum + (r[arm]?.[key] ?? 0), 0));
      const [x1, n1, x2, n2] = [add("canary", "x"), add("canary", "n"), add("baseline", "x"), add("baseline", "n")];
      return x1 > n1 || x2 > n2 || n1 === 0 || n2 === 0 ? [] : [{ metric, test: "fisher", p: fisher(x1, n1, x2, n2, metric === "errors" ? "greater" : "two-sided") }];
    }
    const batches = own.flatMap((r) => (r.type === "batch" && r.baseline ? [{ canary: r.canary.mean, baseline: r.baseline.mean }] : []));
    const arm = (key: "canary" | "baseline"): number[] => average(batches.map((b) => b[key]), BATCHES_COMPARED);
    return batches.length === 0 ? [] : [{ metric, test: "mann-whitney", p: mannWhitney(arm("canary"), arm("baseline")).p }];
  });
  const adjusted = holm(tests.map((t) => t.p));
  return tests.map((t, i) => ({ ...t, holm: adjusted[i] as number }));
}

/**
 * Judges recorded windows, given as records or as newline-delimited JSON, in the order of their time. A rollback anywhere is the verdict;
 * otherwise it is what the gates say at the end of the last stage. The gates are shown as they stand after the last record, a failed one as
 * failed. Throws RecordError when the records are wrong or do not fit the config, ConfigError when the config is.
 */
export function analyzeRecords(input: string | readonly AnalysisRecord[], options: AnalyzeOptions = {}): Analysis {
  const records = [...(typeof input === "string" ? parseRecords(input) : input)].sort((a, b) => a.stage - b.stage || a.t - b.t);
  const config = parseGates(options.gates ?? defaultGates(records));
  const stages = options.stages ?? planOf(records);
  const judge = new Judge(config, { stages });
  // Only the evidence decides.
  const limits = { dwellSeconds: 0, capSeconds: CAP };
  let [stage, start] = [-1, 0];
  const before = new Map<string, number>();
  let rollback: { verdict: Verdict; at: number } | undefined;
  let verdict: Verdict | undefined;
  records.forEach((record, i) => {
    if (record.stage !== stage) {
      judge.beginStage(record.stage);
      [stage, start] = [record.stage, record.t];
      before.clear();
    }
    feed(judge, record, before.get(record.metric) ?? record.t, config);
    before.set(record.metric, record.t);
    // Records of one instant belong together: the verdict is asked when all of them are in.
    if (records[i + 1]?.t === record.t && records[i + 1]?.stage === stage) return;
    verdict = judge.verdict({ elapsedSeconds: record.t - start, ...limits });
    if (verdict.verdict === "rollback") rollback ??= { verdict, at: record.t };
  });
  const gates = (verdict as Verdict).gates.map((gate, i): GateAnswer => (rollback?.verdict.gates[i]?.answer === "fail" ? { ...gate, answer: "fail" } : gate));
  return { ...((rollback?.verdict ?? verdict) as Verdict), gates, ...(rollback ? { decidedAt: rollback.at } : {}), oneLook: oneLook(records) };
}
