import { createServer, type Server, type ServerResponse } from "node:http";
import { connect, type AddressInfo, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { expect } from "chai";
import { Feed, messageOf } from "../../../../driver/serve/feed";

/** Reads the body of a chunked answer as it comes. */
class Reader {
  text = "";
  private constructor(readonly socket: Socket) {
    socket.on("data", (part) => (this.text += part.toString())).on("error", () => undefined);
  }

  static async of(server: Server): Promise<Reader> {
    const socket = connect((server.address() as AddressInfo).port, "127.0.0.1");
    const reader = new Reader(socket);
    socket.write("GET / HTTP/1.1\r\nhost: x\r\n\r\n");
    return reader;
  }

  get messages(): string[] {
    return [...this.text.matchAll(/^data: (.*)$/gm)].map(([, data]) => data!);
  }
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await sleep(5);
}

describe("the feed of the live page", () => {
  let server: Server | undefined;
  let feed: Feed;
  let text: string;
  let renders: number;
  let responses: ServerResponse[];
  let draw: () => Promise<string>;

  async function start(limits: { every: number; patience: number }): Promise<void> {
    [text, renders, responses] = ["first", 0, []];
    draw = async () => (renders++, text);
    feed = new Feed(draw, limits);
    const made = createServer((_, response) => {
      responses.push(response);
      response.writeHead(200, { "content-type": "text/event-stream" });
      feed.add(response);
    });
    await new Promise<void>((ready) => made.listen(0, "127.0.0.1", ready));
    server = made;
  }
  const reading = (): Promise<Reader> => Reader.of(server!);
  afterEach(() => {
    if (!server?.listening) return;
    void feed.end();
    server.closeAllConnections();
    server.close();
  });

  const says = (now: string): void => {
    text = now;
    feed.changed();
  };

  it("writes a message as the format wants it, whatever line ends it has", () => {
    expect(messageOf("a\nb\r\nc\rd")).to.equal("data: a\ndata: b\ndata: c\ndata: d\n\n");
    expect(messageOf("", "end")).to.equal("event: end\ndata: \n\n");
  });

  it("greets a reader with the latest, sends each change, and nothing twice", async () => {
    await start({ every: 1, patience: 60_000 });
    const reader = await reading();
    await until(() => reader.messages.length === 1);
    says("second");
    await until(() => reader.messages.length === 2);
    says("second");
    await sleep(20);
    says("third");
    await until(() => reader.messages.includes("third"));
    expect(reader.messages).to.deep.equal(["first", "second", "third"]);
  });

  it("draws once for all readers and not more often than it may, the latest last", async () => {
    await start({ every: 300, patience: 60_000 });
    const readers = await Promise.all([reading(), reading(), reading()]);
    await until(() => readers.every(({ messages }) => messages.length === 1));
    says("now");
    await until(() => readers.every(({ messages }) => messages.includes("now")));
    const before = renders;
    for (let i = 0; i < 50; i++) says(`burst ${i}`);
    await until(() => readers.every(({ messages }) => messages.includes("burst 49")));
    expect(renders - before).to.equal(1);
    for (const { messages } of readers) expect(messages).to.deep.equal(["first", "now", "burst 49"]);
  });

  it("draws nothing while nobody reads", async () => {
    await start({ every: 1, patience: 60_000 });
    for (let i = 0; i < 5; i++) {
      says(`${i}`);
      await sleep(5);
    }
    expect(renders).to.equal(0);
  });

  it("draws one at a time, and goes on after one that failed", async () => {
    await start({ every: 1, patience: 60_000 });
    const waiting: { done(): void; fail(): void }[] = [];
    feed = new Feed(() => new Promise((done, fail) => waiting.push({ done: () => done(text), fail: () => fail(new Error("a bug")) })), { every: 1, patience: 60_000 });
    const reader = await reading();
    await until(() => waiting.length === 1);
    for (let i = 0; i < 5; i++) says(`${i}`);
    await sleep(20);
    expect(waiting).to.have.length(1);
    waiting[0]!.fail();
    await until(() => waiting.length === 2);
    waiting[1]!.done();
    await until(() => reader.messages.length === 1);
    expect(reader.messages).to.deep.equal(["4"]);
    expect(waiting).to.have.length(2);
  });

  it("keeps one message at most for a reader that is slow, goes on with the latest when it reads again, and delays nobody else", async () => {
    await start({ every: 1, patience: 60_000 });
    const slow = await reading();
    await until(() => slow.messages.length === 1);
    slow.socket.pause();
    const size = 4_000_000;
    const quick = await reading();
    for (const digit of "12345") {
      says(digit.repeat(size));
      await until(() => quick.text.includes(`data: ${digit}${digit}`));
    }
    expect(responses[0]!.writableLength).to.be.lessThan(2.5 * size);
    slow.socket.resume();
    await until(() => slow.text.includes(`data: ${"5".repeat(size)}\n`));
    await until(() => quick.text.includes(`data: ${"5".repeat(size)}\n`));
    expect(slow.messages.length).to.be.lessThan(quick.messages.length);
  });

  it("lets a reader go that takes nothing at all", async () => {
    await start({ every: 1, patience: 50 });
    const stuck = await reading();
    await until(() => feed.size === 1);
    stuck.socket.pause();
    says("x".repeat(20_000_000));
    await until(() => feed.size === 0);
    expect(responses[0]!.destroyed).to.equal(true);
  });

  it("forgets a reader that has left", async () => {
    await start({ every: 1, patience: 60_000 });
    const reader = await reading();
    await until(() => feed.size === 1);
    reader.socket.destroy();
    await until(() => feed.size === 0);
    says("nobody");
  });

  it("sends the last word, says that it was the last, and ends; who comes later gets both at once", async () => {
    await start({ every: 60_000, patience: 60_000 });
    const reader = await reading();
    await until(() => reader.messages.length === 1);
    says("last");
    await feed.end();
    await until(() => reader.text.includes("0\r\n\r\n"));
    expect(reader.messages).to.deep.equal(["first", "last", ""]);
    expect(reader.text).to.include("event: end");
    const late = await reading();
    await until(() => late.text.includes("0\r\n\r\n"));
    expect(late.messages).to.deep.equal(["last", ""]);
  });
});
