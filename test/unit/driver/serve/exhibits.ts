import { renderPage } from "../../../../driver/pages";
import type { Exhibit } from "../../../../driver/serve/exhibit";
import { Feed, type FeedLimits } from "../../../../driver/serve/feed";
import { Story } from "../../../../driver/report/story";
import type { DependencyHealth } from "../../../../driver/resilience/registry";

export const CLUSTER: DependencyHealth = { name: "kubernetes", address: "https://10.0.0.1:6443", healthy: true, circuit: "closed", failures: 0 };

/** A stack that shows what a test says. */
export class FakeExhibit implements Exhibit {
  readonly feed: Feed;
  readonly story: Story;
  text = "<p>nothing yet</p>";
  wrong: string | undefined;
  answer: () => Promise<object> = async () => ({ event: "status", stack: this.stack });

  constructor(readonly stack: string, limits: FeedLimits = { every: 1, patience: 60_000 }) {
    this.feed = new Feed(async () => this.text, limits);
    this.story = new Story({ project: "canary", stack, namespace: "shop", verb: "deploy v2", services: ["shop"], version: "v2", from: "v1", started: 1000, stages: [{ weight: 5, dwellSeconds: 60 }], config: {} });
  }

  page = async (): Promise<string> => renderPage(this.view(), { live: true });
  view = () => this.story.snapshot();
  status = (): Promise<object> => this.answer();
  dependencies = (): readonly DependencyHealth[] => [CLUSTER];
  trouble = (): string | undefined => this.wrong;

  says(text: string): void {
    this.text = text;
    this.feed.changed();
  }
}
