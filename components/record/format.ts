import type { VersionValue } from "../config/stack-file";
import { wrongKey } from "./check";
import type { Phase, PromotionStep } from "./phases";

/**
 * The rollout record: what everybody who works on a stack shares, in the cluster beside what it describes. A ConfigMap holds it and a
 * Lease of the same name says who may write it.
 */

export { PHASES, PROMOTION_STEPS, type Phase, type PromotionStep } from "./phases";

/** A gate's answer as the record keeps it; numbers that JSON has no word for are left out. */
export interface RecordedGate {
  readonly service?: string;
  readonly metric: string;
  readonly gate: string;
  readonly answer: "pass" | "fail" | "undecided" | "not-applicable";
  readonly sentence: string;
  readonly value?: number;
  readonly limit?: number;
  readonly logE?: number;
  readonly logELimit?: number;
}

/** A rollout that is under way or held. */
export interface RecordedRollout {
  /** `<version slug>-<start, seconds since the epoch in base 36>`: unique in a stack, safe in file names. */
  readonly id: string;
  readonly version: string;
  /** The stable version it started from. */
  readonly from: string;
  readonly phase: Phase;
  /** Of a promotion. */
  readonly step?: PromotionStep;
  /** Index of the stage, from 0; absent before the first. */
  readonly stage?: number;
  /** Weights of all stages, in percent. */
  readonly stages: readonly number[];
  /** Percent that is set, or being set. */
  readonly weight: number;
  /** ISO 8601. */
  readonly startedAt: string;
  /** When the phase was entered, ISO 8601. */
  readonly since: string;
  /** Why it is held or reverted. */
  readonly reason?: string;
  /** The latest look: gates, the fraction of requests that the router sent to the canary, and when, ISO 8601. */
  readonly seen?: { readonly at: string; readonly served?: number; readonly gates: readonly RecordedGate[] };
  /** It only measures, at one weight (percent) for some seconds, and goes home at the end. */
  readonly experiment?: { readonly weight: number; readonly dwellSeconds: number };
  /** Flags and variables that the rollout was started with, for whoever goes on with it; no secrets. */
  readonly settings?: Readonly<Record<string, unknown>>;
  /** The guard, or a hasty command, has patched the live objects; the stack does not know it yet. */
  readonly sentHome?: { readonly by: string; readonly at: string };
  /** Pulumi's state may not know what a driver did that died, and no update has read the objects anew since. */
  readonly behind?: boolean;
}

/** What somebody asks of the driver that holds the Lease. */
export interface RolloutRequest {
  readonly verb: "hold" | "rollback" | "promote";
  readonly by: string;
  /** ISO 8601. */
  readonly at: string;
  readonly reason?: string;
}

/** The rollout keys of the stack file as the driver last wrote them, overrides included; `canary sync` writes them into an older file. */
export interface RecordedKeys {
  readonly stable?: VersionValue;
  readonly canary?: VersionValue;
  readonly previous?: VersionValue;
  readonly weight: number;
}

export interface RolloutRecord {
  /** Of this format. */
  readonly format: 1;
  /** Pulumi's name of the stack. */
  readonly stack: string;
  /** Generation of the stack file at the driver's last write. */
  readonly generation: number;
  readonly keys: RecordedKeys;
  readonly rollout?: RecordedRollout;
  /** The previous version may be gone back to without starting a pod until then, ISO 8601. */
  readonly undo?: { readonly version: string; readonly until: string };
  readonly request?: RolloutRequest;
}

/** One line of the journal: an intent before something is done, or what came of it. `seq` counts from 1 in each rollout. */
export interface JournalEntry {
  readonly seq: number;
  /** ISO 8601. */
  readonly at: string;
  readonly rollout: string;
  readonly by: string;
  readonly kind: "intent" | "verdict" | "note" | "end";
  readonly phase?: Phase;
  readonly step?: PromotionStep;
  readonly stage?: number;
  readonly weight?: number;
  readonly verdict?: string;
  readonly gates?: readonly RecordedGate[];
  readonly message: string;
}

