import type { GateAnswer } from "../../analysis";
import type { HistoryEntry, JournalEntry } from "../../components/record/format";
import type { Figures, RolloutEvent, TrafficSample } from "./events";
import { Curve, joinTraffic, legible, quantilesOf, revived, type SavedCurve, type Timed, type TrafficPoint } from "./story-curve";
import type { GateCurveView, GatePoint, SeriesView, StageView, StoryFacts, StoryView, TimelineEntry } from "./story-view";

export type { StoryFacts, StoryView } from "./story-view";

/** Of a timeline the beginning and the end are kept. */
const FIRST_ENTRIES = 50;
const LAST_ENTRIES = 250;
const MOST_STAGES = 200;
const MOST_CURVES = 200;
const LONGEST_TEXT = 2000;

interface Level extends Timed {
  readonly percent: number;
}

type GateFacts = Omit<GateCurveView, "points">;
type SeriesFacts = Omit<SeriesView, "points">;

/** A story as it is kept in a file, so that another process can go on with it. */
export interface SavedStory {
  readonly format: 1;
  readonly facts: StoryFacts;
  readonly at: number;
  readonly end?: StoryEnd;
  readonly message: string;
  readonly timeline: readonly TimelineEntry[];
  readonly leftOut: number;
  readonly stages: readonly StageView[];
  readonly set: SavedCurve<Level>;
  readonly served: SavedCurve<Level>;
  readonly series: readonly (SeriesFacts & { readonly curve: SavedCurve<TrafficPoint> })[];
  readonly gates: readonly (GateFacts & { readonly curve: SavedCurve<GatePoint> })[];
  readonly compared: readonly { readonly service: string; readonly stable: TrafficPoint; readonly canary: TrafficPoint }[];
  readonly missing: readonly string[];
}

interface StoryEnd {
  readonly t: number;
  readonly outcome?: HistoryEntry["outcome"];
  readonly message: string;
}

const clip = (text: string): string => (text.length > LONGEST_TEXT ? `${text.slice(0, LONGEST_TEXT)}…` : text);
const latest = (_: Level, b: Level): Level => b;
const higher = (a: number | undefined, b: number | undefined): number | undefined => (a === undefined ? b : b === undefined ? a : Math.max(a, b));

const level = (curve: Curve<Level>, t: number, percent: number | undefined): void => void (percent !== undefined && Number.isFinite(percent) && curve.add({ t, percent }));

/** The most evidence of a span is what decided. */
const joinGates = (a: GatePoint, b: GatePoint): GatePoint =>
  defined({ t: b.t, logE: higher(a.logE, b.logE), logEPass: higher(a.logEPass, b.logEPass), value: b.value ?? a.value }) as GatePoint;

/** Without what is undefined or no finite number: JSON has no word for it. */
function defined<T extends object>(value: T): T {
  return Object.fromEntries(Object.entries(value).filter(([, v]) => v !== undefined && (typeof v !== "number" || Number.isFinite(v)))) as T;
}

const figures = ({ requests, errors, seconds, latency }: TrafficPoint): Figures => ({ requests, errors, seconds, ...quantilesOf(latency) });

/**
 * A rollout as it can be told at any time: what happened, and the curves. Pure; its size is bounded however long the rollout takes and
 * however often it is told something.
 */
export class Story {
  private at: number;
  private end: StoryEnd | undefined;
  private message = "";
  private timeline: TimelineEntry[] = [];
  private leftOut = 0;
  private stages: StageView[] = [];
  private set = new Curve<Level>(latest);
  private served = new Curve<Level>(latest);
  private readonly series = new Map<string, { facts: SeriesFacts; curve: Curve<TrafficPoint> }>();
  private readonly gates = new Map<string, { facts: GateFacts; curve: Curve<GatePoint> }>();
  private readonly compared = new Map<string, { stable: TrafficPoint; canary: TrafficPoint }>();
  private missing: string[] = [];

  constructor(private facts: StoryFacts) {
    this.at = facts.started;
  }

