import type { RecordedRollout, RolloutRecord } from "../../../../components/record/format";
import type { Book } from "../../../../driver/record/store";

/** A rollout under way at weight 50, with changes. */
export const rollout = (changes: Partial<RecordedRollout> = {}): RecordedRollout => ({
  id: "v2-1", version: "v2", from: "v1", phase: "observing", stage: 1, stages: [5, 50, 100], weight: 50,
  startedAt: "2026-01-01T00:00:00.000Z", since: "2026-01-01T00:01:00.000Z", ...changes,
});

export const book = (of?: RecordedRollout, changes: Partial<Book> = {}): Book => {
  const record: RolloutRecord = { format: 1, stack: "demo", generation: 3, keys: { stable: "v1", canary: "v2", weight: 50 }, ...(of ? { rollout: of } : {}) };
  return { record, journal: [], history: [], rollbacks: {}, ...changes };
};
