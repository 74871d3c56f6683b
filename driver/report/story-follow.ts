import { localFolder } from "../stack/engine";
import type { RolloutEvent } from "./events";
import type { Occasion } from "./listeners";
import { Story } from "./story";
import { factsOf, planOf } from "./story-facts";
import { StoryFolder } from "./story-file";
import type { StoryView } from "./story-view";

/**
 * Follows the events of a verb and knows which rollout they are of: the one that the verb found in the record, whose story it goes on
 * with, or one that it begins.
 */
export class StoryFollower {
  readonly folder: StoryFolder;
  private story: Story | undefined;
  private id: string | undefined;
  private heard = false;

  /** @param left told of a rollout that the verb has ended before it began another */
  constructor(private readonly occasion: Occasion, private readonly left: (id: string, story: Story) => void = () => undefined) {
    this.folder = new StoryFolder(localFolder(occasion.folder, occasion.stack));
    if (occasion.ledger.rollout) this.begin(occasion.ledger.rollout.id);
  }

  /** The rollout that is followed, once there is one of which something was heard. */
  get current(): { readonly id: string; readonly story: Story } | undefined {
    return this.heard && this.story && this.id !== undefined ? { id: this.id, story: this.story } : undefined;
  }

  /** Everything known by now; before a rollout has begun, what is known of the stack. */
  view(): StoryView {
    const { ledger } = this.occasion;
    return (this.story ?? new Story(factsOf(this.occasion))).snapshot(ledger.journal.filter(({ rollout }) => rollout === this.id));
  }

  hear(event: RolloutEvent): void {
    const { rollout } = this.occasion.ledger;
    if (event.event === "start" && event.id !== undefined && event.id !== this.id) this.begin(event.id);
    else if (!this.story && rollout) this.begin(rollout.id);
    // A verb that was refused has done nothing to the rollout that it found.
    if (!this.story || (!this.heard && event.event === "end" && event.outcome === "failed")) return;
    this.heard = true;
    if (rollout?.experiment && rollout.id === this.id) this.story.learn(planOf(this.occasion.config, rollout.experiment));
    this.story.hear(event);
    if (event.event === "end") this.conclude(this.id!, this.story, event.t);
  }

  /** The record knows how a rollout ended, also where the verb was called something else (a cleanup, say). */
  private conclude(id: string, story: Story, t: number): void {
    const entry = this.occasion.ledger.history.filter((e) => e.id === id).at(-1);
    if (entry) story.concluded(t, entry.outcome);
  }

  private begin(id: string): void {
    if (this.current) {
      this.conclude(this.current.id, this.current.story, Date.now() / 1000);
      this.left(this.current.id, this.current.story);
    }
    const { rollout } = this.occasion.ledger;
    const found = rollout?.id === id;
    const before = found ? this.folder.load(id) : undefined;
    this.story = before ?? new Story({ ...factsOf(this.occasion), ...(found ? {} : { started: Date.now() / 1000 }) });
    if (found && !before) this.story.lacks("It was begun by a driver elsewhere, or by one that could not write into this folder: curves and timeline begin where this one took over.");
    this.id = id;
    this.story.learn({ id });
    this.heard = false;
  }
}