  /** Goes on with a story that was saved, by another process maybe. */
  static of(saved: SavedStory): Story {
    const story = new Story(saved.facts);
    Object.assign(story, { at: saved.at, end: saved.end, message: saved.message, timeline: [...saved.timeline], leftOut: saved.leftOut, stages: [...saved.stages], missing: [...saved.missing] });
    story.set = Curve.of(latest, saved.set);
    story.served = Curve.of(latest, saved.served);
    for (const { curve: { span, points }, ...facts } of saved.series) story.series.set(seriesKey(facts), { facts, curve: Curve.of(joinTraffic, { span, points: points.map(revived) }) });
    for (const { curve, ...facts } of saved.gates) story.gates.set(gateKey(facts), { facts, curve: Curve.of(joinGates, curve) });
    for (const { service, stable, canary } of saved.compared) story.compared.set(service, { stable: revived(stable), canary: revived(canary) });
    return story;
  }

  saved(): SavedStory {
    const { facts, at, end, message, timeline, leftOut, stages, missing } = this;
    return {
      format: 1, facts, at, ...(end ? { end } : {}), message, timeline, leftOut, stages, missing,
      set: this.set.saved(),
      served: this.served.saved(),
      series: [...this.series.values()].map(({ facts: of, curve }) => ({ ...of, curve: curve.saved() })),
      gates: [...this.gates.values()].map(({ facts: of, curve }) => ({ ...of, curve: curve.saved() })),
      compared: [...this.compared].map(([service, arms]) => ({ service, ...arms })),
    };
  }

  /** Says that something is not known, in one sentence. */
  lacks(sentence: string): void {
    if (!this.missing.includes(sentence)) this.missing.push(clip(sentence));
  }

  /** What was not known when it began. */
  learn(facts: Partial<StoryFacts>): void {
    this.facts = { ...this.facts, ...defined(facts) };
  }

  /** How it ended by the record, whatever the command that ended it was called. */
  concluded(t: number, outcome: HistoryEntry["outcome"], message = this.end?.message ?? this.message): void {
    this.end = { t, outcome, message: clip(message) };
  }

  hear(event: RolloutEvent): void {
    const { t } = event;
    if (!Number.isFinite(t)) return;
    this.at = Math.max(this.at, t);
    if (event.message !== "") this.message = clip(event.message);
    const { id, version, from } = event;
    if (event.event === "start") this.learn({ id, version, from });
    if (event.event === "end") this.end = defined({ t, outcome: event.outcome, message: this.message }) as StoryEnd;
    // Whatever is done after an end is done by somebody who goes on with it.
    else if (event.event !== "observe") this.end = undefined;
    this.follow(event);
    level(this.set, t, event.weight);
    level(this.served, t, event.served === undefined ? undefined : 100 * event.served);
    // What still comes in on the way home may weaken the evidence that led there, which is what a reader looks for.
    const over = event.event === "observe" && this.stages.at(-1)?.verdict === "rollback";
    if (!over) for (const gate of event.gates ?? []) this.judged(t, gate);
    this.sampled(t, event.samples ?? []);
    if (event.event !== "observe") this.note(event);
  }

  /** @param journal of the rollout, oldest entry first */
  snapshot(journal: readonly JournalEntry[] = []): StoryView {
    const { facts, at, end, timeline, leftOut, stages, missing } = this;
    const [set, served] = [this.set.all(), this.served.all()];
    const reason = timeline.filter(({ event }) => event === "revert" || event === "verdict").at(-1);
    const [weight, share] = [set.at(-1)?.percent, served.at(-1)?.percent];
    return {
      format: 1, facts, at,
      ...(end ? { ended: end.t, ...(end.outcome ? { outcome: end.outcome } : {}) } : {}),
      verdict: end?.message ?? reason?.message ?? this.message,
      now: { message: this.message, ...defined({ weight, stage: stages.at(-1)?.ended === undefined ? stages.at(-1)?.index : undefined, served: share === undefined ? undefined : share / 100 }) },
      timeline: [...timeline], leftOut, stages: [...stages],
      series: [...this.series.values()].map(({ facts: of, curve }) => ({ ...of, points: legible(curve.all()).map((point) => ({ t: point.t, ...figures(point) })) })),
      comparison: [...this.compared].map(([service, { stable, canary }]) => ({ service, stable: figures(stable), canary: figures(canary) })),
      split: { set: set.map((p) => [p.t, p.percent]), served: served.map((p) => [p.t, p.percent]) },
      gates: [...this.gates.values()].map(({ facts: of, curve }) => ({ ...of, points: curve.all() })),
      journal, missing: [...missing],
    };
  }

