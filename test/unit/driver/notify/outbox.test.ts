import { expect } from "chai";
import type { NoticeKind } from "../../../../components/config";
import { NotTaken, Outbox, Throttled, Unwelcome, type OutboxOptions } from "../../../../driver/notify/outbox";
import { ServiceCalls, ServiceUnavailable } from "../../../../driver/resilience/policies";
import { Dependencies } from "../../../../driver/resilience/registry";

const away = (): never => {
  throw new ServiceUnavailable("It is away.");
};

/** An outbox whose server does what `serve` does with each message. */
function box(serve: (name: string, signal: AbortSignal) => unknown, options: Partial<OutboxOptions> = {}) {
  const dependencies = new Dependencies({ tries: 2, retryDelay: 0.002, retryFactor: 1, circuitFailures: 5, circuitReset: 0.02 });
  const account = dependencies.register("channel", "http://channel");
  const calls = new ServiceCalls("The channel", account, dependencies.settings, { timeout: 1, total: 5, parallelism: 1 });
  const outbox = new Outbox({ title: "the channel", calls, account, rest: 0.02, ...options });
  const served: string[] = [];
  const put = (name: string, kind: NoticeKind = "stage"): void => outbox.put({ kind, send: async (signal) => (await serve(name, signal), void served.push(name)) });
  return { outbox, served, put, account };
}

const soon = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

describe("messages to a channel", () => {
  it("are sent in their order, one after the other", async () => {
    const { outbox, served, put } = box(async (name) => soon(name === "a" ? 10 : 0));
    ["a", "b", "c"].forEach((name) => put(name));
    expect(await outbox.close()).to.equal(undefined);
    expect(served).to.deep.equal(["a", "b", "c"]);
  });

  it("are sent again until they are taken, also when the channel was away for longer than the tries of one call", async () => {
    let failures = 5;
    const { outbox, served, put } = box(() => failures-- > 0 && away());
    put("a");
    put("b");
    while (served.length < 2) await soon(5);
    expect(served).to.deep.equal(["a", "b"]);
    expect(await outbox.close()).to.equal(undefined);
  });

  it("are waited for at the end, and a new one still goes out after a pause", async () => {
    const { outbox, served, put } = box(async () => soon(1));
    put("a");
    await soon(10);
    put("b", "promotion");
    expect(await outbox.close()).to.equal(undefined);
    expect(served).to.deep.equal(["a", "b"]);
  });

  it("lose the oldest stages first when too many wait, and never how it ended", async () => {
    let open = false;
    const { outbox, served, put } = box(() => open || away(), { bound: 3 });
    put("held by the worker", "start");
    await soon(1);
    put("start", "start");
    ["stage 1", "stage 2", "stage 3"].forEach((name) => put(name));
    put("rollback", "rollback");
    put("hold", "hold");
    open = true;
    while (served.length < 4) await soon(5);
    expect(served).to.deep.equal(["held by the worker", "start", "rollback", "hold"]);
    expect(await outbox.close()).to.deep.include({ missed: 3, of: 7 });
  });

  it("are not waited for where the channel is known to be away", async () => {
    const { outbox, put, account } = box(away, { rest: 60, grace: 60 });
    put("a");
    while (account.health().failures < 2) await soon(2);
    put("b", "rollback");
    expect(await outbox.close()).to.deep.equal({ title: "the channel", missed: 2, of: 2, why: "It is away." });
  });

  it("are waited for no longer than the grace where it has not answered yet", async () => {
    const { outbox, put } = box((_, signal) => new Promise((_resolve, reject) => signal.addEventListener("abort", () => reject(new Error("aborted")))), { grace: 0.01 });
    put("a");
    expect(await outbox.close()).to.deep.include({ missed: 1, of: 1 });
  });

  it("end the wait as soon as every try of the first one has failed", async () => {
    const { outbox, put } = box(away, { rest: 60, grace: 60 });
    put("a");
    expect(await outbox.close()).to.deep.include({ missed: 1, why: "It is away." });
  });

  it("are held back for as long as the channel asks, and given up when it goes on asking", async () => {
    let asked = 0;
    const patient = box(() => { if (asked++ < 2) throw new Throttled("Too many.", 0.002); });
    patient.put("a");
    while (patient.served.length < 1) await soon(2);
    const endless = box(() => { throw new Throttled("Too many.", 0.001); });
    endless.put("a");
    while ((endless.outbox as unknown as { working: boolean }).working) await soon(2);
    expect(await endless.outbox.close()).to.deep.include({ missed: 1, why: "Too many." });
    expect(endless.account.health()).to.include({ healthy: true });
  });

  it("that are not taken do not keep the others", async () => {
    const { outbox, served, put } = box((name) => { if (name === "a") throw new NotTaken("Not this one."); });
    put("a");
    put("b");
    expect(await outbox.close()).to.deep.equal({ title: "the channel", missed: 1, of: 2, why: "Not this one." });
    expect(served).to.deep.equal(["b"]);
  });

  it("are not sent any more to whoever wants none of them", async () => {
    let asked = 0;
    const { outbox, put } = box(() => { asked++; throw new Unwelcome("Go away."); });
    ["a", "b", "c"].forEach((name) => put(name));
    expect(await outbox.close()).to.deep.include({ missed: 3, of: 3, why: "Go away." });
    put("d");
    expect(asked).to.equal(1);
  });
});
