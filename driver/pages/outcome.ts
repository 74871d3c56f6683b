import type { StoryView } from "../report/story-view";

/** How an outcome is shown: by a word and a sign, never by its colour alone. */
export interface Look {
  readonly word: string;
  readonly sign: string;
  readonly tone: "good" | "bad" | "wait" | "going";
}

const LOOKS: Readonly<Record<NonNullable<StoryView["outcome"]>, Look>> = {
  promoted: { word: "promoted", sign: "✔", tone: "good" },
  measured: { word: "measured", sign: "✔", tone: "good" },
  "rolled-back": { word: "rolled back", sign: "✘", tone: "bad" },
  failed: { word: "failed", sign: "✘", tone: "bad" },
  held: { word: "held", sign: "‖", tone: "wait" },
  interrupted: { word: "interrupted", sign: "‖", tone: "wait" },
};

export function lookOf({ outcome, ended, facts }: StoryView): Look {
  if (outcome) return LOOKS[outcome] ?? { word: String(outcome), sign: "•", tone: "wait" };
  if (ended !== undefined) return { word: "ended", sign: "•", tone: "wait" };
  return facts.id === undefined ? { word: "none under way", sign: "•", tone: "wait" } : { word: "under way", sign: "▶", tone: "going" };
}

/** Who gets the users' requests, in words. */
export function servedNow({ outcome, facts, now }: StoryView): string {
  const { version = "the canary", from = "stable" } = facts;
  if (outcome === "promoted") return `${version} gets all traffic`;
  const weight = now.weight ?? 0;
  if (weight === 0) return `${from} gets all traffic`;
  if (weight === 100) return `${version} gets all traffic`;
  return `${version} gets ${weight} %, ${from} the rest`;
}
