import { RECORDED, type Rule, type RulesArgs } from "./rules";

/** Seconds as Prometheus writes a duration. */
const duration = (seconds: number): string =>
  seconds % 3600 === 0 ? `${seconds / 3600}h` : seconds % 60 === 0 ? `${seconds / 60}m` : `${seconds}s`;

const BY = "stack, namespace, service";

/**
 * Several exporters may speak of one rollout, the driver and the guard; they agree, or the one that has seen more weight is right.
 * Versions are left out: a rollout has one canary.
 */
const weightOf = (where: string): string => `max by (${BY}) (canary_weight${where})`;

interface Wording {
  readonly summary: string;
  readonly description: string;
}

const OF = "{{ $labels.service }} ({{ $labels.stack }}, namespace {{ $labels.namespace }})";

/** What an operator of a stack must hear of, and what the driver cannot tell because it may be what is missing. */
export function alertRules(args: RulesArgs): Rule[] {
  const { stack, namespace, profile, sticky = [], stuckAfterSeconds, guard, alertLabels } = args;
  const where = `{stack=${JSON.stringify(stack)},namespace=${JSON.stringify(namespace)}}`;
  const alert = (name: string, severity: "warning" | "critical", expr: string, wait: string | undefined, annotations: Wording): Rule =>
    ({ alert: name, expr, ...(wait === undefined ? {} : { for: wait }), labels: { severity, ...alertLabels }, annotations });

  const rules = [
    alert("CanaryRolledBack", "warning", `sum by (${BY}, reason) (increase(canary_rollback_total${where}[1h])) > 0`, undefined, {
      summary: `A canary of ${OF} was rolled back.`,
      description: "Reason: {{ $labels.reason }}. Users are on the stable version. `canary history` and the rollout's report say what failed; the same version is not tried again by itself.",
    }),
    alert("CanaryValidationFailing", "warning", `min by (${BY}, version) (canary_validation_success${where}) == 0`, "5m", {
      summary: `The canary {{ $labels.version }} of ${OF} does not pass its gates.`,
      description: "The last verdict was to hold or to roll back. A held canary keeps its traffic until somebody runs `canary promote` or `canary rollback`; `canary status` says which gate failed.",
    }),
    alert("CanaryStuck", "warning",
      `${weightOf(where)} > 0 unless on (${BY}) max by (${BY}) (changes(canary_weight${where}[10m])) > 0`, duration(stuckAfterSeconds), {
        summary: `The rollout of ${OF} stands still at weight {{ $value }}.`,
        description: `The weight has not changed for ${duration(stuckAfterSeconds)}: the rollout is held, or nobody drives it. End it with \`canary promote\` or \`canary rollback\`.`,
      }),
  ];
  if (profile !== undefined) {
    const share = `${RECORDED.share}${where}`;
    const weight = `${weightOf(where)} / 100`;
    // Standard deviation of the share of so many requests, four of them: chance alone goes that far once in 16,000 windows.
    const requests = `300 * sum by (${BY}) (${RECORDED.rate}${where})`;
    const steady = sticky.length === 0 ? share : `${RECORDED.share}${where.replace(/\}$/, `,service!~${JSON.stringify(sticky.join("|"))}}`)}`;
    rules.push(
      alert("CanarySplitDiffers", "warning",
        `abs(${steady} - on (${BY}) ${weight}) > on (${BY}) (0.02 + 4 * sqrt((${weight}) * (1 - ${weight}) / on (${BY}) (${requests}))) `
        + `unless on (${BY}) max by (${BY}) (changes(canary_weight${where}[6m])) > 0`, "5m", {
          summary: `The router does not serve the weight that is set for ${OF}.`,
          description: "Over five minutes the canary's share of requests differs by {{ $value | humanizePercentage }} from its weight, more than chance explains. Somebody may have changed the Ingress, or the router does not read it.",
        }),
      alert("CanaryUnwatched", "critical", `${share} > 0.01 unless on (${BY}) ${weightOf(where)}`, "15m", {
        summary: `A canary of ${OF} serves {{ $value | humanizePercentage }} of the requests and nobody watches it.`,
        description: "Neither a driver nor the guard reports on it: gates decide nothing, and a failing canary is not reverted. Run `canary resume` or `canary rollback`.",
      }),
    );
  }
  if (guard)
    rules.push(
      alert("CanaryGuardAbsent", "critical", `absent(canary_guard_blind${where})`, "10m", {
        summary: `The guard of stack ${stack} in namespace ${namespace} is not running.`,
        description: "A driver that dies during a rollout would leave the canary in traffic. Look at the guard's pods and their logs, and whether Prometheus scrapes them.",
      }),
      alert("CanaryGuardBlind", "critical", `max by (stack, namespace) (canary_guard_blind${where}) == 1`, "5m", {
        summary: `The guard of stack ${stack} in namespace ${namespace} cannot read the rollout's record.`,
        description: "It would not notice that a driver has died. Its log says what the API server answers; its role may be missing.",
      }),
    );
  return rules;
}
