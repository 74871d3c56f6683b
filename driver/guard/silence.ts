import { GUARD_PREFIX } from "../record/lease";
import type { Standing } from "./decide";
import type { LeaseSeen } from "./lease";

/** How long the Lease has said the same, as far as this process could see it. */
export interface Silence {
  /** What it said. */
  readonly of: string;
  /** Who holds it; where a guard does, who let it run out before. */
  readonly heldBy?: string;
  /** Seconds of silence. */
  readonly seconds: number;
  /** When it was seen last, in seconds of this process's clock; absent after a look that failed. */
  readonly at?: number;
}

/**
 * Longest silence between two looks that is believed, in seconds: a process that was stopped in between has heard nothing because it did
 * not listen.
 */
const LONGEST_GAP = 15;

/**
 * Follows the Lease by the clock of this process alone, so that no difference between clocks makes a live driver look dead. Time in which
 * the API server could not be asked is no silence: the driver could not renew the Lease then either.
 *
 * @param now seconds of a clock that never goes back
 */
export function listen(before: Silence | undefined, lease: LeaseSeen | undefined, now: number): Silence {
  const of = lease ? `${lease.holder ?? ""}@${lease.renewed ?? ""}` : "";
  if (before?.of !== of) {
    const heldBy = lease?.holder?.startsWith(GUARD_PREFIX) ? (before?.heldBy ?? lease.holder) : lease?.holder;
    return { of, seconds: 0, at: now, ...(heldBy === undefined ? {} : { heldBy }) };
  }
  const gap = before.at === undefined ? 0 : Math.min(now - before.at, LONGEST_GAP);
  return { ...before, seconds: before.seconds + gap, at: now };
}

/** The Lease could not be read. */
export function deaf(before: Silence | undefined): Silence | undefined {
  if (!before) return undefined;
  const { at: _, ...rest } = before;
  return rest;
}

/** @param me this guard's holder name @param leaseSeconds for a Lease that does not say when it runs out */
export function standingOf(lease: LeaseSeen | undefined, { seconds }: Silence, me: string, leaseSeconds: number): Standing {
  if (!lease) return "absent";
  if (lease.holder === undefined) return "free";
  if (lease.holder === me) return "mine";
  return seconds > (lease.seconds ?? leaseSeconds) ? "silent" : "theirs";
}
