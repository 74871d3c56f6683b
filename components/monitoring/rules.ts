import { alertRules } from "./alerts";
import { QUANTILES, servedShare, TRACKS, TrackQueries, type MeteredService, type RouterProfile } from "./promql";

/** One rule as Prometheus reads it. */
export type Rule =
  | { readonly record: string; readonly expr: string; readonly labels: Readonly<Record<string, string>> }
  | {
    readonly alert: string;
    readonly expr: string;
    readonly for?: string;
    readonly labels: Readonly<Record<string, string>>;
    readonly annotations: { readonly summary: string; readonly description: string };
  };

export interface RuleGroup {
  readonly name: string;
  readonly rules: readonly Rule[];
}

export interface RulesArgs {
  /** Pulumi's name of the stack, label `stack` of the driver's metrics. */
  readonly stack: string;
  readonly namespace: string;
  /** Services of the stack, each with the port of its Services. */
  readonly services: readonly Omit<MeteredService, "namespace">[];
  /** Whose counters tell the tracks apart. Without it (the app's own counters tell only versions) nothing is said about the served split. */
  readonly profile?: RouterProfile;
  /** Services whose sessions stick to a track: their share of requests never equals the weight. */
  readonly sticky?: readonly string[];
  /** Seconds for which a weight may stand still, at least 900. */
  readonly stuckAfterSeconds: number;
  /** Whether the stack has a guard, which then must be heard of. */
  readonly guard: boolean;
  /** Labels of every alert. */
  readonly alertLabels: Readonly<Record<string, string>>;
}

/** Names of the recorded series; all carry `stack`, `namespace` and `service`, those of a track also `track`. */
export const RECORDED = {
  rate: "canary:requests:rate5m",
  errors: "canary:errors:ratio_rate5m",
  latency: (quantile: number): string => `canary:latency_seconds:p${Math.round(quantile * 100)}_rate5m`,
  share: "canary:served_share:ratio_rate5m",
} as const;

/** Window of the recorded rates: five scrapes even where Prometheus scrapes once a minute. */
const WINDOW = "5m";

function recordingRules({ stack, namespace, services, profile }: RulesArgs): Rule[] {
  if (profile === undefined) return [];
  return services.flatMap(({ service, port }) => {
    const metered = { namespace, service, port };
    const labels = { stack, namespace, service };
    const tracks = TRACKS.flatMap((track): Rule[] => {
      const of = new TrackQueries(profile, metered, track);
      const record = (name: string, expr: string): Rule => ({ record: name, expr, labels: { ...labels, track } });
      return [
        record(RECORDED.rate, of.rate(WINDOW)),
        record(RECORDED.errors, of.errorShare(WINDOW)),
        ...QUANTILES.map((quantile) => record(RECORDED.latency(quantile), of.latency(quantile, WINDOW))),
      ];
    });
    return [...tracks, { record: RECORDED.share, expr: servedShare(profile, metered, WINDOW), labels }];
  });
}

/** The rules of one stack, as a rule file and as the `spec` of a PrometheusRule. */
export function rulesOf(args: RulesArgs): { groups: RuleGroup[] } {
  const recording = recordingRules(args);
  return {
    groups: [
      // In one group with nothing else: its rules see each other's results of the same moment, the alerts those of the evaluation before.
      ...(recording.length === 0 ? [] : [{ name: `canary-${args.namespace}-${args.stack}-records`, rules: recording }]),
      { name: `canary-${args.namespace}-${args.stack}-alerts`, rules: alertRules(args) },
    ],
  };
}
