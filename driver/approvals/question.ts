import type { RecordedGate } from "../../components/record/format";
import { dashboardOf } from "../notify/notice";
import { judgeAll, ONLY_FAILS, recorded, servedShare } from "../rollout/judging";
import type { Rollout } from "../rollout/rollout";

/** What waits for an answer: the promotion, or a stage by its index. */
export type Place = "promotion" | number;

/** What approvers are asked, with the facts that they may want to know. */
export interface Question {
  /** The same as long as it is asked, also by a driver that goes on with the rollout. */
  readonly question: string;
  /** Name of the approval in the stack file. */
  readonly approval: string;
  readonly stack: string;
  readonly namespace: string;
  /** Id of the rollout. */
  readonly rollout: string;
  readonly version: string;
  readonly from: string;
  /** `promotion`, or the weight in percent that the canary would get. */
  readonly before: "promotion" | number;
  /** Percent that the canary has. */
  readonly weight: number;
  /** Fraction of requests that the router was seen to send to the canary. */
  readonly served?: number;
  readonly gates: readonly RecordedGate[];
  /** When it was asked first, and when nobody is waited for any more; ISO 8601. */
  readonly askedAt: string;
  readonly deadline: string;
  readonly dashboard?: string;
}

/** The question as it stands at this moment. */
export function questionOf({ context, config, watch, version, from }: Rollout, place: Place, approval: string, asked: { readonly at: number; readonly until: number }): Question {
  const { ledger, file } = context;
  const { namespace, rollout, notifications } = config;
  const [id, stack, served] = [ledger.rollout?.id ?? version, ledger.record?.stack ?? "", servedShare(watch)];
  const before = place === "promotion" ? place : rollout.stages[place]!.weight;
  const dashboard = dashboardOf(notifications.dashboard, { stack, namespace, version, from });
  return {
    question: `${id}/${before}/${approval}`, approval, stack, namespace, rollout: id, version, from, before, weight: file.read().weight,
    ...(served === undefined ? {} : { served }),
    gates: recorded(judgeAll(watch, ONLY_FAILS).gates),
    askedAt: new Date(asked.at).toISOString(), deadline: new Date(asked.until).toISOString(),
    ...(dashboard === undefined ? {} : { dashboard }),
  };
}