  /** Stages begin, are served and end. */
  private follow({ event, t, stage, weight, verdict }: RolloutEvent): void {
    const last = this.stages.at(-1);
    const open = last && last.ended === undefined ? last : undefined;
    const replace = (change: Partial<StageView>): void => void (open && this.stages.splice(-1, 1, { ...open, ...change }));
    if (event === "stage") {
      replace({ ended: t });
      this.stages.push({ index: stage ?? 0, weight: weight ?? 0, began: t });
      if (this.stages.length > MOST_STAGES) this.stages.shift();
    } else if (event === "split" && open && open.served === undefined && weight === open.weight) replace({ served: t });
    else if (event === "verdict" && (verdict === "promote" || verdict === "measured")) replace({ ended: t, verdict });
    else if (event === "verdict" && verdict !== undefined) this.decided(t, verdict);
    else if (event === "revert") this.decided(t, "rollback");
    else if (event === "end") replace({ ended: t });
  }

  /** A rollback is told twice: as the revert, and as the verdict with its evidence. */
  private decided(t: number, verdict: string): void {
    const last = this.stages.at(-1);
    if (last && last.verdict === undefined) this.stages.splice(-1, 1, { ...last, ended: last.ended ?? t, verdict });
  }

  private note({ gates: _, samples: __, stack: ___, id, version, from, asking, message, ...entry }: RolloutEvent): void {
    const said = clip(message);
    // A rollback's verdict is told by the stage, and once more with the evidence of all gates.
    if (this.timeline.slice(-3).some((before) => before.event === entry.event && before.message === said)) return;
    this.timeline.push({ ...(defined(entry) as TimelineEntry), message: said });
    if (this.timeline.length <= FIRST_ENTRIES + LAST_ENTRIES) return;
    this.timeline.splice(FIRST_ENTRIES, 1);
    this.leftOut++;
  }

  private judged(t: number, gate: GateAnswer): void {
    if (gate.answer === "not-applicable") return;
    const { metric, gate: rule, critical, decides, answer, sentence, value, limit, logE, logELimit, logEPass, logEPassLimit, n } = gate;
    const facts = defined({ metric, gate: rule, critical, decides, answer, sentence: clip(sentence), value, limit, logE, logELimit, logEPass, logEPassLimit, n }) as GateFacts;
    const there = this.gates.get(gateKey(facts));
    if (!there && this.gates.size >= MOST_CURVES) return;
    const curve = there?.curve ?? new Curve(joinGates);
    this.gates.set(gateKey(facts), { facts, curve });
    curve.add(defined({ t, logE, logEPass, value }) as GatePoint);
  }

  private sampled(t: number, samples: readonly TrafficSample[]): void {
    for (const sample of samples) {
      const { service, track, version } = sample;
      const there = this.series.get(seriesKey(sample));
      if (!there && this.series.size >= MOST_CURVES) continue;
      const curve = there?.curve ?? new Curve(joinTraffic);
      this.series.set(seriesKey(sample), { facts: { service, track, version }, curve });
      curve.add(pointOf(t, sample));
      const stable = samples.find((s) => s.service === service && s.track === "stable");
      // On its way home the canary gets what was on its way to it, beside a stable that is being updated: nothing to be compared.
      if (track === "canary" && stable && sample.requests > 0 && this.stages.at(-1)?.verdict !== "rollback") this.compare(service, pointOf(t, stable), pointOf(t, sample));
    }
  }

  private compare(service: string, stable: TrafficPoint, canary: TrafficPoint): void {
    const before = this.compared.get(service);
    this.compared.set(service, before ? { stable: joinTraffic(before.stable, stable), canary: joinTraffic(before.canary, canary) } : { stable, canary });
  }
}

const seriesKey = ({ service, track, version }: SeriesFacts): string => JSON.stringify([service, track, version]);
const gateKey = ({ metric, gate }: Pick<GateFacts, "metric" | "gate">): string => JSON.stringify([metric, gate]);
const pointOf = (t: number, { seconds, requests, errors, latency }: TrafficSample): TrafficPoint => ({ t, seconds, requests, errors, ...(latency ? { latency } : {}) });
