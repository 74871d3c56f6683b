import { request as ask, type IncomingHttpHeaders } from "node:http";
import { connect, type Socket } from "node:net";
import { expect } from "chai";
import * as fc from "fast-check";
import { DriverError } from "../../../../driver/errors";
import { serveSite, SERVER_LIMITS, type ServerLimits, type StatusServer } from "../../../../driver/serve/server";
import { Site } from "../../../../driver/serve/site";
import { troubleOf } from "../../../../driver/serve/exhibit";
import { CLUSTER, FakeExhibit } from "./exhibits";

interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

describe("the status server", () => {
  const open: StatusServer[] = [];
  const sockets: Socket[] = [];
  afterEach(async () => {
    sockets.splice(0).forEach((socket) => socket.destroy());
    await Promise.all(open.splice(0).map((server) => server.close()));
  });

  async function serve(stacks: readonly FakeExhibit[], limits: ServerLimits = SERVER_LIMITS): Promise<URL> {
    const site = new Site();
    stacks.forEach((stack) => site.show(stack));
    const server = await serveSite(site, { host: "127.0.0.1", port: 0 }, limits);
    open.push(server);
    return new URL(server.url);
  }

  const get = (at: URL, path: string, { method = "GET", headers = {} }: { method?: string; headers?: Record<string, string> } = {}): Promise<Answer> =>
    new Promise((resolve, reject) => {
      const sent = ask({ host: at.hostname, port: at.port, path, method, headers, agent: false }, (response) => {
        let body = "";
        response.setEncoding("utf8").on("data", (part) => (body += part)).on("end", () => resolve({ status: response.statusCode!, headers: response.headers, body }));
      });
      sent.on("error", reject).end();
    });

  /** Sends bytes as they are; resolves with everything that came until the other side ended. */
  const raw = (at: URL, text: string | Buffer): Promise<string> =>
    new Promise((resolve) => {
      let answer = "";
      const socket = connect(Number(at.port), at.hostname, () => socket.write(text));
      sockets.push(socket);
      socket.on("data", (part) => (answer += part.toString("latin1"))).on("error", () => resolve(answer)).on("close", () => resolve(answer));
    });

  const one = () => new FakeExhibit("production");

  it("shows one stack at the root and below its name", async () => {
    const at = await serve([one()]);
    for (const base of ["/", "/stacks/production/"]) {
      expect(await get(at, `${base}status/canary`)).to.deep.include({ status: 200, body: '{"event":"status","stack":"production"}\n' });
      const failover = JSON.parse((await get(at, `${base}status/failover`)).body) as Record<string, unknown>;
      expect(failover).to.deep.include({ event: "failover", stack: "production", healthy: true, dependencies: [CLUSTER] });
      const page = await get(at, base);
      expect([page.status, page.headers["content-type"]]).to.deep.equal([200, "text/html; charset=utf-8"]);
      expect(page.body).to.match(/^<!doctype html>/).and.to.include("<main>");
    }
    expect(await get(at, "/stacks/production")).to.deep.include({ status: 308 });
    expect((await get(at, "/stacks/production")).headers.location).to.equal("/stacks/production/");
  });

  it("lists several stacks, and tells of all of them together", async () => {
    const [eu, us] = [new FakeExhibit("org/canary/eu"), new FakeExhibit("us")];
    us.story.hear({ t: 1001, event: "note", message: "<script>alert(1)</script>" });
    const at = await serve([eu, us]);
    const list = (await get(at, "/")).body;
    expect(list).to.include('href="stacks/org%2Fcanary%2Feu/"').and.to.include('href="stacks/us/"').and.to.include("&lt;script&gt;").and.to.not.include("<script>");
    expect(JSON.parse((await get(at, "/status/canary")).body)).to.deep.equal({ stacks: [{ event: "status", stack: "org/canary/eu" }, { event: "status", stack: "us" }] });
    expect((JSON.parse((await get(at, "/status/failover")).body) as { stacks: object[] }).stacks).to.have.length(2);
    expect((await get(at, "/stacks/org%2Fcanary%2Feu/status/canary")).body).to.include("org/canary/eu");
    expect((await get(at, "/stacks/org%2Fcanary%2Feu")).headers.location).to.equal("/stacks/org%2Fcanary%2Feu/");
    expect((await get(at, "/events")).status).to.equal(404);
  });

  it("is well until a stack's work cannot be done, and says why", async () => {
    const [eu, us] = [new FakeExhibit("eu"), new FakeExhibit("us")];
    const at = await serve([eu, us]);
    expect(await get(at, "/health")).to.deep.include({ status: 200, body: "ok\n" });
    us.wrong = "The cluster has not answered for 75 s: connection refused.";
    expect(await get(at, "/health")).to.deep.include({ status: 503, body: `${us.wrong}\n` });
  });

  it("counts only a cluster that is away for long as trouble", () => {
    const now = Date.parse("2026-03-01T12:00:00Z");
    const away = (name: string, seconds: number) => ({ ...CLUSTER, name, healthy: false, failures: 3, since: new Date(now - seconds * 1000).toISOString(), lastError: "It did not answer within 2 s." });
    expect(troubleOf([away("kubernetes", 75)], now)).to.equal("The cluster has not answered for 75 s: It did not answer within 2 s.");
    for (const well of [CLUSTER, away("kubernetes", 30), away("prometheus", 500)]) expect(troubleOf([well], now)).to.equal(undefined);
  });

  it("serves metrics of the process in Prometheus' format", async () => {
    const { status, headers, body } = await get(await serve([one()]), "/metrics");
    expect([status, headers["content-type"]]).to.deep.equal([200, "text/plain; version=0.0.4; charset=utf-8"]);
    expect(body).to.match(/^process_resident_memory_bytes \d+$/m).and.to.match(/^nodejs_eventloop_lag_seconds /m);
  });

  it("answers HEAD with the same head and nothing else, the events included", async () => {
    const at = await serve([one()]);
    for (const path of ["/", "/health", "/status/canary", "/nowhere"]) {
      const [head, full] = [await get(at, path, { method: "HEAD" }), await get(at, path)];
      expect([head.status, head.headers["content-length"], head.body], path).to.deep.equal([full.status, full.headers["content-length"], ""]);
    }
    expect(await get(at, "/events", { method: "HEAD" })).to.deep.include({ status: 200, body: "" });
  });

  it("refuses every other method, and whatever lies nowhere, in one sentence", async () => {
    const at = await serve([one()]);
    for (const method of ["POST", "PUT", "DELETE", "OPTIONS", "PATCH"]) {
      const answer = await get(at, "/status/canary", { method });
      expect([answer.status, answer.headers.allow, answer.body], method).to.deep.equal([405, "GET, HEAD", "This server only shows: ask by GET or HEAD.\n"]);
    }
    for (const path of ["/nowhere", "/status", "/status/canary/", "/../../etc/passwd", "/%2e%2e/%2e%2e/etc/passwd", "/stacks/production/../../etc/passwd", "/stacks/nowhere/", "/__proto__", "/constructor", "/%", "/%00", "//health", "/stacks/production/toString"])
      expect(await get(at, path), path).to.deep.include({ status: 404, body: "There is nothing here: try /, /health, /metrics, /status/canary or /status/failover.\n" });
  });

  it("lets no other site show or read it: no CORS, no frames, no sniffing, nothing kept, a policy that allows the page's own script only", async () => {
    const at = await serve([one()]);
    for (const path of ["/", "/status/canary", "/nowhere"]) {
      const { headers } = await get(at, path, { headers: { origin: "https://elsewhere.example" } });
      expect(headers, path).to.include({ "cache-control": "no-store", "x-content-type-options": "nosniff", "x-frame-options": "DENY", "referrer-policy": "no-referrer", "cross-origin-resource-policy": "same-origin" });
      expect(Object.keys(headers).filter((name) => name.startsWith("access-control")), path).to.deep.equal([]);
      expect(headers["content-security-policy"], path).to.match(/^default-src 'none';.* frame-ancestors 'none'$/).and.to.not.match(/script-src[^;]*unsafe/);
    }
  });

  it("answers on this machine's own address to its own names only, so that no site can rebind its name to it", async () => {
    const at = await serve([one()]);
    for (const host of ["localhost", "localhost:8090", "127.0.0.1:1", "[::1]:8090", "canary.localhost", "10.1.2.3"]) expect((await get(at, "/status/canary", { headers: { host } })).status, host).to.equal(200);
    for (const host of ["evil.example", "evil.example:8090", "localhost.evil.example", "127.0.0.1.evil.example"]) expect((await get(at, "/status/canary", { headers: { host } })).status, host).to.equal(421);
    expect(await raw(at, "GET /status/canary HTTP/1.0\r\n\r\n")).to.match(/^HTTP\/1\.1 421 /);
  });

  it("says why something cannot be told now, and goes on", async () => {
    const stack = one();
    const at = await serve([stack]);
    stack.answer = () => Promise.reject(new DriverError("The record cannot be read."));
    expect(await get(at, "/status/canary")).to.deep.include({ status: 503, body: "The record cannot be read.\n" });
    stack.page = () => Promise.reject(new Error("a bug"));
    expect(await get(at, "/")).to.deep.include({ status: 503, body: "This cannot be told now: a bug\n" });
    expect((await get(at, "/health")).status).to.equal(200);
  });

  it("ends a request that has too large a head, or never ends it", async () => {
    const at = await serve([one()], { ...SERVER_LIMITS, headTime: 100, requestTime: 200 });
    expect(await raw(at, `GET / HTTP/1.1\r\nhost: localhost\r\nx: ${"a".repeat(20_000)}\r\n\r\n`)).to.match(/^HTTP\/1\.1 431 /);
    expect(await raw(at, "GET / HTTP/1.1\r\nhost: loc")).to.match(/^HTTP\/1\.1 408 /);
    expect(await raw(at, "POST /health HTTP/1.1\r\nhost: localhost\r\ncontent-length: 1000000\r\n\r\nx")).to.match(/^HTTP\/1\.1 405 /);
  });

  it("takes on so many connections and no more", async () => {
    const at = await serve([one()], { ...SERVER_LIMITS, connections: 3 });
    const idle = Array.from({ length: 3 }, () => connect(Number(at.port), at.hostname));
    sockets.push(...idle);
    await Promise.all(idle.map((socket) => new Promise((ready) => socket.once("connect", ready))));
    await get(at, "/health").then(() => expect.fail("a fourth was taken"), (error: NodeJS.ErrnoException) => expect(error.code).to.be.oneOf(["ECONNRESET", "EPIPE"]));
  });

  it("survives whatever is sent to it, and never answers with what is not its own", async () => {
    const at = await serve([one()]);
    const target = fc.oneof(fc.webPath(), fc.string().map((s) => `/${encodeURIComponent(s)}`), fc.string().map((s) => `/${s.replace(/[^\x21-\x7e]/g, "%")}`), fc.constantFrom("*", "http://evil.example/health", "evil.example:443", "/stacks/", "/stacks//", "/?x", "/health?x=1#y"));
    const method = fc.constantFrom("GET", "HEAD", "POST", "OPTIONS", "TRACE", "PROPFIND");
    const header = fc.tuple(fc.constantFrom("range", "expect", "accept-encoding", "x-forwarded-host", "content-length", "if-none-match", "upgrade"), fc.string().map((s) => s.replace(/[^\x20-\x7e]/g, "")));
    await fc.assert(fc.asyncProperty(method, target, fc.array(header, { maxLength: 3 }), async (verb, path, headers) => {
      const text = await raw(at, `${verb} ${path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n${headers.map(([name, value]) => `${name}: ${value}\r\n`).join("")}\r\n`);
      const statuses = [...text.matchAll(/^HTTP\/1\.1 (\d+)/gm)].map(([, status]) => status);
      expect(statuses.length, text).to.be.within(1, 2);
      for (const status of statuses) expect(status).to.be.oneOf(["200", "308", "400", "404", "405", "408", "417"]);
    }), { numRuns: 150 });
    await fc.assert(fc.asyncProperty(fc.uint8Array({ minLength: 1, maxLength: 200 }), async (bytes) => {
      expect(await raw(at, Buffer.concat([bytes, Buffer.from("\r\n\r\n")]))).to.match(/^(HTTP\/1\.1 400 |$)/);
    }), { numRuns: 50 });
    expect((await get(at, "/health")).body).to.equal("ok\n");
  });

  it("ends at once, whatever connections are open", async () => {
    const stack = one();
    const at = await serve([stack]);
    const events = raw(at, "GET /events HTTP/1.1\r\nhost: localhost\r\n\r\n");
    const idle = raw(at, "GET /health HTTP/1.1\r\nhost: localhost\r\n\r\n");
    const half = raw(at, "GET /health HTTP/1.1\r\nhos");
    while (stack.feed.size === 0) await new Promise((next) => setTimeout(next, 5));
    stack.says("<p>the end</p>");
    await open.pop()!.close();
    expect(await events).to.match(/data: <p>the end<\/p>\n\n[^]*event: end\ndata: \n\n/);
    expect(await idle).to.include("ok\n");
    expect(await half).to.not.include("200");
  });
});
