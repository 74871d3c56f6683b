import { setTimeout as sleep } from "node:timers/promises";
import type { PrometheusSource } from "../../analysis";
import type { RolloutEvent } from "../report/events";
import { RolloutMetrics } from "../report/metrics";
import { Story } from "../report/story";
import { planOf } from "../report/story-facts";
import type { StoryView } from "../report/story-view";
import { Dependencies, type DependencyHealth } from "../resilience/registry";
import { openPrometheus } from "../resilience/prometheus";
import type { Settings } from "../settings";
import { projectOf } from "../stack/engine";
import { StackFile } from "../stack/file";
import type { Place, StackAt } from "../view/place";
import { statusOf } from "../view/screen";
import type { Snapshot } from "../view/snapshot";
import { Viewer } from "../view/viewer";
import { LONG, troubleOf, type Exhibit } from "./exhibit";
import { Feed } from "./feed";
import { shared } from "./shared";
import { Sampler } from "./sampler";
import type { Site } from "./site";
import { Tale, type Chapter } from "./tale";

/** Milliseconds between two looks. */
const EVERY = 1000;

/** A stack shown by its record, whoever drives its rollouts: one after the other, as long as the process lives. */
export class RecordExhibit implements Exhibit {
  readonly stack: string;
  readonly feed: Feed;
  readonly page: () => Promise<string>;
  private readonly viewer: Viewer;
  private readonly tale = new Tale();
  private readonly metrics: RolloutMetrics;
  private readonly source: PrometheusSource | undefined;
  private story: Story;
  private chapter: Chapter | undefined;
  private sampler: Sampler | undefined;
  private sampledAt = 0;
  private snapshot: Snapshot | undefined;
  private lookedAt = Date.now();
  /** Why the latest look came to nothing. */
  private failure: string | undefined;

  /** @throws UsageError when the project or the stack file cannot be read */
  constructor(private readonly at: StackAt, private readonly place: Place, site: Site) {
    this.stack = at.stack;
    this.viewer = new Viewer(at);
    const config = place.file.read();
    const { prometheus } = config.analysis;
    // What is asked for curves is counted apart from what the status says of the server.
    this.source = prometheus.length > 0 ? openPrometheus(prometheus, new Dependencies({ ...place.dependencies.settings, tries: 1 })) : undefined;
    this.metrics = new RolloutMetrics({ stack: at.stack.split("/").pop()!, namespace: config.namespace, services: Object.keys(config.services) }, () => ({ ...(this.chapter ? { rollout: this.chapter } : {}), rollbacks: this.viewer.seen?.rollbacks ?? {}, unwritten: false }), site.registry);
    this.story = this.begin();
    this.feed = new Feed(() => site.drawing.body(this.view()));
    this.page = shared(() => site.drawing.page(this.view()));
  }

  /** Looks once a second until the signal aborts. Never rejects. */
  async follow(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const began = Date.now();
      await this.look().catch((cause: Error) => {
        if (this.failure !== cause.message) this.feed.changed();
        this.failure = cause.message;
      });
      await sleep(Math.max(0, began + EVERY - Date.now()), undefined, { signal }).catch(() => undefined);
    }
  }

  /** Looks once. @throws UsageError when there is no such stack, or no cluster can be chosen */
  async look(): Promise<void> {
    const before = this.view().missing.join();
    const snapshot = await this.viewer.look({ traffic: true });
    [this.snapshot, this.lookedAt, this.failure] = [snapshot, Date.now(), undefined];
    const news = (await this.read()) || (await this.sample());
    if (news || this.view().missing.join() !== before) this.feed.changed();
  }

  view(): StoryView {
    const view = this.story.snapshot(this.viewer.seen?.journal ?? []);
    return { ...view, missing: [...view.missing, ...(this.failure === undefined ? (this.snapshot?.unknown ?? []) : [this.failure])] };
  }

  async status(): Promise<object> {
    return this.snapshot ? statusOf(this.snapshot) : {};
  }

  dependencies(): readonly DependencyHealth[] {
    return this.snapshot?.dependencies ?? [];
  }

  trouble(): string | undefined {
    const away = (Date.now() - this.lookedAt) / 1000;
    if (away >= LONG) return `The stack ${this.stack} could not be looked at for ${Math.floor(away)} s${this.failure === undefined ? "." : `: ${this.failure}`}`;
    return troubleOf(this.dependencies());
  }

  close(): void {
    void this.feed.end();
    this.viewer.close();
    this.source?.close();
  }

  private hear(event: RolloutEvent): void {
    this.story.hear(event);
    this.metrics.hear(event);
  }

  /** Tells what is new in the record; true when something is. */
  private async read(): Promise<boolean> {
    if (!this.viewer.seen) return false;
    const { chapter, fresh, left, events } = this.tale.hear(this.viewer.seen);
    if (left) this.hear(left);
    this.chapter = chapter;
    if (fresh) {
      this.story = this.begin();
      await this.catchUp();
    }
    events.forEach((event) => this.hear(event));
    return fresh || events.length > 0;
  }

  private begin(): Story {
    const { chapter } = this;
    const file = new StackFile(this.at.cwd, this.at.stack, this.place.settings);
    // Flags and variables that it was started with.
    file.continueWith((this.viewer.seen?.record?.rollout?.settings ?? {}) as Settings);
    const config = file.read();
    const known = chapter ? { id: chapter.id, version: chapter.version, ...(chapter.from === undefined ? {} : { from: chapter.from }) } : {};
    this.sampler = chapter && this.source ? new Sampler(config, { stable: chapter.from ?? chapter.version, canary: chapter.version }, this.source) : undefined;
    return new Story({ project: projectOf(this.at.cwd).name, stack: this.stack, verb: chapter ? `${chapter.experiment ? "experiment" : "deploy"} ${chapter.version}` : "serve", ...planOf(config, chapter?.experiment), ...known, started: chapter ? Date.parse(chapter.startedAt) / 1000 : Date.now() / 1000 });
  }

  private get underWay(): boolean {
    return this.viewer.seen?.record?.rollout !== undefined;
  }

  /** The curves since the rollout began, for a server that was started later. Of one that has ended nothing is asked: who knows what served since. */
  private async catchUp(): Promise<void> {
    this.sampledAt = Date.now();
    if (!this.sampler || !this.underWay) return;
    for await (const { t, samples } of this.sampler.since(Date.parse(this.chapter!.startedAt) / 1000)) this.sampled(t, samples);
  }

  /** What was served since the latest scrape; true when there is something. */
  private async sample(): Promise<boolean> {
    const { scrapeIntervalSeconds } = this.place.file.read().analysis;
    if (!this.sampler || !this.underWay || Date.now() - this.sampledAt < scrapeIntervalSeconds * 1000) return false;
    this.sampledAt = Date.now();
    return this.sampled(Date.now() / 1000, await this.sampler.look());
  }

  private sampled(t: number, samples: NonNullable<RolloutEvent["samples"]>): boolean {
    if (samples.length === 0) return false;
    const { phase, weight } = this.viewer.seen!.record!.rollout!;
    this.hear({ t, event: "observe", samples, message: `${phase} at weight ${weight}` });
    return true;
  }
}
