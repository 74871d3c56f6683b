import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { expect } from "chai";
import { ConfigError, type PrometheusOptions, type PrometheusSource, createPrometheus } from "../../../analysis";

const ONE = { status: "success", data: { resultType: "vector", result: [{ metric: { a: "b" }, value: [1.5, "3"] }] } };

type Handler = (request: IncomingMessage, response: ServerResponse) => void;
const json = (status: number, body: unknown): Handler => (_, response) => response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));

describe("The Prometheus client", () => {
  const cleanups: (() => void)[] = [];
  afterEach(() => cleanups.splice(0).forEach((clean) => clean()));

  /** Starts a server; its address, and how many requests it has seen. */
  async function start(handler: Handler): Promise<{ url: string; seen: IncomingMessage[] }> {
    const seen: IncomingMessage[] = [];
    const server = createServer((request, response) => {
      seen.push(request);
      handler(request, response);
    });
    await new Promise<void>((ready) => server.listen(0, "127.0.0.1", ready));
    cleanups.push(() => {
      server.closeAllConnections();
      server.close();
    });
    return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, seen };
  }

  function client(options: PrometheusOptions): PrometheusSource {
    const source = createPrometheus({ tries: 2, retryDelay: 0.01, timeout: 0.2, cache: 0, ...options });
    cleanups.push(() => source.close());
    return source;
  }

  const ask = async (handler: Handler): Promise<unknown> => client({ servers: [(await start(handler)).url] }).query("up");

  it("answers a vector, a range and a scalar as series", async () => {
    expect(await ask(json(200, ONE))).to.deep.equal({ kind: "value", value: [{ labels: { a: "b" }, samples: [{ t: 1.5, v: 3 }] }] });
    const matrix = { status: "success", data: { resultType: "matrix", result: [{ metric: {}, values: [[1, "1"], [2, "+Inf"]] }] } };
    expect(await ask(json(200, matrix))).to.deep.equal({ kind: "value", value: [{ labels: {}, samples: [{ t: 1, v: 1 }, { t: 2, v: Infinity }] }] });
    expect(await ask(json(200, { status: "success", data: { resultType: "scalar", result: [1, "2"] } }))).to.deep.equal({ kind: "value", value: [{ labels: {}, samples: [{ t: 1, v: 2 }] }] });
  });

  it("tells an empty result from a failure", async () => {
    expect(await ask(json(200, { status: "success", data: { resultType: "vector", result: [] } }))).to.deep.equal({ kind: "no-series", query: "up" });
  });

  const failures: readonly [string, Handler, RegExp][] = [
    ["a page of a proxy", (_, r) => r.writeHead(200, { "content-type": "text/html" }).end("<html>\n<body>Sign in</body></html>"), /answered "<html> <body>Sign in<\/body><\/html>" instead of a Prometheus result to up: check the address\.$/],
    ["nothing at all", (_, r) => r.writeHead(200).end(), /answered an empty body instead of/],
    ["JSON of another service", json(200, { hello: "world" }), /answered "\{"hello":"world"\}" instead of/],
    ["NaN", json(200, { status: "success", data: { resultType: "vector", result: [{ metric: {}, value: [1, "NaN"] }] } }), /answered NaN to up \(0\/0, or a quantile of no requests\)\.$/],
    ["a string", json(200, { status: "success", data: { resultType: "string", result: [1, "x"] } }), /answered a string to up: ask for numbers\.$/],
    ["native histograms", json(200, { status: "success", data: { resultType: "vector", result: [{ metric: {}, histogram: [1, {}] }] } }), /answered native histograms to up: ask for classic series\.$/],
    ["an error with status 200", json(200, { status: "error", error: "too many samples" }), /refused the query up: too many samples\.$/],
    ["a refused query", json(400, { status: "error", errorType: "bad_data", error: "parse error" }), /refused the query up: parse error\.$/],
    ["a wrong path", (_, r) => r.writeHead(404).end("404 page not found"), /answered HTTP 404 to up: check the address\.$/],
    ["a redirect to a sign-in page", (_, r) => r.writeHead(302, { location: "/login" }).end(), /answered HTTP 302/],
    ["a missing right", (_, r) => r.writeHead(401).end(), /answered HTTP 401: check the user and the password in its address\.$/],
    ["an internal error", json(503, { status: "error", error: "starting" }), /answered HTTP 503 \(starting\)\.$/],
  ];
  for (const [what, handler, reason] of failures)
    it(`calls ${what} a failed query, in one sentence`, async () => {
      const reading = (await ask(handler)) as { kind: string; reason: string };
      expect(reading.kind).to.equal("query-failed");
      expect(reading.reason).to.match(reason);
    });

  it("gives up on a server that never answers", async () => {
    const reading = (await ask(() => {})) as { reason: string };
    expect(reading.reason).to.match(/ did not answer within [\d.]+ s\.$/);
  });

  it("tries again what may get better, and not what cannot", async () => {
    const flaky = await start((request, response) => json(flaky.seen.length < 2 ? 500 : 200, ONE)(request, response));
    expect((await client({ servers: [flaky.url] }).query("up")).kind).to.equal("value");
    const refusing = await start(json(400, { status: "error", error: "no" }));
    await client({ servers: [refusing.url] }).query("up");
    expect(refusing.seen).to.have.length(1);
  });

  it("fails over to another server, and then asks the healthy one first", async () => {
    const dead = await start(json(500, {}));
    const alive = await start(json(200, ONE));
    const source = client({ servers: [dead.url, alive.url] });
    for (let i = 0; i < 3; i++) expect((await source.query(`up${i}`)).kind).to.equal("value");
    expect(dead.seen).to.have.length(1);
    expect(source.health()).to.deep.include({ server: dead.url, healthy: false, circuit: "closed", failures: 1, lastFailure: `${dead.url} answered HTTP 500.` });
    expect(source.health()[1]).to.include({ server: alive.url, healthy: true });
  });

  it("leaves a server alone after five failures in a row, until its circuit's time is over", async () => {
    let broken = true;
    const server = await start((request, response) => json(broken ? 500 : 200, ONE)(request, response));
    const source = client({ servers: [server.url], tries: 1, circuitReset: 0.1 });
    for (let i = 0; i < 7; i++) await source.query("up");
    expect(server.seen).to.have.length(5);
    expect(source.health()[0]?.circuit).to.equal("open");
    expect(await source.query("up")).to.deep.equal({ kind: "query-failed", reason: `${server.url} is left alone for 0.1 s after 5 failures (last: ${server.url} answered HTTP 500.).` });
    broken = false;
    await new Promise((done) => setTimeout(done, 120));
    expect((await source.query("up")).kind).to.equal("value");
    expect(source.health()[0]).to.include({ circuit: "closed", failures: 0 });
  });

  it("lets equal queries share an answer for a while, but not a failure", async () => {
    const server = await start(json(200, ONE));
    const source = client({ servers: [server.url], cache: 10 });
    await Promise.all([source.query("up"), source.query("up"), source.query("down")]);
    await source.query("up");
    await source.query("up", { time: 5 });
    expect(server.seen.map((r) => r.url)).to.have.members(["/api/v1/query?query=up", "/api/v1/query?query=down", "/api/v1/query?query=up&time=5"]);
    const failing = await start(json(400, { status: "error", error: "no" }));
    const other = client({ servers: [failing.url], cache: 10 });
    await other.query("up");
    await other.query("up");
    expect(failing.seen).to.have.length(2);
  });

  it("keeps a path prefix and one connection, and sends its credentials", async () => {
    const server = await start(json(200, ONE));
    const source = client({ servers: [`${server.url.replace("//", "//me:secret@")}/prometheus`] });
    await source.query("a");
    await source.query("b");
    expect(server.seen[0]?.url).to.equal("/prometheus/api/v1/query?query=a");
    expect(server.seen[0]?.headers.authorization).to.equal(`Basic ${Buffer.from("me:secret").toString("base64")}`);
    expect(server.seen[0]?.socket.remotePort).to.equal(server.seen[1]?.socket.remotePort);
  });

  it("sends a password with a percent sign that encodes nothing as it stands", async () => {
    const server = await start(json(200, ONE));
    await client({ servers: [server.url.replace("//", "//me:100%@")] }).query("a");
    expect(server.seen[0]?.headers.authorization).to.equal(`Basic ${Buffer.from("me:100%").toString("base64")}`);
  });

  it("keeps its credentials out of every message", async () => {
    const handlers: Handler[] = [json(200, ONE), ...failures.map(([, handler]) => handler), json(500, {}), () => {}];
    const servers = [...(await Promise.all(handlers.map(start))).map(({ url }) => url), "http://127.0.0.1:1"];
    for (const server of servers) {
      const source = client({ servers: [server.replace("//", "//me:secret@")], tries: 1 });
      // The last failure in a row opens the circuit, which has a message of its own.
      for (let i = 0; i < 6; i++) {
        const said = JSON.stringify([await source.query("up"), source.health()]);
        expect(said).to.contain(server).and.to.not.match(/me:|secret|bWU6c2VjcmV0/);
      }
    }
  });

  it("asks no more at once than it may", async () => {
    let [now, most] = [0, 0];
    const server = await start((request, response) => {
      most = Math.max(most, ++now);
      setTimeout(() => {
        now--;
        json(200, ONE)(request, response);
      }, 10);
    });
    const source = client({ servers: [server.url] });
    await Promise.all(Array.from("abcdefghijklmnopqrst", (q) => source.query(q)));
    expect(most).to.equal(8);
  });

  it("rejects when it is aborted, and only then", async () => {
    const server = await start(() => {});
    const abort = new AbortController();
    const answer = client({ servers: [server.url], timeout: 5 }).query("up", { signal: abort.signal });
    setTimeout(() => abort.abort(), 20);
    const error = await answer.then(() => undefined, (e: unknown) => e);
    expect(error).to.be.instanceOf(Error);
  });

  it("refuses options it cannot use", () => {
    expect(() => createPrometheus({ servers: ["prometheus:9090"] })).to.throw(ConfigError, /^prometheus\.servers\.0: /);
  });
});
