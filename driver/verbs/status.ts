import pc from "picocolors";
import { EXIT } from "../errors";
import { endingOf, exitOf, follower, type Followed } from "../view/ending";
import { quitSignal } from "../view/quit";
import { render } from "../view/render";
import { LOG_WIDTH, statusJson, watchScreen } from "../view/screen";
import { tableLines } from "../view/table";
import { Viewer } from "../view/viewer";
import type { CommonOptions } from "./session";

export interface StatusFlags {
  /** Go on looking, once a second. */
  readonly watch?: boolean;
  /** With `watch`: end when the rollout under way does, with the exit code of how it ended. */
  readonly untilEnd?: boolean;
}

async function once(viewer: Viewer, json: boolean | undefined): Promise<number> {
  const snapshot = await viewer.look();
  const { isTTY, columns = 80 } = process.stdout;
  process.stdout.write(`${json ? statusJson(snapshot) : render(snapshot, { width: isTTY ? columns : LOG_WIDTH, ...(isTTY ? { colours: pc } : {}) }).join("\n")}\n`);
  // A script that asks what is deployed must not take silence for an answer.
  return snapshot.deployed ? EXIT.done : EXIT.failed;
}

/** Says how the rollout ended that was followed; returns its exit code. */
async function tell(viewer: Viewer, { how, id }: Followed, json: boolean | undefined): Promise<number> {
  const say = (outcome: string | undefined, message: string): void =>
    void process.stdout.write(json ? `${JSON.stringify({ event: "end", ...(outcome ? { outcome } : {}), message })}\n` : `${tableLines([[message]], process.stdout.columns ?? LOG_WIDTH).join("\n")}\n`);
  if (how === "none") {
    say(undefined, "No rollout is under way.");
    return EXIT.done;
  }
  if (how === "held") {
    say("held", "The rollout is held for review, and its driver has left.");
    return EXIT.held;
  }
  const entry = (await viewer.book()).history.filter((e) => e.id === id).at(-1);
  say(entry?.outcome, endingOf(entry));
  return exitOf(entry);
}

async function watching(viewer: Viewer, { json, untilEnd }: CommonOptions & StatusFlags): Promise<number> {
  const { signal, off } = quitSignal();
  const follow = follower();
  let end: Followed | undefined;
  try {
    await watchScreen(() => viewer.look(), {
      out: process.stdout,
      signal,
      ...(json ? { json } : {}),
      last: async (snapshot) => {
        end = untilEnd ? follow(snapshot) : undefined;
        return end !== undefined;
      },
    });
    return end ? await tell(viewer, end, json) : EXIT.done;
  } finally {
    off();
  }
}

/**
 * Shows what is deployed and what goes on, once or again and again; changes nothing.
 *
 * @returns 0, with `untilEnd` how the rollout ended (0 when none was under way), and 1 when a single look could not read what is deployed
 * @throws UsageError when the project, the stack file or the stack is not there
 */
export async function status(options: CommonOptions & StatusFlags): Promise<number> {
  const viewer = new Viewer(options);
  try {
    return options.watch ? await watching(viewer, options) : await once(viewer, options.json);
  } finally {
    viewer.close();
  }
}
