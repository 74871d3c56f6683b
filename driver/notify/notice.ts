import type { NoticeKind } from "../../components/config";
import type { RecordedGate, RollbackReason } from "../../components/record/format";
import type { Occasion } from "../report/listeners";
import type { RolloutEvent } from "../report/events";
import type { ComparisonView } from "../report/story-view";
import { recorded } from "../rollout/judging";
import { Comparison } from "./comparison";

/** Something that people who are not at the terminal are told of. */
export interface Notice {
  readonly kind: NoticeKind;
  /** Seconds since the epoch. */
  readonly at: number;
  readonly project: string;
  readonly stack: string;
  readonly namespace: string;
  /** The verb with its version, e.g. `deploy v2`. */
  readonly verb: string;
  /** The rollout's id; absent before it is recorded. */
  readonly rollout?: string;
  readonly version?: string;
  readonly from?: string;
  /** Index of the stage, from 0, and how many there are. */
  readonly stage?: number;
  readonly stages: number;
  /** Percent that is set. */
  readonly weight?: number;
  /** Fraction of requests that the router was seen to send to the canary. */
  readonly served?: number;
  /** Why it goes home. */
  readonly why?: RollbackReason;
  /** What happened, in sentences. */
  readonly message: string;
  /** What both versions served in the stage, by service. */
  readonly traffic: readonly ComparisonView[];
  /** The gates' answers when they were last asked, with the canary's value and its limit. */
  readonly gates: readonly RecordedGate[];
  /** Rollouts of the stack, by id, whose trouble is over with this promotion. */
  readonly settles: readonly string[];
  readonly dashboard?: string;
}

/** More rollouts than that have not failed in a row, or nobody minds any more. */
const SETTLED_AT_ONCE = 10;

const known = <T extends object>(values: T): { [K in keyof T]?: Exclude<T[K], undefined> } =>
  Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as { [K in keyof T]?: Exclude<T[K], undefined> };

/** Fills in the placeholders of the dashboard's address. */
export const dashboardOf = (template: string | undefined, values: Readonly<Record<string, string | undefined>>): string | undefined =>
  template?.replace(/\{\{(.*?)\}\}/g, (_, name: string) => encodeURIComponent(values[name] ?? ""));

/** Makes notices of a verb's events: which of them are news, and what was known at the time. Reads the record, and touches nothing. */
export class Notices {
  /** Something was done that others may have noticed. */
  private begun = false;
  private started = false;
  private reverted = false;
  private toldHome = false;
  private id: string | undefined;
  private versions: { version?: string; from?: string } = {};
  private readonly served = new Comparison();
  private latest: { -readonly [K in "stage" | "weight" | "served" | "gates"]?: RolloutEvent[K] } = {};

  constructor(private readonly occasion: Pick<Occasion, "project" | "stack" | "verb" | "config" | "ledger">) {}

  /** The notice of an event; undefined where it is none. */
  next(event: RolloutEvent): Notice | undefined {
    this.follow(event);
    const kind = this.kindOf(event);
    const notice = kind && this.notice(kind, event);
    this.begun ||= event.event !== "note" && event.event !== "end";
    this.started ||= event.event === "start";
    this.reverted ||= event.event === "revert";
    this.toldHome ||= kind === "rollback";
    // Whoever is told of a rollback wants to know the weight at which it failed.
    if (event.event === "revert") this.latest.weight = 0;
    return notice;
  }

  private follow({ event, id, version, from, stage, weight, served, gates, samples = [] }: RolloutEvent): void {
    const { ledger, config } = this.occasion;
    const { rollout } = ledger;
    this.id = id ?? rollout?.id ?? this.id;
    const versions = { version: version ?? rollout?.version ?? this.versions.version ?? config.canary?.version, from: from ?? rollout?.from ?? this.versions.from ?? config.stable?.version };
    this.versions = known(versions);
    // What is begun after the end of another rollout, which a dead driver had left, has a fate of its own.
    if (event === "start") this.reverted = this.toldHome = false;
    if (event === "stage") this.served.beginStage();
    this.served.add(samples);
    Object.assign(this.latest, known({ stage, served, gates, ...(event === "revert" ? {} : { weight }) }));
  }

