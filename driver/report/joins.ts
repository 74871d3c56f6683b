import { notifier } from "../notify/join";
import type { Join } from "./listeners";

/** Everybody who may listen to a verb; each decides by config, flags and environment whether it does. */
export const JOINS: readonly Join[] = [notifier(process.env)];
