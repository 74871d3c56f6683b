import { setTimeout as sleep } from "node:timers/promises";
import { whyMissing, type TrafficWindow } from "../../analysis";
import type { Reporter, RolloutEvent } from "../report/events";
import { judgeSplit, type SplitJudgement } from "./split";
import { pollAll, samplesOf, type Polled, type TrafficWatch } from "./watch";

export interface VerifyOptions {
  readonly watch: TrafficWatch;
  /** Percent, 0 … 100. */
  readonly weight: number;
  readonly timeoutSeconds: number;
  /** Seconds between two scrapes of the metrics; they are looked for more often, so that none is waited for longer than it must be. */
  readonly scrapeSeconds: number;
  /** Requests of each service that a proof must have at least. Default 0: as many as the weight needs. */
  readonly least?: number;
  readonly report: Reporter;
  readonly signal?: AbortSignal;
  /** Asked after every look, so that tripwires are not blind during the verification; true ends it early. */
  readonly stop?: () => boolean;
  /** What the events of a look say beyond the split. */
  readonly telling?: (polled: readonly Polled[]) => Partial<RolloutEvent>;
}

export interface Verified {
  /** `off`: the router does something else. `few`: too few requests to tell. `unseen`: no metrics. `stopped`: ended early. */
  readonly state: "served" | "off" | "few" | "unseen" | "stopped";
  /** Fraction of requests to the canary over all services; absent when no request was counted. */
  readonly share?: number;
  /** Counts, since the weight was set, of the services whose sessions do not stick: only theirs tell a weight. With `off` only. */
  readonly counted?: readonly Counted[];
  readonly sentence: string;
  /** When the counts that prove it began, ms since the epoch: the split has been served since then. With `served` only. */
  readonly since?: number;
}

/** Requests that the router sent. */
export interface Counted {
  /** To the canary. */
  readonly canary: number;
  /** To both. */
  readonly total: number;
}

interface Tally extends Counted {
  /** All that was counted, what contradicts the weight as well. */
  readonly all: Counted;
  judgement: SplitJudgement;
  /** When its first window began or later, ms since the epoch. */
  since: number;
}

/** Adds a window that began at `from` or before; what contradicts the weight starts the count anew, because the router may only just have taken it up. */
function count(tally: Tally | undefined, weight: number, window: TrafficWindow, sticky: boolean, from: number): Tally {
  const canary = window.canary.requests;
  const total = canary + window.stable.requests;
  const plus = (counted: Counted | undefined): Counted => ({ canary: (counted?.canary ?? 0) + canary, total: (counted?.total ?? 0) + total });
  const [sum, all] = [plus(tally), plus(tally?.all)];
  const judgement = judgeSplit(weight, sum.canary, sum.total, sticky);
  if (judgement.state !== "off" || !tally) return { ...sum, all, judgement, since: tally?.since ?? from };
  return { canary, total, all, judgement: judgeSplit(weight, canary, total, sticky), since: from };
}

/** Seconds between two looks for a scrape. */
const lookEvery = (scrapeSeconds: number): number => Math.min(1, scrapeSeconds / 4);

/**
 * Waits until the router's own counters show the weight for every service, with a deadline.
 *
 * @returns `served`, or at the deadline what was seen instead, in a sentence
 */
export async function verifySplit(options: VerifyOptions): Promise<Verified> {
  const { watch, weight, timeoutSeconds, scrapeSeconds, least = 0, report, signal } = options;
  const tallies = new Map<string, Tally>();
  /** When each service's latest window was read, by name. */
  const readAt = new Map<string, number>();
  let missing = "";
  const describe = (): string => watch.services.map((s) => `${s.name}: ${tallies.get(s.name)?.judgement.sentence ?? (missing || "no request counted yet")}`).join("; ");
  const shareOfAll = (): number | undefined => {
    const sum = [...tallies.values()].reduce((a, b) => ({ canary: a.canary + b.canary, total: a.total + b.total }), { canary: 0, total: 0 });
    return sum.total > 0 ? sum.canary / sum.total : undefined;
  };
  for (const deadline = Date.now() + timeoutSeconds * 1000; Date.now() < deadline; ) {
    await sleep(lookEvery(scrapeSeconds) * 1000, undefined, { signal });
    const polled = await pollAll(watch, "settling", signal);
    let news = false;
    for (const { service, reading } of polled) {
      if (reading.kind !== "value") {
        // A clause among others.
        missing = whyMissing(reading).replace(/\.$/, "");
        continue;
      }
      const before = readAt.get(service.name);
      readAt.set(service.name, Date.now());
      news = true;
      // The first window reaches back to before the weight was set.
      if (before === undefined) continue;
      tallies.set(service.name, count(tallies.get(service.name), weight, reading.value, service.sticky, before));
    }
    if (news) report({ event: "observe", weight, served: shareOfAll(), ...(options.telling?.(polled) ?? samplesOf(polled)), message: describe() });
    if (options.stop?.()) return { state: "stopped", share: shareOfAll(), sentence: describe() };
    if (!news) continue;
    const proven = (tally: Tally | undefined): boolean => tally?.judgement.state === "served" && tally.total >= least;
    if (watch.services.every((s) => proven(tallies.get(s.name))))
      return { state: "served", share: shareOfAll(), sentence: describe(), since: Math.max(...[...tallies.values()].map((t) => t.since)) };
  }
  const off = [...tallies.values()].some((t) => t.judgement.state === "off");
  const blind = watch.services.some((s) => !tallies.has(s.name));
  const counted = watch.services.flatMap(({ name, sticky }) => (sticky ? [] : (tallies.get(name)?.all ?? [])));
  return { state: off ? "off" : blind ? "unseen" : "few", share: shareOfAll(), sentence: describe(), ...(off ? { counted } : {}) };
}
