import * as http from "node:http";
import type { AddressInfo } from "node:net";
import { gzipSync } from "node:zlib";
import { expect } from "chai";
import * as fc from "fast-check";
import { createMeter, createPrometheus, Judge, parseGates, type PrometheusSource, type TrafficMeter, type TrafficTarget } from "../../../analysis";
import { readAnswer } from "../../../analysis/prometheus/answer";
import { changed } from "../components/declare";
import { breakage, ODD_VALUES, pathsIn, renamed, runs, slip, TEXT_BREAKAGES, without } from "./breakages";
import { Desk } from "./desk";
import { CASES, count, expectRefusal, expectSentences } from "./oracle";

const KIND = "Prometheus answers";
const NOW = 1_772_366_400;

interface Answer {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body: string | Uint8Array;
}

const series = (metric: object, values: unknown): object => ({ metric, values });
const samples = (from: number, step: number): [number, string][] => Array.from({ length: 4 }, (_, i) => [NOW + 5 * i, String(from + step * i)]);
/** Both arms of a service, with counters that rise. */
const MATRIX = {
  status: "success",
  data: {
    resultType: "matrix",
    result: [
      series({ __name__: "app_requests_total", status: "200", pod: "a" }, samples(1000, 100)),
      series({ __name__: "app_requests_total", status: "500", pod: "a" }, samples(3, 1)),
      series({ __name__: "app_request_duration_seconds_bucket", le: "0.1", pod: "a" }, samples(900, 95)),
      series({ __name__: "app_request_duration_seconds_bucket", le: "+Inf", pod: "a" }, samples(1003, 101)),
    ],
  },
};
const VECTOR = { status: "success", data: { resultType: "vector", result: [{ metric: { a: "b" }, value: [NOW, "1"] }] } };
/** What a sample may hold beside what it should. */
const ODD_SAMPLES: readonly unknown[] = ["NaN", "+Inf", "-Inf", "-5", "1e308", "-1e308", "1e-320", "0x10", "1,5", "", " ", "abc", 5, null, true, [], {}, "99999999999999999999999999", "9007199254740993"];
const TARGET: TrafficTarget = { profile: "app", namespace: "shop", service: "shop", stableService: "shop-stable", canaryService: "shop-canary", port: 80, stableVersion: "v1", canaryVersion: "v2", lookback: 20 };

