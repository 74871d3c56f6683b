import { setTimeout as sleep } from "node:timers/promises";
import { renderPage } from "../pages";
import type { RolloutEvent } from "./events";
import type { Join, Listener, Occasion } from "./listeners";
import type { Story } from "./story";
import { StoryFollower } from "./story-follow";

/** Milliseconds between two writes of the story, for a driver that takes over. */
const SAVE_EVERY = 5000;
/** Milliseconds that the disk is waited for at the end. */
const PATIENCE = 5000;

/** Keeps the story of a rollout in a file, and makes it a report at the end. A disk that is full costs the report and nothing else. */
class StoryKeeper implements Listener {
  private readonly follower: StoryFollower;
  private timer: NodeJS.Timeout | undefined;
  private writing: Promise<void> = Promise.resolve();
  private failed = false;

  constructor(private readonly occasion: Occasion) {
    this.follower = new StoryFollower(occasion, (id, story) => this.report(id, story));
  }

  hear(event: RolloutEvent): void {
    this.follower.hear(event);
    const { current, folder } = this.follower;
    if (!current) return;
    // Nobody waits for the file, which is written when the stack is free again: what is said last is how the rollout ended.
    const file = folder.report(current.id);
    if (event.event === "end" && file !== undefined) this.occasion.note(`Report: ${file}`);
    else if (event.event !== "end") this.timer ??= setTimeout(() => this.save(), SAVE_EVERY).unref();
  }

  async close(): Promise<void> {
    clearTimeout(this.timer);
    const { current } = this.follower;
    if (current) this.report(current.id, current.story);
    await Promise.race([this.writing, sleep(PATIENCE, undefined, { ref: false })]);
  }

  private save(): void {
    this.timer = undefined;
    const { current, folder } = this.follower;
    if (current) this.write(() => folder.save(current.id, current.story));
  }

  private report(id: string, story: Story): void {
    const { folder } = this.follower;
    const view = story.snapshot(this.occasion.ledger.journal.filter(({ rollout }) => rollout === id));
    this.write(async () => {
      await folder.save(id, story);
      await folder.writeReport(id, renderPage(view, { live: false }));
    });
  }

  /** One write after the other; the first that fails is told. */
  private write(act: () => Promise<void>): void {
    this.writing = this.writing.then(act).catch((error: Error) => {
      if (!this.failed) this.occasion.note(`The report of this rollout could not be written (${error.message}): \`canary report\` makes it from the record.`);
      this.failed = true;
    });
  }
}

/** Every rollout leaves a report in the project's folder. */
export const keepStory: Join = (occasion) => new StoryKeeper(occasion);
