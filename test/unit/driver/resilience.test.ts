import { expect } from "chai";
import { ServiceUnavailable, type CallLimits, type ResilienceSettings, type ServiceCalls } from "../../../driver/resilience/policies";
import { openPrometheus } from "../../../driver/resilience/prometheus";
import { stackReads } from "../../../driver/resilience/pulumi";
import { Dependencies } from "../../../driver/resilience/registry";
import { json, LocalServers } from "./servers";

const QUICK: ResilienceSettings = { tries: 3, retryDelay: 0.005, retryFactor: 2, circuitFailures: 5, circuitReset: 60 };
const LIMITS: CallLimits = { timeout: 5, total: 10, parallelism: 2 };
const ONE = { status: "success", data: { resultType: "vector", result: [{ metric: {}, value: [1, "1"] }] } };

const failing = async (): Promise<never> => {
  throw new ServiceUnavailable("It is away.");
};

/** What a promise was rejected with. */
const failureOf = (answer: Promise<unknown>): Promise<Error> => answer.then(() => expect.fail("it was answered"), (error: Error) => error);

describe("a guarded service", () => {
  const guarded = (settings: Partial<ResilienceSettings> = {}, limits: Partial<CallLimits> = {}): { calls: ServiceCalls; dependencies: Dependencies } => {
    const dependencies = new Dependencies({ ...QUICK, ...settings });
    return { dependencies, calls: dependencies.calls("hook", "http://hook", "The hook http://hook", { ...LIMITS, ...limits }) };
  };

  it("is asked as often as the settings say, and answers with the first success", async () => {
    let asked = 0;
    const answer = await guarded().calls.execute(async () => (++asked < 3 ? failing() : asked));
    expect(answer).to.equal(3);
    const { calls } = guarded({ tries: 2 });
    asked = 0;
    await failureOf(calls.execute(async () => (asked++, failing())));
    expect(asked).to.equal(2);
  });

  it("is waited for longer and longer between the tries", async () => {
    let asked = 0;
    // The second wait would be 100 s, and no call takes that long.
    await failureOf(guarded({ tries: 9, retryDelay: 0.001, retryFactor: 100_000 }).calls.execute(async () => (asked++, failing())));
    expect(asked).to.equal(2);
  });

  it("is not asked again for what it answered, nor where the caller forbids it", async () => {
    let asked = 0;
    const { calls, dependencies } = guarded();
    expect((await failureOf(calls.execute(async () => (asked++, Promise.reject(new Error("no such thing")))))).message).to.equal("no such thing");
    await failureOf(calls.execute(async () => (asked++, failing()), { again: () => false }));
    expect(asked).to.equal(2);
    expect(dependencies.snapshot()[0]).to.include({ failures: 1, lastError: "It is away." });
  });

  it("is left alone after the configured failures, and says so in the snapshot", async () => {
    const { calls, dependencies } = guarded({ tries: 1, circuitFailures: 2 });
    expect(dependencies.snapshot()).to.deep.equal([{ name: "hook", address: "http://hook", healthy: true, circuit: "closed", failures: 0 }]);
    for (let i = 0; i < 2; i++) await failureOf(calls.execute(failing));
    let asked = 0;
    const error = await failureOf(calls.execute(async () => asked++));
    expect(asked).to.equal(0);
    expect(error.message).to.equal("The hook http://hook is left alone for 60 s after 2 failures (last: It is away).");
    const [health] = dependencies.snapshot();
    expect(health).to.include({ healthy: false, circuit: "open", failures: 2, lastError: "It is away." });
    expect(Date.parse(health!.since!)).to.be.at.most(Date.parse(health!.lastErrorAt!));
  });

  it("is tried again when its time is over, and then is well", async () => {
    const { calls, dependencies } = guarded({ tries: 1, circuitFailures: 1, circuitReset: 0.02 });
    await failureOf(calls.execute(failing));
    await new Promise((done) => setTimeout(done, 40));
    expect(await calls.execute(async () => "here")).to.equal("here");
    expect(dependencies.snapshot()[0]).to.include({ healthy: true, circuit: "closed", failures: 0, lastError: "It is away." });
  });

  it("answers an urgent call whatever the circuit and the queue say, and is back for everybody with it", async () => {
    const { calls } = guarded({ tries: 1, circuitFailures: 1 }, { parallelism: 1 });
    await failureOf(calls.execute(failing));
    expect(calls.circuit).to.equal("open");
    expect(await calls.execute(async () => "home", { urgent: true })).to.equal("home");
    expect(calls.circuit).to.equal("closed");
    let free!: () => void;
    const slow = calls.execute(() => new Promise<void>((done) => (free = done)));
    expect(await calls.execute(async () => "home again", { urgent: true })).to.equal("home again");
    free();
    await slow;
  });

  it("is asked by no more callers at once than it may", async () => {
    const { calls } = guarded();
    let [now, most] = [0, 0];
    await Promise.all(Array.from({ length: 6 }, () => calls.execute(async () => {
      most = Math.max(most, ++now);
      await new Promise((done) => setTimeout(done, 5));
      now--;
    })));
    expect(most).to.equal(2);
  });

  it("does not answer in time: that is one sentence, and the call is aborted", async () => {
    let aborted = false;
    const { calls } = guarded({ tries: 1 }, { timeout: 0.02 });
    const error = await failureOf(calls.execute((signal) => new Promise((_, reject) => signal.addEventListener("abort", () => {
      aborted = true;
      reject(signal.reason);
    }))));
    expect(error).to.be.instanceOf(ServiceUnavailable);
    expect(error.message).to.equal("The hook http://hook did not answer within 0.02 s.");
    expect(aborted).to.equal(true);
  });

  it("is not waited for beyond the time of a whole call: its last failure is told instead", async () => {
    let asked = 0;
    const { calls } = guarded({ retryDelay: 60 });
    expect((await failureOf(calls.execute(async () => (asked++, failing())))).message).to.equal("It is away.");
    expect(asked).to.equal(1);
  });

  it("lets the caller's own abort through, and does not count it", async () => {
    const { calls, dependencies } = guarded();
    const stop = new AbortController();
    const call = calls.execute(() => new Promise(() => undefined), { signal: stop.signal });
    const reason = new Error("enough");
    stop.abort(reason);
    expect(await failureOf(call)).to.equal(reason);
    expect(dependencies.snapshot()[0]).to.include({ healthy: true, failures: 0 });
  });

  it("can be stood in for", async () => {
    expect(await guarded({ tries: 1 }).calls.execute<string>(failing, { instead: () => "the last known" })).to.equal("the last known");
  });
});