describe("a malformed answer of Prometheus", function () {
  this.timeout(240_000);
  let answer: Answer = { body: "" };
  let url = "";
  const server = http.createServer((_, response) => {
    response.writeHead(answer.status ?? 200, { "content-type": "application/json", ...answer.headers }).end(answer.body);
  });
  const desk = new Desk();

  before(async () => {
    await desk.start();
    await new Promise<void>((ready) => server.listen(0, "127.0.0.1", ready));
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  after(() => {
    server.closeAllConnections();
    server.close();
    desk.stop();
  });

  const client = (options: object = {}): PrometheusSource => createPrometheus({ servers: [url], tries: 1, cache: 0, ...options });

  /** It is a reading, never a rejection; and what is no value says why. */
  async function read(given: Answer, accept: "never" | "perhaps", options: object = {}): Promise<void> {
    count(KIND);
    answer = given;
    const source = client(options);
    try {
      const reading = await source.query("up");
      if (accept === "never") expect(reading.kind, String(given.body).slice(0, 300)).to.equal("query-failed");
      if (reading.kind === "value") {
        for (const one of reading.value) for (const { t, v } of one.samples) expect(Number.isNaN(v) || Number.isNaN(t), `NaN in ${JSON.stringify(one)}`).to.equal(false);
      } else if (reading.kind === "query-failed") {
        // What a body begins with is quoted, and NaN is what a sample may say.
        expectSentences(reading.reason.replaceAll(/NaN to \S+ \(0\/0[^)]*\)/g, "").replace(/answered ".*" instead of/, "answered it instead of"), "Prometheus");
        expect(reading.reason).to.include(url);
      }
    } finally {
      source.close();
    }
  }

  const json = (body: unknown): Answer => ({ body: JSON.stringify(body) });

  it("is a failed query with its server and what it said, or is understood, when one value is odd", () =>
    fc.assert(fc.asyncProperty(fc.constantFrom<object>(MATRIX, VECTOR), fc.nat(), fc.constantFrom(...ODD_VALUES, ...ODD_SAMPLES), (body, choice, odd) => {
      const paths = pathsIn(body);
      return read(json(changed(body, paths[choice % paths.length]!, odd)), "perhaps");
    }), runs(CASES / 4)));

  it("is a failed query, or is understood, when a key is missing or has another name", () =>
    fc.assert(fc.asyncProperty(fc.constantFrom<object>(MATRIX, VECTOR), fc.nat(), fc.nat(6), fc.nat(20), (body, choice, kind, at) => {
      const paths = pathsIn(body);
      const where = paths[choice % paths.length]!;
      return read(json(kind === 6 ? without(body, where) : renamed(body, where, slip(String(where.at(-1)), kind, at))), "perhaps");
    }), runs(CASES / 5)));

  it("is a failed query when the text is broken, or is understood where its status says success, whatever its type says", () =>
    fc.assert(fc.asyncProperty(breakage, fc.constantFrom(200, 204, 206, 301, 400, 401, 403, 404, 418, 422, 429, 500, 502, 503), fc.constantFrom("application/json", "text/html", "", "application/octet-stream"), ({ name, at }, status, type) =>
      read({ status, headers: { "content-type": type }, body: status === 204 ? "" : TEXT_BREAKAGES[name]!(JSON.stringify(MATRIX), at) }, status < 300 ? "perhaps" : "never")), runs(CASES / 4)));

  it("is a failed query when the transport lies: compression, lengths, redirects, errors with 200", async () => {
    const good = JSON.stringify(MATRIX);
    await read({ headers: { "content-encoding": "gzip" }, body: good }, "never");
    await read({ headers: { "content-encoding": "gzip" }, body: gzipSync(good).subarray(0, 40) }, "never");
    await read({ headers: { "content-encoding": "br" }, body: "nonsense" }, "never");
    await read({ headers: { "content-encoding": "gzip" }, body: gzipSync(good) }, "perhaps");
    for (const location of [`${url}/api/v1/query`, "/login", "http://[", ""]) await read({ status: 302, headers: { location }, body: "" }, "never");
    await read(json({ status: "error", errorType: "timeout", error: "query timed out" }), "never");
    await read(json({ status: "error", error: "a\nb\u001b[31m".repeat(1000) }), "never");
    await read(json({ status: "success" }), "never");
    await read(json({ status: "success", data: { resultType: "string", result: [NOW, "1"] } }), "never");
    await read(json({ status: "success", data: { resultType: "matrix", result: [{ metric: {}, histograms: [[NOW, {}]] }] } }), "never");
  });

  it("is a failed query after its time limit and size limit, and the driver's memory stays its own", async () => {
    const slow = http.createServer((_, response) => {
      response.writeHead(200, { "content-type": "application/json" });
      const drip = setInterval(() => response.write(" "), 10);
      response.on("close", () => clearInterval(drip));
    });
    const endless = http.createServer((_, response) => {
      response.writeHead(200, { "content-type": "application/json" });
      const more = (): void => void (response.destroyed || (response.write("1,".repeat(1 << 20)) ? setImmediate(more) : response.once("drain", more)));
      more();
    });
    for (const each of [slow, endless]) {
      count(KIND);
      await new Promise<void>((ready) => each.listen(0, "127.0.0.1", ready));
      const source = createPrometheus({ servers: [`http://127.0.0.1:${(each.address() as AddressInfo).port}`], tries: 1, cache: 0, timeout: each === slow ? 0.3 : 20 });
      const reading = await source.query("up");
      expect(reading.kind).to.equal("query-failed");
      expectSentences((reading as { reason: string }).reason, "Prometheus");
      source.close();
      each.closeAllConnections();
      each.close();
    }
  });

  /** A meter whose Prometheus has series of their own for each arm, all with the same samples; latencies are below the first edge. */
  function metered(statuses: readonly string[], values: () => readonly (readonly [number, string])[], times = 1): TrafficMeter {
    const labels = (query: string): object[] => (query.includes("_bucket") ? ["0.1", "+Inf"].map((le) => ({ le })) : statuses.map((status) => ({ status })));
    const result = (query: string): object[] => labels(query).map((own) => series({ pod: /version="(\w+)"/.exec(query)?.[1] ?? "", ...own }, values()));
    const body = (query: string): object => ({ status: "success", data: { resultType: "matrix", result: Array<object[]>(times).fill(result(query)).flat() } });
    return createMeter({ query: async (query) => readAnswer(body(query), url, query), health: () => [], close: () => undefined }, TARGET);
  }

  it("of many series is read or refused", async () => {
    const many = { status: "success", data: { resultType: "vector", result: Array.from({ length: 200_000 }, (_, i) => ({ metric: { i: String(i) }, value: [NOW, "1"] })) } };
    await read(json(many), "perhaps");
  });

  it("of the same series twice is counted once", async () => {
    for (const times of [1, 2]) {
      count(KIND);
      let poll = 0;
      const meter = metered(["200", "500"], () => samples(1000 + 400 * poll, 100).map(([t, v]) => [t + 20 * poll, v]), times);
      await meter.poll();
      poll = 1;
      const arm = { requests: 800, errors: 400, latency: { le: [0.1, Infinity], count: [400, 400] } };
      expect(await meter.poll(), `${times} times`).to.deep.equal({ kind: "value", value: { from: NOW + 15, to: NOW + 35, canary: arm, stable: arm } });
    }
  });

  /** What counters do between two polls: they rise as they should, or do what they like. */
  const points = fc.oneof(
    fc.constant("rises" as const),
    fc.array(fc.tuple(fc.integer({ min: -100, max: 400 }), fc.oneof(fc.integer({ min: -1000, max: 100_000 }).map(String), fc.constantFrom("1e308", "-1e308", "9007199254740993", "0", "+Inf", "1e-300"))), { maxLength: 5 }),
  );
  const isCount = (text: string): boolean => Number(text) >= 0 && Number(text) <= Number.MAX_SAFE_INTEGER;

  it("in its samples is no window, never a promotion and never a wrong sentence, whatever counters do", async () => {
    const seen = { value: 0, unreadable: 0, promoted: 0 };
    await fc.assert(fc.asyncProperty(fc.array(points, { minLength: 2, maxLength: 12 }), fc.tuple(fc.constantFrom("200", "500", "", "abc", "und"), fc.constantFrom("200", "500")), async (polls, statuses) => {
      count(KIND);
      let values: readonly (readonly [number, string])[] = [];
      const meter = metered(statuses, () => values);
      const judge = new Judge(parseGates(undefined), { stages: [{ weight: 50 }, { weight: 100 }] });
      judge.beginStage(0);
      for (const [i, said] of polls.entries()) {
        values = said === "rises" ? [[NOW + 20 * i, String(5000 * i)]] : said.map(([t, v]) => [NOW + t, v]);
        const reading = await meter.poll();
        const unreadable = values.length === 0 || !values.every(([, v]) => isCount(v));
        if (unreadable) expect(reading.kind).to.equal("query-failed");
        if (reading.kind === "value") judge.observe(reading.value, "observing");
        else if (reading.kind !== "too-few-samples") judge.noData("reason" in reading ? reading.reason : "there is none");
        const verdict = judge.verdict({ elapsedSeconds: 60, dwellSeconds: 60, capSeconds: 3600 });
        if (unreadable || statuses.includes("500")) expect(verdict.verdict, verdict.reason).not.to.equal("promote");
        seen.value += reading.kind === "value" ? 1 : 0;
        seen.unreadable += unreadable ? 1 : 0;
        seen.promoted += verdict.verdict === "promote" ? 1 : 0;
        expectSentences(verdict.reason, "the judge");
        for (const gate of verdict.gates) {
          expectSentences(gate.sentence, `the gate ${gate.metric}`);
          for (const number of [gate.logE, gate.value]) expect(Number.isNaN(number ?? 0), `${gate.metric} ${gate.gate}: ${gate.sentence}`).to.equal(false);
        }
      }
    }), runs(CASES / 3));
    // Of each there were enough for the expectations above to mean something.
    expect(Math.min(...Object.values(seen)), JSON.stringify(seen)).to.be.greaterThan(CASES / 20);
  });

  it("ends `canary backtest` and `canary monitor` with a sentence", async () => {
    desk.write("Pulumi.dev.yaml", `config:\n  canary:namespace: shop\n  canary:stable: v1\n  canary:services:\n    shop: { image: shop, port: 8080, hosts: [shop.example] }\n  canary:analysis: { prometheus: "${url}", source: app, scrapeInterval: 1s }\n`);
    const span = ["--from", String(NOW), "--to", String(NOW + 60), "--canary", "v2", "--baseline", "v1", "--service", "shop"];
    for (const given of [{ body: "<html>" }, { body: "" }, json({ status: "error", error: "no" }), { status: 404, body: "not found" }, { status: 401, body: "" }, json(VECTOR), json([]), json(null)]) {
      count(KIND);
      answer = given;
      const past = await desk.canary(["backtest", "--prometheus", url, ...span]);
      expectRefusal(past, /v2|127\.0\.0\.1/);
      const told = await desk.stack(["monitor", "--duration", "0.2", "--alert-on-error"]);
      expect(told.code, told.stdout).to.equal(1);
      expect(told.changes).to.deep.equal([]);
      for (const line of told.stdout.split("\n")) expectSentences(line, "monitor");
    }
    expectRefusal(await desk.canary(["backtest", "--prometheus", "http://127.0.0.1:1", ...span]), /127\.0\.0\.1:1 cannot be reached/);
    for (const odd of ["", "nowhere", "ftp://x", "http://", "http://[", "javascript:alert(1)"]) expectRefusal(await desk.canary(["backtest", `--prometheus=${odd}`, ...span]), /--prometheus|prometheus/);
  });
});
