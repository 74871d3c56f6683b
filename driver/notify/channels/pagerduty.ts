import type { NoticeKind } from "../../../components/config";
import { headline, type Notice } from "../notice";
import { deliver, serviceOf, type Channel } from "./channel";
import { cut } from "./text";

/** Lengths that the reference of Events API v2 allows, in characters. */
export const PAGERDUTY_LIMITS = { summary: 1024, dedupKey: 255, message: 8000 } as const;

type Alert = Extract<NoticeKind, "hold" | "rollback" | "failure">;

const SEVERITY: Readonly<Record<Alert, "critical" | "error" | "warning">> = { hold: "warning", rollback: "error", failure: "critical" };
const isAlert = (kind: NoticeKind): kind is Alert => kind in SEVERITY;

/** One alert for each rollout of a stack; what comes later of the same rollout joins it. */
export const dedupKey = ({ project, stack }: Pick<Notice, "project" | "stack">, rollout: string): string => cut(`canary/${project}/${stack}/${rollout}`, PAGERDUTY_LIMITS.dedupKey);

function trigger(key: string, notice: Notice & { readonly kind: Alert }): object {
  const { kind, project, stack, namespace, verb, rollout, version, from, weight, served, why, message, gates, dashboard, at } = notice;
  return {
    routing_key: key, event_action: "trigger", dedup_key: dedupKey(notice, rollout ?? verb),
    payload: {
      summary: cut(`${headline(notice)} (${project}/${stack}): ${message}`, PAGERDUTY_LIMITS.summary),
      source: `${project}/${stack}`, severity: SEVERITY[kind], timestamp: new Date(at * 1000).toISOString(), component: namespace, group: stack, class: kind,
      custom_details: { verb, rollout, version, from, weight, served, why, message: cut(message, PAGERDUTY_LIMITS.message), gates: gates.map(({ metric, gate, answer, sentence }) => `${answer}: ${metric} (${gate}): ${cut(sentence, 500)}`).slice(0, 50) },
    },
    client: "pulumi-canary",
    ...(dashboard === undefined ? {} : { client_url: dashboard, links: [{ href: dashboard, text: "Dashboard" }] }),
  };
}

/** Events for a notice: a trigger for what went wrong, and for a promotion the end of every alert since the one before. */
export function pagerdutyEvents(key: string, notice: Notice): readonly object[] {
  // What a person is doing by hand at this moment wakes nobody.
  if (/^(hold|traffic)\b/.test(notice.verb)) return [];
  if (isAlert(notice.kind)) return [trigger(key, notice as Notice & { readonly kind: Alert })];
  return notice.settles.map((rollout) => ({ routing_key: key, event_action: "resolve", dedup_key: dedupKey(notice, rollout) }));
}

/** @param key integration key of the service that is alerted */
export function pagerduty(key: string, url: URL, on: readonly Alert[]): Channel {
  const [title, address] = ["PagerDuty", url.origin];
  const service = serviceOf({ title, address });
  return {
    name: "pagerduty", title, address, on: [...on, "promotion"],
    messages: (notice) => pagerdutyEvents(key, notice).map((event) => {
      const body = JSON.stringify(event);
      return { kind: notice.kind, send: (signal) => deliver({ service, url, body, signal }) };
    }),
  };
}
