import { DateTime } from "luxon";
import type { WindowApproval } from "../../components/config";

type Hours = Pick<WindowApproval, "days" | "from" | "to" | "zone">;

/** Days, hours and a time zone: from when to when it is open, in ms since the epoch. */
export interface Opening {
  readonly opens: number;
  readonly closes: number;
}

const DAYS = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"] as const;

const at = (day: DateTime, clock: string): DateTime => {
  const [hour, minute] = clock.split(":").map(Number) as [number, number];
  // "24:00" is 0:00 of the next day. A time that the clocks skip in spring is the one that they show instead.
  return hour === 24 ? day.plus({ days: 1 }).startOf("day") : day.set({ hour, minute });
};

/**
 * The opening that is at a time, or the first after it. Pure; it knows when the clocks change.
 *
 * @param now ms since the epoch
 */
export function openingAt({ days, from, to, zone }: Hours, now: number): Opening {
  const today = DateTime.fromMillis(now, { zone }).startOf("day");
  // From yesterday, whose window may last until today, to the week after next: the clocks may skip a whole window on its only day.
  for (let i = -1; i <= 15; i++) {
    const day = today.plus({ days: i }).startOf("day");
    if (!days.includes(DAYS[day.weekday - 1]!)) continue;
    const opens = at(day, from).toMillis();
    const closes = at(to > from ? day : day.plus({ days: 1 }).startOf("day"), to).toMillis();
    if (closes > now && closes > opens) return { opens, closes };
  }
  throw new RangeError(`No day of the next two weeks has the hours ${from} to ${to} in ${zone}.`);
}

/** Whether the window is open at a time. */
export const isOpen = (hours: Hours, now: number): boolean => openingAt(hours, now).opens <= now;

/** A time for a person, by the window's own clock: `Mon 09:00 Europe/Berlin`. */
export const clockOf = ({ zone }: Hours, time: number): string => `${DateTime.fromMillis(time, { zone }).setLocale("en").toFormat("ccc d LLL HH:mm")} ${zone}`;
