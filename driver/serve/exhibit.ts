import type { DependencyHealth } from "../resilience/registry";
import type { StoryView } from "../report/story-view";
import type { Feed } from "./feed";

/** A stack as the server shows it. */
export interface Exhibit {
  /** Name of the stack. */
  readonly stack: string;
  view(): StoryView;
  /** The whole live page of it. */
  readonly page: () => Promise<string>;
  /** Follows the view, as the page swaps it in. */
  readonly feed: Feed;
  /** What `canary status --json` prints, as an object. Rejects with a DriverError when it cannot be told. */
  status(): Promise<object>;
  dependencies(): readonly DependencyHealth[];
  /** Why the process cannot do its work for this stack, in one sentence; undefined while it can. */
  trouble(): string | undefined;
}

/** Seconds for which the cluster may stay away before the process counts as unwell: a restart of an API server takes less. */
export const LONG = 60;

/** Why a process that depends on these cannot do its work: the cluster has not answered for long. What else is away only makes it hold. */
export function troubleOf(dependencies: readonly DependencyHealth[], now = Date.now()): string | undefined {
  for (const { name, healthy, since, lastError } of dependencies) {
    const away = since === undefined ? 0 : (now - Date.parse(since)) / 1000;
    if (name === "kubernetes" && !healthy && away >= LONG) return `The cluster has not answered for ${Math.floor(away)} s${lastError ? `: ${lastError}` : "."}`;
  }
  return undefined;
}
