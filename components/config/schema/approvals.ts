import { z } from "zod";
import { duration, oneOf, text, whole } from "./common";
import { addressed, hasOneAddress, ONE_ADDRESS } from "./secrets";

/** Longer than any timer: 20 days. */
const LONGEST = 480 * 3600;

const deadline = (fallback: string) => duration.refine((value) => value >= 1 && value <= LONGEST, { error: "it must be from 1s to 480h" }).prefault(fallback)
  .describe("Time from the question on after which nobody is waited for any more.");
const consequence = oneOf(["hold", "rollback"]).default("hold");

const common = {
  before: z.union([z.literal("promotion"), whole(1, 100)], { error: "it must be promotion, or a weight from 1 to 100" }).default("promotion")
    .describe("What is not done without it: the promotion, or the first stage of this weight (percent) or a higher one; where no stage has it, the promotion."),
  onDeadline: consequence.describe("What happens when the deadline passes without an answer."),
};
const onNo = consequence.describe("What a no does.");

const webhook = z.strictObject({
  kind: z.literal("webhook").describe("A server is asked with all facts, and says yes, no, or that it does not know yet."),
  ...addressed,
  every: duration.refine((value) => value >= 1 && value <= 600, { error: "it must be from 1s to 10m" }).prefault("30s").describe("Time between two questions, until there is an answer."),
  ...common,
  onNo,
  deadline: deadline("1h"),
}).refine(hasOneAddress, { error: ONE_ADDRESS }).transform(({ every, ...rest }) => ({ ...rest, everySeconds: every }));

const DAYS = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"] as const;
const CLOCK = /^([01]\d|2[0-3]):[0-5]\d$/;

const window = z.strictObject({
  kind: z.literal("window").describe("Days and hours in which it may be done."),
  days: z.array(oneOf(DAYS), { error: `it must be a list of ${DAYS.join(", ")}` }).min(1, { error: "it must have at least one day" }).default([...DAYS])
    .describe("Days on which the window opens. Default all."),
  from: text(CLOCK, 'it must be a time such as "09:00", in quotes').default("00:00").describe("When it opens, by the clock of `zone`."),
  to: z.string({ error: 'it must be a time such as "16:00", in quotes' }).refine((value) => CLOCK.test(value) || value === "24:00", { error: 'it must be a time such as "16:00", in quotes' }).default("24:00")
    .describe("When it closes; a time before `from` is on the day after."),
  zone: z.string({ error: "it must be an IANA time zone such as Europe/Berlin" }).refine(isZone, { error: "it must be an IANA time zone such as Europe/Berlin" }).describe("IANA time zone, e.g. `Europe/Berlin` or `UTC`."),
  ...common,
  deadline: deadline("72h"),
}).refine(({ from, to }) => from !== to, { path: ["to"], error: "it must differ from `from`" });

const person = z.strictObject({
  kind: z.literal("person").describe("A person: the one at the terminal, or `canary promote` from anywhere. --yes answers beforehand."),
  ...common,
  onNo,
  deadline: deadline("1h"),
});

function isZone(name: string): boolean {
  try {
    return /^[A-Za-z]/.test(name) && new Intl.DateTimeFormat("en", { timeZone: name }) instanceof Intl.DateTimeFormat;
  } catch {
    return false;
  }
}

const approval = z.discriminatedUnion("kind", [webhook, window, person], { error: "it must be one of webhook, window, person" }).transform(({ deadline, ...rest }) => ({
  ...rest,
  deadlineSeconds: deadline,
}));

/** Who must say yes, by name. */
export const approvals = z.record(text(/^[a-z]([-a-z0-9]*[a-z0-9])?$/, 'it must be a name of lower-case letters, digits and "-" that starts with a letter', 40), approval, {
  error: "it must be a map from names to approvals",
}).default({}).describe("Who must say yes before the promotion or a stage, by name: all of them. Meanwhile the canary is watched, and goes home when it fails.");
