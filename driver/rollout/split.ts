import { clopperPearson } from "../../analysis/statistics/intervals";

/** Confidence that a split is called wrong only when it is. */
const CONFIDENCE = 0.999;
/** Canary requests that a share is believed on, where the weight lets any be expected. */
const ENOUGH = 10;

/** Canary requests that the weight lets expect, of which none coming is no accident. */
const SURE = 100;

/** Requests of which not one goes to the canary by accident, were its weight in percent this one, above 0. */
export const requestsAgainst = (weight: number): number => (weight >= 100 ? 1 : Math.ceil(Math.log(1 - CONFIDENCE) / Math.log(1 - weight / 100)));

export interface SplitJudgement {
  /** `served`: the router does what was asked. `off`: it does not, or not yet. `waiting`: too few requests to tell. */
  readonly state: "served" | "off" | "waiting";
  /** Fraction of requests that went to the canary; absent without requests. */
  readonly share?: number;
  readonly sentence: string;
}

const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;

/**
 * Holds the requests that the router counted against the weight that was set.
 *
 * At 0 and 100 not one request may go the other way. Between them the weight must lie in the exact 99.9 % interval of the served
 * share (Clopper–Pearson).
 *
 * Where sessions stick to a track the share of requests need not be the weight, because the router draws sessions: between the ends it
 * is enough there that both tracks are served, and at 100 that the canary is.
 *
 * @param weight percent, 0 … 100
 * @param canary requests the router sent to the canary
 * @param total requests it sent to both
 * @param sticky whether sessions stick to a track. Default false
 */
export function judgeSplit(weight: number, canary: number, total: number, sticky = false): SplitJudgement {
  if (total === 0) return { state: "waiting", sentence: "the router counted no request" };
  const share = canary / total;
  const seen = `the router sent ${canary} of ${total} requests (${percent(share)}) to the canary at weight ${weight}`;
  if (sticky && weight > 0) return { share, sentence: `${seen}, whose sessions stick`, state: canary >= ENOUGH ? "served" : total * weight > 100 * SURE ? "off" : "waiting" };
  const strays = weight === 0 ? canary : weight === 100 ? total - canary : undefined;
  if (strays !== undefined) {
    if (strays > 0) return { state: "off", share, sentence: seen };
    return { state: total >= ENOUGH ? "served" : "waiting", share, sentence: seen };
  }
  const { low, high } = clopperPearson(canary, total, CONFIDENCE);
  if (weight / 100 < low || weight / 100 > high) return { state: "off", share, sentence: seen };
  const enough = canary >= ENOUGH && total - canary >= ENOUGH;
  return { state: enough ? "served" : "waiting", share, sentence: seen };
}
