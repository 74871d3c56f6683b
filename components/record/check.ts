import { z } from "zod";
import { PHASES, PROMOTION_STEPS } from "./phases";

// What a rollout record must hold for everybody who reads it; written by hand, cut short or damaged, it must not steer a rollout. Keys
// that a newer driver adds are let through.

const text = z.string();
const time = z.string().refine((value) => !Number.isNaN(Date.parse(value)));
const percent = z.number().min(0).max(100);
const whole = z.int().min(0);

/** As the stack file has it; a text, a number that YAML made of one, or a map with the key version. */
const version = z.union([text, z.number(), z.looseObject({ version: z.union([text, z.number()]) })]);
const gate = z.looseObject({ metric: text, gate: text, answer: z.enum(["pass", "fail", "undecided", "not-applicable"]), sentence: text, service: text.optional(), value: z.number().optional(), limit: z.number().optional(), logE: z.number().optional(), logELimit: z.number().optional() });

const rollout = z.looseObject({
  id: text,
  version: text,
  from: text,
  phase: z.enum(PHASES),
  step: z.enum(PROMOTION_STEPS).optional(),
  stage: whole.optional(),
  stages: z.array(percent),
  weight: percent,
  startedAt: time,
  since: time,
  reason: text.optional(),
  seen: z.looseObject({ at: time, served: z.number().min(0).max(1).optional(), gates: z.array(gate) }).optional(),
  experiment: z.looseObject({ weight: percent, dwellSeconds: z.number().min(0) }).optional(),
  settings: z.record(text, z.looseObject({ name: text, text, value: z.unknown() })).optional(),
  sentHome: z.looseObject({ by: text, at: time }).optional(),
  behind: z.boolean().optional(),
});

const record = z.looseObject({
  format: z.literal(1),
  stack: text,
  generation: whole,
  keys: z.looseObject({ stable: version.optional(), canary: version.optional(), previous: version.optional(), weight: percent }),
  rollout: rollout.optional(),
  undo: z.looseObject({ version: text, until: time }).optional(),
  request: z.looseObject({ verb: z.enum(["hold", "rollback", "promote"]), by: text, at: time, reason: text.optional() }).optional(),
});

const history = z.looseObject({ id: text, version: text, from: text.optional(), kind: z.enum(["install", "rollout", "undo", "experiment"]), outcome: z.enum(["promoted", "rolled-back", "held", "interrupted", "failed", "measured"]), reason: text, startedAt: time, endedAt: time, by: text, generation: z.number() });
const journal = z.looseObject({ seq: z.number(), at: text, rollout: text, by: text, kind: z.enum(["intent", "verdict", "note", "end"]), message: text, weight: z.number().optional(), gates: z.array(gate).optional() });

/** The first key of a record that is not what it must be, e.g. `rollout.weight`; undefined when all are. */
export function wrongKey(value: unknown): string | undefined {
  const parsed = record.safeParse(value);
  return parsed.success ? undefined : parsed.error.issues[0]!.path.join(".");
}

export const isHistory = (value: unknown): boolean => history.safeParse(value).success;
export const isJournal = (value: unknown): boolean => journal.safeParse(value).success;

/** The counts among the values of something that should be a map of counts. */
export const countsIn = (value: unknown): Record<string, number> =>
  Object.fromEntries(Object.entries(typeof value === "object" && value !== null ? value : {}).filter((entry): entry is [string, number] => Number.isSafeInteger(entry[1]) && (entry[1] as number) >= 0));
