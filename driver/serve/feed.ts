import type { ServerResponse } from "node:http";

export interface FeedLimits {
  /** Milliseconds between two messages at least. */
  readonly every: number;
  /** Milliseconds after which a reader that takes nothing is let go. */
  readonly patience: number;
}

export const FEED_LIMITS: FeedLimits = { every: 1000, patience: 30_000 };

/** Milliseconds between two signs of life, by which both sides and whatever is between them know that the connection is there. */
const ALIVE = 15_000;

interface Reader {
  readonly response: ServerResponse;
  /** What it was sent last. */
  sent: string | undefined;
  /** Since when it has taken nothing, by the clock; undefined while it keeps up. */
  stuckSince: number | undefined;
}

/** A message as server-sent events write it: one `data:` a line. */
export const messageOf = (text: string, event?: string): string => `${event === undefined ? "" : `event: ${event}\n`}${text.split(/\r\n|\r|\n/).map((line) => `data: ${line}\n`).join("")}\n`;

/**
 * Sends the latest text to everybody who reads it, at most once in a while. A slow reader misses what came in between: no more than one
 * message waits for it.
 */
export class Feed {
  private readonly readers = new Set<Reader>();
  private timer: NodeJS.Timeout | undefined;
  private readonly alive: NodeJS.Timeout;
  private last = 0;
  private over = false;

  /** @param render the text as it is now; called once for all readers */
  constructor(private readonly render: () => string, private readonly limits: FeedLimits = FEED_LIMITS) {
    this.alive = setInterval(() => this.keepAlive(), Math.min(ALIVE, limits.patience)).unref();
  }

  get size(): number {
    return this.readers.size;
  }

  /** Adds a reader, whose headers are sent; it gets the latest text at once. */
  add(response: ServerResponse): void {
    const reader: Reader = { response, sent: undefined, stuckSince: undefined };
    this.readers.add(reader);
    response.on("close", () => this.readers.delete(reader));
    response.on("error", () => this.readers.delete(reader));
    response.on("drain", () => {
      reader.stuckSince = undefined;
      this.changed();
    });
    this.send(reader, this.render());
    if (this.over) this.release(reader);
  }

  /** Something is new: it is sent as soon as it may be. */
  changed(): void {
    if (this.over || this.timer !== undefined || this.readers.size === 0) return;
    this.timer = setTimeout(() => this.flush(), Math.max(0, this.last + this.limits.every - Date.now())).unref();
  }

  /** Sends what is new a last time, says that nothing more will come, and lets everybody go. */
  end(): void {
    if (this.over) return;
    this.flush();
    this.over = true;
    clearInterval(this.alive);
    for (const reader of this.readers) this.release(reader);
  }

  private flush(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
    this.last = Date.now();
    if (this.readers.size === 0) return;
    const text = this.render();
    for (const reader of this.readers) this.send(reader, text);
  }

  private send(reader: Reader, text: string): void {
    // What it has not taken yet is followed by the latest, once it has.
    if (reader.response.writableNeedDrain || reader.sent === text) return;
    reader.sent = text;
    if (!reader.response.write(messageOf(text))) reader.stuckSince ??= Date.now();
  }

  private release({ response }: Reader): void {
    response.end(messageOf("", "end"));
  }

  private keepAlive(): void {
    for (const { response, stuckSince } of this.readers) {
      if (stuckSince !== undefined && Date.now() - stuckSince >= this.limits.patience) response.destroy();
      else if (!response.writableNeedDrain) response.write(": \n\n");
    }
  }
}
