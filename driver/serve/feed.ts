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

/** Of the time, so much may be spent on drawing: one part in this many. */
const SPARE = 4;

/**
 * Sends the latest text to everybody who reads it, at most once in a while. A slow reader misses what came in between: no more than one
 * message waits for it.
 */
export class Feed {
  private readonly readers = new Set<Reader>();
  private readonly alive: NodeJS.Timeout;
  private timer: NodeJS.Timeout | undefined;
  private drawing: Promise<void> | undefined;
  /** Something has changed since what is being drawn. */
  private stale = false;
  private text: string | undefined;
  /** Before then nothing is drawn, by the clock. */
  private notBefore = 0;
  private ending: Promise<void> | undefined;

  /** @param render the text as it is now; asked once for all readers. Where it rejects, the next change is waited for */
  constructor(private readonly render: () => Promise<string>, private readonly limits: FeedLimits = FEED_LIMITS) {
    this.alive = setInterval(() => this.keepAlive(), Math.min(ALIVE, limits.patience)).unref();
  }

  get size(): number {
    return this.readers.size;
  }

  /** Adds a reader, whose headers are sent. */
  add(response: ServerResponse): void {
    const reader: Reader = { response, sent: undefined, stuckSince: undefined };
    this.readers.add(reader);
    response.on("close", () => this.readers.delete(reader));
    response.on("error", () => this.readers.delete(reader));
    response.on("drain", () => {
      reader.stuckSince = undefined;
      this.send(reader);
    });
    this.send(reader);
    if (this.ending) this.release(reader);
    else this.changed();
  }

  /** Something is new: it is sent as soon as it may be. */
  changed(): void {
    this.stale = true;
    if (this.ending || this.timer !== undefined || this.drawing || this.readers.size === 0) return;
    this.timer = setTimeout(() => this.draw(), Math.max(0, this.notBefore - Date.now())).unref();
  }

  /** Sends what is new a last time, says that nothing more will come, and lets everybody go; resolves when that is written. */
  end(): Promise<void> {
    return (this.ending ??= this.conclude());
  }

  private async conclude(): Promise<void> {
    clearTimeout(this.timer);
    clearInterval(this.alive);
    await this.drawing;
    if (this.stale && this.readers.size > 0) await this.draw();
    for (const reader of this.readers) this.release(reader);
  }

  private draw(): Promise<void> {
    const began = Date.now();
    this.timer = undefined;
    this.stale = false;
    this.drawing = this.render().then((text) => {
      this.text = text;
      for (const reader of this.readers) this.send(reader);
    }, () => undefined).finally(() => {
      this.drawing = undefined;
      this.notBefore = began + Math.max(this.limits.every, SPARE * (Date.now() - began));
      if (this.stale) this.changed();
    });
    return this.drawing;
  }

  private send(reader: Reader): void {
    // What it has not taken yet is followed by the latest, once it has.
    if (this.text === undefined || reader.response.writableNeedDrain || reader.sent === this.text) return;
    reader.sent = this.text;
    if (!reader.response.write(messageOf(this.text))) reader.stuckSince ??= Date.now();
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