describe("the registry of services", () => {
  const servers = new LocalServers();
  afterEach(() => servers.closeAll());

  it("asks every service for a sign of life and never rejects", async () => {
    const dependencies = new Dependencies();
    dependencies.register("a", "http://a", { probe: async () => undefined });
    dependencies.register("b", "http://b", { probe: async () => Promise.reject(new Error("b is away")) });
    dependencies.register("c", "http://c");
    const health = await dependencies.check();
    expect(health.map(({ name, healthy, lastError }) => ({ name, healthy, lastError }))).to.deep.equal([
      { name: "a", healthy: true, lastError: undefined },
      { name: "b", healthy: false, lastError: "b is away" },
      { name: "c", healthy: true, lastError: undefined },
    ]);
    expect(health[2]).to.not.have.property("since");
  });

  it("keeps one account of a service that is registered twice", async () => {
    const dependencies = new Dependencies();
    dependencies.register("a", "http://a").failed(new Error("away"));
    dependencies.register("a", "http://a").failed(new Error("still away"));
    expect(dependencies.snapshot()).to.have.length(1);
    expect(dependencies.snapshot()[0]).to.include({ failures: 2, lastError: "still away" });
  });

  it("shows that queries failed over to the second Prometheus server, and the circuit of the first", async () => {
    const [first, second] = [await servers.start(json(503, { status: "error", error: "starting" })), await servers.start(json(200, ONE))];
    const dependencies = new Dependencies({ ...QUICK, circuitFailures: 1 });
    const source = openPrometheus([first.url, second.url], dependencies);
    try {
      expect((await source.query("up")).kind).to.equal("value");
      expect((await source.query("up")).kind).to.equal("value");
      expect(first.seen).to.have.length(1);
      expect(second.seen).to.have.length(2);
      const [dead, alive] = dependencies.snapshot();
      expect(dead).to.include({ name: "prometheus", address: first.url, healthy: false, circuit: "open", failures: 1, lastError: `${first.url} answered HTTP 503 (starting).` });
      expect(alive).to.include({ address: second.url, healthy: true, circuit: "closed", failures: 0 });
    } finally {
      source.close();
    }
  });

  it("gives Prometheus as many tries as the settings say", async () => {
    const server = await servers.start(json(500, {}));
    const source = openPrometheus([server.url], new Dependencies({ ...QUICK, tries: 4 }));
    expect((await source.query("up")).kind).to.equal("query-failed");
    expect(server.seen).to.have.length(4);
    source.close();
  });

  it("finds a dead Prometheus server before it is needed", async () => {
    const [first, second] = [await servers.start(json(200, ONE)), await servers.start(json(200, ONE))];
    await second.stop();
    const dependencies = new Dependencies(QUICK);
    openPrometheus([first.url, second.url], dependencies).close();
    expect((await dependencies.check()).map(({ healthy }) => healthy)).to.deep.equal([true, false]);
    expect(dependencies.snapshot()[1]!.lastError).to.equal(`${second.url} cannot be reached: ECONNREFUSED.`);
  });
});

describe("reads of the stack's state", () => {
  it("are repeated where the backend could not be asked, and nowhere else", async () => {
    const dependencies = new Dependencies(QUICK);
    const reads = stackReads(dependencies, "https://me:secret@backend.example");
    let asked = 0;
    expect(await reads(async () => (++asked < 2 ? Promise.reject(new Error("code: 255\nerror: dial tcp 10.0.0.1:443: connect: connection refused\n")) : "outputs"))).to.equal("outputs");
    expect((await failureOf(reads(async () => (asked++, Promise.reject(new Error("error: no stack named 'dev' found")))))).message).to.contain("no stack named");
    expect(asked).to.equal(3);
    expect((await failureOf(reads(() => Promise.reject(new Error("read tcp: i/o timeout"))))).message).to.equal("The Pulumi backend https://backend.example cannot be asked: i/o timeout.");
    expect(JSON.stringify(dependencies.snapshot())).to.not.contain("secret");
  });
});
