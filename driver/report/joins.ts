import type { Join } from "./listeners";
import { keepStory } from "./story-keeper";

/** Everybody who may listen to a verb; each decides by config, flags and environment whether it does. */
export const JOINS: readonly Join[] = [keepStory];
