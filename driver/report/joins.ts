import { notifier } from "../notify/join";
import type { Join } from "./listeners";
import { keepStory } from "./story-keeper";

/** Loaded when it is wanted only: what draws pages is large. */
const status: Join = async (occasion) => {
  const { listen } = occasion.flags;
  return listen && (await import("../serve/listener")).serveRollout(occasion, listen);
};

const pushed: Join = async (occasion) => {
  const { pushgateway } = occasion.config.metrics;
  return pushgateway === undefined ? undefined : new (await import("../serve/pushgateway")).PushedMetrics(pushgateway, occasion);
};

/** Everybody who may listen to a verb; each decides by config, flags and environment whether it does. */
export const JOINS: readonly Join[] = [notifier(process.env), keepStory, status, pushed];