  private kindOf({ event, outcome, why }: RolloutEvent): NoticeKind | undefined {
    switch (event) {
      case "start":
        return "start";
      case "stage":
        return "stage";
      case "ask":
        return "approval";
      case "revert":
        // Told when it is decided: its record, and the removal of the pods, may take minutes.
        return why !== undefined && !this.toldHome ? "rollback" : undefined;
      case "end":
        return this.endOf(outcome);
      default:
        return undefined;
    }
  }

  private endOf(outcome: RolloutEvent["outcome"]): NoticeKind | undefined {
    switch (outcome) {
      case "promoted":
        return this.begun ? "promotion" : undefined;
      case "held":
        return "hold";
      case "interrupted":
        return this.reverted ? undefined : "hold";
      case "rolled-back":
        return this.toldHome ? undefined : "rollback";
      case "failed":
        // Whoever mistyped a command sees that at the terminal.
        return this.begun ? "failure" : undefined;
      case undefined:
        return this.started ? "done" : undefined;
    }
  }

  private notice(kind: NoticeKind, { t, message, why }: RolloutEvent): Notice {
    const { project, stack, verb, config, ledger } = this.occasion;
    const { gates = [], ...latest } = this.latest;
    const stages = config.rollout.stages.length;
    const ended = kind === "promotion" || kind === "rollback" ? ledger.history.at(-1) : undefined;
    const rollout = this.id ?? ended?.id;
    const dashboard = dashboardOf(config.notifications.dashboard, { stack, namespace: config.namespace, ...this.versions });
    return {
      kind, at: t, project, stack, namespace: config.namespace, verb, stages, ...latest, ...this.versions, message,
      ...(rollout === undefined ? {} : { rollout }),
      ...(why === undefined ? {} : { why }),
      traffic: this.served.figures(),
      gates: recorded(gates),
      settles: kind === "promotion" ? settledBy(ledger.history, rollout) : [],
      ...(dashboard === undefined ? {} : { dashboard }),
    };
  }
}

/** The rollouts that came after the promotion before, this one included: it may have been held on its way. */
export function settledBy(history: Occasion["ledger"]["history"], promoted: string | undefined): readonly string[] {
  const earlier = history.filter(({ id }) => id !== promoted);
  const last = earlier.map(({ kind, outcome }) => kind === "rollout" && outcome === "promoted").lastIndexOf(true);
  const ids = earlier.slice(last + 1).map(({ id }) => id);
  return [...new Set([...ids, ...(promoted === undefined ? [] : [promoted])])].slice(-SETTLED_AT_ONCE);
}

/** The versions of a notice: `v1.2.0 → v1.3.0`. */
export const versionsOf = ({ version, from }: Pick<Notice, "version" | "from">): string => [from, version].filter((v) => v !== undefined).join(" → ");

/** What happened, in a few words; for titles. */
export function headline({ kind, version, from, stage = 0, stages, weight, verb }: Notice): string {
  if (kind === "failure" || kind === "done" || version === undefined) return `${verb} ${{ start: "begins", failure: "failed", done: "is done", hold: "is held", stage: "goes on", approval: "waits for approval", rollback: "is rolled back", promotion: "is promoted" }[kind]}`;
  const titles: Readonly<Record<typeof kind, string>> = {
    start: `begins${from === undefined ? "" : ` beside ${from}`}`,
    stage: `is at stage ${stage + 1} of ${stages}: weight ${weight ?? 0}`,
    approval: "waits for approval",
    hold: `is held${weight === undefined ? "" : ` at weight ${weight}`}`,
    rollback: "is rolled back",
    promotion: "is promoted",
  };
  return `${version} ${titles[kind]}`;
}
