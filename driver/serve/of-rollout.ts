import type { RolloutEvent } from "../report/events";
import type { Occasion } from "../report/listeners";
import { RolloutMetrics, recordedBy } from "../report/metrics";
import { StoryFollower } from "../report/story-follow";
import type { StoryView } from "../report/story-view";
import type { DependencyHealth } from "../resilience/registry";
import { statusOf } from "../view/screen";
import type { Snapshot } from "../view/snapshot";
import { Viewer } from "../view/viewer";
import { troubleOf, type Exhibit } from "./exhibit";
import { Feed } from "./feed";
import { shared } from "./shared";
import type { Site } from "./site";

/** A rollout shown by the process that drives it: the page and the metrics by its events, the status as everybody else sees it. */
export class RolloutExhibit implements Exhibit {
  readonly stack: string;
  readonly feed: Feed;
  readonly page: () => Promise<string>;
  private readonly follower: StoryFollower;
  private readonly metrics: RolloutMetrics;
  private readonly viewer: Viewer;
  private readonly look: () => Promise<Snapshot>;

  constructor(private readonly occasion: Occasion, site: Site) {
    const { stack, config, ledger, flags } = occasion;
    this.stack = stack;
    this.follower = new StoryFollower(occasion);
    this.metrics = new RolloutMetrics({ stack: stack.split("/").pop()!, namespace: config.namespace, services: Object.keys(config.services) }, recordedBy(ledger), site.registry);
    // It has circuits of its own: what a reader of the status asks too often must not stop the rollout's calls.
    this.viewer = new Viewer(flags);
    this.look = shared(() => this.viewer.look({ traffic: true }));
    this.feed = new Feed(() => site.drawing.body(this.view()));
    this.page = shared(() => site.drawing.page(this.view()));
  }

  hear(event: RolloutEvent): void {
    this.follower.hear(event);
    this.metrics.hear(event);
    this.feed.changed();
  }

  view(): StoryView {
    return this.follower.view();
  }

  async status(): Promise<object> {
    const snapshot = await this.look();
    const { rollout } = this.occasion.ledger;
    // The driver knows its rollout also while the cluster, where it is recorded, cannot be asked.
    return statusOf(snapshot.rollout || snapshot.recorded !== undefined || !rollout ? snapshot : { ...snapshot, rollout });
  }

  dependencies(): readonly DependencyHealth[] {
    return this.occasion.dependencies.snapshot();
  }

  trouble(): string | undefined {
    return troubleOf(this.dependencies());
  }

  /** Tells those who follow how it ended, and lets them go. */
  async close(): Promise<void> {
    this.viewer.close();
    await this.feed.end();
  }
}
