import type { HistoryEntry, RecordedGate, RecordedRollout, RolloutRequest } from "../../components/record/format";
import type { LiveTraffic } from "../cluster/traffic";
import { GUARD_PREFIX } from "../record/lease";
import type { DependencyHealth } from "../resilience/registry";
import type { LiveRevision } from "./revisions";
import type { ServiceTraffic } from "./traffic";

/** Versions as a stack's outputs, or its file, name them; `none` where there is none. */
export interface NamedVersions {
  readonly stable: string;
  readonly canary: string;
  readonly previous: string;
  /** Percent. */
  readonly weight: number;
  readonly generation: number;
}

/** What a gate's value and limit are measured in. */
export type GateUnit = "share" | "seconds" | "multiple" | "number";

export interface GateView extends RecordedGate {
  readonly unit: GateUnit;
}

/** Who may write the rollout record. */
export interface LeaseView {
  /** Absent when it is free. */
  readonly holder?: string;
  readonly expired: boolean;
  /** ISO 8601. */
  readonly renewedAt?: string;
}

export interface RevisionView extends LiveRevision {
  /** What it is at present; empty for one that is left over. */
  readonly tracks: readonly ("stable" | "canary" | "previous")[];
}

/** A service as the stack's outputs describe it. */
export interface ServiceOutput {
  readonly url: string;
  readonly revisions: Readonly<Record<string, string>>;
}

/** Everything that is shown of a stack, at one instant. Data only: what to say of it is in notes.ts, how in render.ts. */
export interface Snapshot {
  /** ISO 8601. */
  readonly at: string;
  readonly stack: string;
  /** By the stack's outputs; absent while they cannot be read. */
  readonly deployed?: NamedVersions;
  /** By the stack file. */
  readonly wanted: NamedVersions;
  readonly services: Readonly<Record<string, ServiceOutput>>;
  /** Generation in the rollout record; absent without one. */
  readonly recorded?: number;
  /** What the record says that the stack file, which is older, does not: `v1 stable, v2 at weight 25`. */
  readonly stale?: string;
  readonly rollout?: Omit<RecordedRollout, "seen">;
  /** The latest of the rollout under way: `promote` is to the next stage. */
  readonly verdict?: { readonly at: string; readonly stage?: number; readonly verdict: string; readonly message: string };
  /** What ended last: a rollout, or an install, an experiment or an undo. */
  readonly last?: HistoryEntry;
  readonly undo?: { readonly version: string; readonly until: string };
  readonly request?: RolloutRequest;
  readonly lease?: LeaseView;
  readonly revisions: readonly RevisionView[];
  readonly live: readonly LiveTraffic[];
  /** What the driver that runs saw last. */
  readonly seen?: { readonly at: string; readonly served?: number; readonly gates: readonly GateView[] };
  /** By the counters; while a driver runs, only where it was asked for. */
  readonly traffic?: readonly ServiceTraffic[];
  /** What an update began and nobody saw the end of; while an update runs it is that update's. */
  readonly pending: readonly string[];
  readonly dependencies: readonly DependencyHealth[];
  /** What could not be read and why, each one sentence. */
  readonly unknown: readonly string[];
}

const isHeld = ({ lease }: Snapshot): boolean => lease?.holder !== undefined && !lease.expired;
const byGuard = ({ lease }: Snapshot): boolean => lease?.holder?.startsWith(GUARD_PREFIX) === true;

/** A driver holds the Lease and has renewed it in time. */
export const isDriven = (snapshot: Snapshot): boolean => isHeld(snapshot) && !byGuard(snapshot);

/** A guard holds the Lease: it watches, and goes on with nothing. */
export const isGuarded = (snapshot: Snapshot): boolean => isHeld(snapshot) && byGuard(snapshot);

/** What changes for a person: everything but times and the numbers that move with every scrape. Equal texts mean that nothing did. */
export function essence(snapshot: Snapshot): string {
  const { at: _, lease, revisions, live, seen, traffic, dependencies, ...rest } = snapshot;
  return JSON.stringify({
    ...rest,
    holder: lease?.holder,
    expired: lease?.expired,
    // Which of several pods is named first is chance.
    revisions: revisions.map((revision) => ({ ...revision, trouble: revision.trouble !== undefined })),
    live: live.map(({ service, weight, canaryRevision, stableRevision }) => [service, weight, canaryRevision, stableRevision]),
    gates: seen?.gates.map(({ service, metric, gate, answer }) => [service, metric, gate, answer]),
    traffic: traffic?.map(({ service, missing }) => [service, missing]),
    dependencies: dependencies.map(({ name, address, healthy, circuit }) => [name, address, healthy, circuit]),
  });
}
