import type { StoryView } from "../report/story-view";
import type { Ink, Span } from "./chart";
import { outOf100 } from "./format";

/** Seconds shown at least, so that the first curves are no dots. */
const LEAST = 30;

/** The time that all charts of a page show, with its stages and turns. */
export function spanOf({ facts, at, ended, stages, timeline }: StoryView): Span {
  const to = Math.max(ended ?? at, facts.started + LEAST);
  const bands = stages.map(({ weight, began, ended: end }) => ({ from: began, to: end ?? to, label: outOf100(weight) }));
  const turn = (event: "revert" | "promote", ink: Ink) => timeline.filter((entry) => entry.event === event).slice(0, 1).map(({ t }) => ({ t, ink }));
  return { from: facts.started, to, bands, marks: [...turn("revert", "bad"), ...turn("promote", "good")] };
}