/** A rollout that has ended, or an install, undo or cleanup. */
export interface HistoryEntry {
  readonly id: string;
  readonly version: string;
  readonly from?: string;
  readonly kind: "install" | "rollout" | "undo" | "experiment";
  readonly outcome: "promoted" | "rolled-back" | "held" | "interrupted" | "failed" | "measured";
  readonly reason: string;
  /** ISO 8601. */
  readonly startedAt: string;
  readonly endedAt: string;
  readonly by: string;
  readonly generation: number;
}

/** Keys of the ConfigMap's data. Journal and history are newline-delimited JSON, oldest first; rollbacks maps a reason's kind to a count. */
export const DATA_KEYS = { record: "record.json", journal: "journal.ndjson", history: "history.ndjson", rollbacks: "rollbacks.json" } as const;

/** What kind of thing ended a rollout with a rollback; label `reason` of `canary_rollback_total`. */
export type RollbackReason = "verdict" | "split" | "start" | "update" | "interrupt" | "manual" | "guard" | "blind" | "fleet" | "approval";

/**
 * Name of the ConfigMap and of the Lease: `<project>-<stack>-rollout`, because two stacks may share a namespace.
 *
 * @param stack Pulumi's name; of a fully qualified one, org/project/stack, the last part counts.
 */
export const recordName = (project: string, stack: string): string =>
  `${project}-${stack.split("/").pop()}-rollout`.toLowerCase().replace(/[^a-z0-9.-]+/g, "-").replace(/(^|\.)[^a-z0-9]+|[^a-z0-9]+($|\.)/g, "$1$2");

/** Name of the environment variable in which a driver tells the program, which it runs, who it is. */
export const HOLDER_VARIABLE = "CANARY_HOLDER";

/** Says that a ConfigMap is no record of ours that can be read. */
export class RecordError extends Error {}

/** @throws RecordError with one sentence */
export function parseRecord(data: Readonly<Record<string, string>> | undefined): RolloutRecord {
  const text = data?.[DATA_KEYS.record];
  if (text === undefined) throw new RecordError(`it has no key ${DATA_KEYS.record}`);
  let record: unknown;
  try {
    record = JSON.parse(text, withoutNone);
  } catch {
    throw new RecordError(`its key ${DATA_KEYS.record} is no JSON`);
  }
  if (typeof record !== "object" || record === null || Array.isArray(record)) throw new RecordError(`its key ${DATA_KEYS.record} is no JSON object`);
  const { format } = record as { format?: unknown };
  if (format !== 1) throw new RecordError(format === undefined ? `its key ${DATA_KEYS.record} has no format` : `its format is ${shown(format)} where this version reads 1`);
  const wrong = wrongKey(record);
  if (wrong !== undefined) throw new RecordError(`${wrong} in its key ${DATA_KEYS.record} is missing or wrong`);
  return record as RolloutRecord;
}

/** Measurements become null in JSON where they are no number: as good as none. */
const MEASURED = ["served", "value", "limit", "logE", "logELimit"];
const withoutNone = (key: string, value: unknown): unknown => (value === null && MEASURED.includes(key) ? undefined : value);

const shown = (value: unknown): string => JSON.stringify(value).slice(0, 40);

/** Lines of newline-delimited JSON; a line that is none, or is no such entry, is left out, because a record cut short must not hide the rest. */
export function parseLines<T>(text: string | undefined, isEntry: (value: unknown) => boolean): T[] {
  return (text ?? "").split("\n").flatMap((line) => {
    try {
      const entry: unknown = line === "" ? undefined : JSON.parse(line);
      return isEntry(entry) ? [entry as T] : [];
    } catch {
      return [];
    }
  });
}

/** Text without the oldest lines that make it longer than `bytes`, all in one byte characters at worst four. */
export function boundedLines(lines: readonly object[], bytes: number): string {
  const kept: string[] = [];
  let size = 0;
  for (const line of lines.map((l) => `${JSON.stringify(l)}\n`).reverse()) {
    size += Buffer.byteLength(line);
    if (size > bytes) break;
    kept.unshift(line);
  }
  return kept.join("");
}
