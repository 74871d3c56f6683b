import { expect } from "chai";
import * as fc from "fast-check";
import { clockOf, isOpen, openingAt } from "../../../../driver/approvals/window";

const DAYS = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"] as const;
const OFFICE = { days: ["mon", "tue", "wed", "thu"] as (typeof DAYS)[number][], from: "09:00", to: "16:00", zone: "Europe/Berlin" };
const open = (at: string, hours: typeof OFFICE = OFFICE): boolean => isOpen(hours, Date.parse(at));
const opens = (at: string, hours: typeof OFFICE = OFFICE): string => new Date(openingAt(hours, Date.parse(at)).opens).toISOString();

describe("a window of days and hours", () => {
  it("is open on its days from its first to before its last minute, by its own clock", () => {
    // Monday 5 January 2026; Berlin is an hour before UTC in winter.
    expect(["07:59", "08:00", "14:59", "15:00"].map((time) => open(`2026-01-05T${time}:59Z`))).to.deep.equal([false, true, true, false]);
    expect(open("2026-01-09T10:00:00Z")).to.equal(false);
    expect(open("2026-07-06T07:00:00Z")).to.equal(true);
  });

  it("opens next on the next of its days", () => {
    expect(opens("2026-01-05T16:00:00Z")).to.equal("2026-01-06T08:00:00.000Z");
    expect(opens("2026-01-08T15:00:00Z")).to.equal("2026-01-12T08:00:00.000Z");
    expect(clockOf(OFFICE, openingAt(OFFICE, Date.parse("2026-01-08T15:00:00Z")).opens)).to.equal("Mon 12 Jan 09:00 Europe/Berlin");
  });

  it("keeps its hours by the wall clock when the clocks change", () => {
    // Spring forward on Sunday 29 March 2026, back on Sunday 25 October.
    expect(opens("2026-03-27T12:00:00Z")).to.equal("2026-03-30T07:00:00.000Z");
    expect(opens("2026-10-23T12:00:00Z")).to.equal("2026-10-26T08:00:00.000Z");
    const sunday = { ...OFFICE, days: ["sun"] as (typeof DAYS)[number][], from: "02:30", to: "04:00" };
    // 02:30 does not exist that day: it opens at 03:30, and closes at 04:00 all the same.
    expect(opens("2026-03-28T12:00:00Z", sunday)).to.equal("2026-03-29T01:30:00.000Z");
    expect(open("2026-03-29T01:45:00Z", sunday)).to.equal(true);
    expect(open("2026-03-29T02:00:00Z", sunday)).to.equal(false);
  });

  it("may last over midnight into a day that is none of its own, and all day", () => {
    const night = { ...OFFICE, days: ["fri"] as (typeof DAYS)[number][], from: "22:00", to: "06:00", zone: "UTC" };
    expect(["2026-01-09T21:59:00Z", "2026-01-09T22:00:00Z", "2026-01-10T05:59:00Z", "2026-01-10T06:00:00Z", "2026-01-10T23:00:00Z"].map((at) => open(at, night))).to.deep.equal([false, true, true, false, false]);
    const saturday = { ...OFFICE, days: ["sat"] as (typeof DAYS)[number][], from: "00:00", to: "24:00", zone: "Pacific/Auckland" };
    expect(open("2026-01-09T11:00:00Z", saturday)).to.equal(true);
    expect(open("2026-01-10T11:00:00Z", saturday)).to.equal(false);
  });

  it("does not open on the day on which the clocks skip all of it", () => {
    const skipped = { ...OFFICE, days: ["sun"] as (typeof DAYS)[number][], from: "02:30", to: "03:10" };
    expect(opens("2026-03-23T00:00:00Z", skipped)).to.equal("2026-04-05T00:30:00.000Z");
  });

  it("is open at the time at which it opens next, and never closed for a whole week and an hour", () => {
    const clock = fc.tuple(fc.integer({ min: 0, max: 23 }), fc.integer({ min: 0, max: 59 })).map(([h, m]) => `${String(h).padStart(2, "0")}:${String(m).padStart(2, "0")}`);
    const hours = fc.record({ days: fc.subarray([...DAYS], { minLength: 1 }), from: clock, to: clock, zone: fc.constantFrom("Europe/Berlin", "America/New_York", "Asia/Kathmandu", "Pacific/Apia", "Australia/Lord_Howe", "UTC") }).filter(({ from, to }) => from !== to);
    fc.assert(fc.property(hours, fc.integer({ min: Date.parse("2020-01-01"), max: Date.parse("2035-01-01") }), (window, now) => {
      const { opens: from, closes } = openingAt(window, now);
      expect(closes).to.be.greaterThan(now);
      expect(closes).to.be.greaterThan(from);
      expect(isOpen(window, Math.max(now, from))).to.equal(true);
      expect(isOpen(window, now)).to.equal(from <= now);
      if (from > now) expect(from - now).to.be.at.most(8 * 24 * 3600_000);
      if (from > now) expect(isOpen(window, from - 1)).to.equal(false);
    }), { numRuns: 300 });
  });
});
