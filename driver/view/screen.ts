import { setTimeout as sleep } from "node:timers/promises";
import logUpdate from "log-update";
import pc from "picocolors";
import { notesOf } from "./notes";
import { footer, render } from "./render";
import { essence, type Snapshot } from "./snapshot";

/** Milliseconds between two looks. */
const EVERY = 1000;

/** Characters of a line where there is no terminal. */
export const LOG_WIDTH = 120;

export interface ScreenOptions {
  readonly out: NodeJS.WriteStream;
  readonly json?: boolean;
  /** Stops the view. */
  readonly signal: AbortSignal;
  /** Asked after every look: whether it was the last. */
  readonly last?: (snapshot: Snapshot) => boolean | Promise<boolean>;
  /** Milliseconds between two looks. Default 1000. */
  readonly every?: number;
}

/** A snapshot for programs, with what is to be said of it. */
export const statusOf = (snapshot: Snapshot): object => ({ event: "status", ...snapshot, notes: notesOf(snapshot) });

/** The same as one JSON object. */
export const statusJson = (snapshot: Snapshot): string => JSON.stringify(statusOf(snapshot));

/** Draws on a terminal, over what was drawn before. */
function drawer(out: NodeJS.WriteStream): { show(snapshot: Snapshot): void; end(): void } {
  const draw = logUpdate.create(out);
  let shown: Snapshot | undefined;
  const show = (snapshot: Snapshot): void => {
    shown = snapshot;
    const { columns = 80, rows = 24 } = out;
    // Two lines less than there are: the foot, and the one on which the cursor stands.
    draw([...render(snapshot, { width: columns, rows: rows - 3, colours: pc }), "", footer(snapshot, pc)].join("\n"));
  };
  const redraw = (): void => {
    // The terminal has broken the old lines anew, so that nobody knows how many there are to draw over.
    out.write("\x1b[2J\x1b[H");
    draw.clear();
    if (shown) show(shown);
  };
  out.on("resize", redraw);
  return {
    show,
    end() {
      out.off("resize", redraw);
      draw.done();
    },
  };
}

/** Prints a snapshot where nobody draws: the first, and each that differs. */
function printer(out: NodeJS.WriteStream, json: boolean): { show(snapshot: Snapshot): void; end(): void } {
  let before: string | undefined;
  return {
    show(snapshot) {
      const now = essence(snapshot);
      if (now === before) return;
      const text = json ? statusJson(snapshot) : `${before === undefined ? "" : "\n"}${[...render(snapshot, { width: LOG_WIDTH }), footer(snapshot, pc).split(" · ")[0]].join("\n")}`;
      before = now;
      out.write(`${text}\n`);
    },
    end: () => undefined,
  };
}

/**
 * Looks again and again and shows what is seen, on a terminal in one place, elsewhere whenever something has changed. Ends when the signal
 * aborts, or after the last snapshot. Rejects with what a look throws.
 */
export async function watchScreen(look: () => Promise<Snapshot>, { out, json = false, signal, last, every = EVERY }: ScreenOptions): Promise<void> {
  const view = out.isTTY && !json ? drawer(out) : printer(out, json);
  try {
    while (!signal.aborted) {
      const began = Date.now();
      const snapshot = await look();
      if (signal.aborted) return;
      view.show(snapshot);
      if (await last?.(snapshot)) return;
      await sleep(Math.max(0, began + every - Date.now()), undefined, { signal }).catch(() => undefined);
    }
  } finally {
    view.end();
  }
}
