import type { StackAt } from "../place";
import { runChecks, type Check, type Finding } from "./check";
import { backendChecks } from "./backend";
import { clusterChecks } from "./cluster";
import { factsOf } from "./facts";
import { localChecks } from "./local";
import { metricChecks } from "./metrics";
import { recordChecks } from "./record";

/** Milliseconds for each check; all run at once. */
const LIMIT = 20_000;

/** Every check of a stack, in the order in which they are shown. */
export function checksOf(at: StackAt): Check[] {
  const facts = factsOf(at);
  return [localChecks, backendChecks, clusterChecks, metricChecks, recordChecks].flatMap((make) => make(facts));
}

/** Examines a stack; changes nothing. Never rejects: what cannot be looked at is a finding. */
export const examine = (at: StackAt): Promise<Finding[]> => runChecks(checksOf(at), LIMIT);
