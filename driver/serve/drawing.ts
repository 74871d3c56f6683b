import * as path from "node:path";
import { Worker } from "node:worker_threads";
import type { StoryView } from "../report/story-view";

export interface Order {
  readonly id: number;
  readonly kind: "page" | "body";
  readonly view: StoryView;
}

export type Drawn = { readonly id: number; readonly html: string } | { readonly id: number; readonly error: string };

interface Waiting {
  readonly resolve: (html: string) => void;
  readonly reject: (error: Error) => void;
}

/** Milliseconds that a drawing may take, those before it included; some hundred are usual. */
const PATIENCE = 20_000;

/** Draws pages beside the process's own work: charts take some hundred milliseconds, in which a driver could revert nothing. */
export class Drawing {
  private worker: Worker | undefined;
  private readonly waiting = new Map<number, Waiting>();
  private next = 0;

  /** A whole live page. */
  page = (view: StoryView): Promise<string> => this.draw("page", view);

  /** What a live page swaps in. */
  body = (view: StoryView): Promise<string> => this.draw("body", view);

  async close(): Promise<void> {
    await this.worker?.terminate();
  }

  private draw(kind: Order["kind"], view: StoryView): Promise<string> {
    const id = this.next++;
    const worker = (this.worker ??= this.start());
    return new Promise<string>((resolve, reject) => {
      // One that hangs is ended, with all that waits for it; the next order starts another.
      const late = setTimeout(() => void worker.terminate(), PATIENCE).unref();
      const done = <T>(act: (value: T) => void) => (value: T): void => {
        clearTimeout(late);
        act(value);
      };
      this.waiting.set(id, { resolve: done(resolve), reject: done(reject) });
      worker.postMessage({ id, kind, view } satisfies Order);
    });
  }

  private start(): Worker {
    const worker = new Worker(path.join(__dirname, "draw-worker.js"), { env: {}, resourceLimits: { maxOldGenerationSizeMb: 256 } });
    worker.unref();
    worker.on("message", (drawn: Drawn) => {
      const { resolve, reject } = this.waiting.get(drawn.id) ?? {};
      this.waiting.delete(drawn.id);
      "html" in drawn ? resolve?.(drawn.html) : reject?.(new Error(drawn.error));
    });
    // What it could not do is told to those who wait when it is gone.
    worker.on("error", () => undefined);
    worker.on("exit", () => {
      if (this.worker === worker) this.worker = undefined;
      const left = [...this.waiting.values()];
      this.waiting.clear();
      left.forEach(({ reject }) => reject(new Error("the page could not be drawn")));
    });
    return worker;
  }
}
