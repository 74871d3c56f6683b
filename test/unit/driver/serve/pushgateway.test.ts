import { expect } from "chai";
import { parseConfig } from "../../../../components/config";
import { UsageError } from "../../../../driver/errors";
import type { Ledger } from "../../../../driver/record/ledger";
import type { RolloutEvent } from "../../../../driver/report/events";
import { PushedMetrics } from "../../../../driver/serve/pushgateway";
import { Dependencies } from "../../../../driver/resilience/registry";
import { LocalServers, reset, silent, type Handler, type LocalServer } from "../servers";

interface Push {
  readonly request: string;
  readonly authorization: string | undefined;
  readonly body: string;
}

const config = parseConfig({ namespace: "shop", stable: "v1", services: { shop: { image: "registry.example/shop", port: 8080, hosts: ["shop.example"] } } });
const stage: RolloutEvent = { t: 1010, event: "stage", stage: 0, weight: 5, message: "" };

describe("the push to a Pushgateway", () => {
  const servers = new LocalServers();
  const pushes: Push[] = [];
  const notes: string[] = [];
  let ledger: { rollout?: { version: string; startedAt: string }; rollbacks: Record<string, number>; trouble: string | undefined };
  let pushed: PushedMetrics | undefined;
  let dependencies: Dependencies;

  beforeEach(() => {
    pushes.length = notes.length = 0;
    ledger = { rollout: { version: "v2", startedAt: new Date(1_000_000).toISOString() }, rollbacks: { verdict: 2 }, trouble: undefined };
    dependencies = new Dependencies({ tries: 1, retryDelay: 1, retryFactor: 2, circuitFailures: 2, circuitReset: 30 });
  });
  afterEach(async () => {
    servers.closeAll();
    await pushed?.close();
    pushed = undefined;
  });

  const takes: Handler = (request, response) => {
    let body = "";
    request.setEncoding("utf8").on("data", (part) => (body += part)).on("end", () => {
      pushes.push({ request: `${request.method} ${request.url}`, authorization: request.headers.authorization, body });
      response.writeHead(200).end();
    });
  };

  const pushTo = (url: string, every = 60_000): PushedMetrics =>
    (pushed = new PushedMetrics(url, { stack: "acme/canary/production", config, ledger: ledger as unknown as Ledger, dependencies, note: (sentence) => notes.push(sentence) }, every));

  async function until(condition: () => boolean): Promise<void> {
    while (!condition()) await new Promise((next) => setTimeout(next, 5));
  }

  it("says at once what the record counts, and again at the end, in place of what was there", async () => {
    const gateway = await servers.start(takes);
    const metrics = pushTo(`${gateway.url}/`);
    await until(() => pushes.length === 1);
    metrics.hear(stage);
    await metrics.close();
    expect(pushes.map(({ request }) => request)).to.deep.equal(Array(2).fill("PUT /metrics/job/canary/stack/production/namespace/shop"));
    expect(pushes[0]!.body).to.include('canary_rollback_total{stack="production",namespace="shop",service="shop",reason="verdict"} 2').and.to.include('reason="manual"} 0').and.to.not.include("process_");
    expect(pushes[1]!.body).to.include('canary_weight{stack="production",namespace="shop",service="shop",version="v2"} 5');
    expect(notes).to.deep.equal([]);
  });

  it("goes on pushing meanwhile", async () => {
    const gateway = await servers.start(takes);
    const metrics = pushTo(gateway.url, 10);
    metrics.hear(stage);
    await until(() => pushes.length >= 4);
    expect(pushes.at(-1)!.body).to.match(/canary_weight.* 5/);
  });

  it("logs in with the URL's credentials, which nobody gets to see", async () => {
    const gateway = await servers.start(takes);
    const url = gateway.url.replace("//", "//ci:s3cret@");
    await pushTo(url).close();
    expect(pushes.at(-1)!.authorization).to.equal(`Basic ${Buffer.from("ci:s3cret").toString("base64")}`);
    await gateway.stop();
    await pushTo(url).close();
    expect(JSON.stringify([notes, dependencies.snapshot()])).to.not.include("s3cret");
    expect(dependencies.snapshot()[0]).to.deep.include({ name: "pushgateway", address: gateway.url, healthy: false });
  });

  it("notes once, at the end, that nobody takes it, and leaves a dead one alone after some failures", async () => {
    const gateway = await servers.start(reset);
    const metrics = pushTo(gateway.url, 5);
    await until(() => dependencies.snapshot()[0]!.circuit === "open");
    const { length } = gateway.seen;
    for (let i = 0; i < 5; i++) metrics.hear(stage);
    await new Promise((next) => setTimeout(next, 50));
    expect(gateway.seen).to.have.length(length);
    await metrics.close();
    expect(notes).to.have.length(1);
    expect(notes[0]).to.match(/^The metrics were not pushed: The Pushgateway http:\/\/127\.0\.0\.1:\d+ is left alone for 30 s after 2 failures \(last: .*\)\.$/);
  });

  it("does not count a refusal against the gateway, and says what it was", async () => {
    const gateway = await servers.start((_, response) => response.writeHead(400).end("pushed metrics are invalid"));
    await pushTo(gateway.url).close();
    expect(notes).to.deep.equal([`The metrics were not pushed: The Pushgateway ${gateway.url} refused them: push failed with status 400, pushed metrics are invalid.`]);
    expect(dependencies.snapshot()[0]).to.include({ healthy: true });
  });

  const hanging: Record<string, Handler> = { "takes the connection and says nothing": silent, "begins to answer and never ends": (_, response) => void response.writeHead(200).write("x") };
  for (const [name, handler] of Object.entries(hanging))
    it(`ends within seconds when the gateway ${name}`, async function () {
      this.timeout(10_000);
      const gateway: LocalServer = await servers.start(handler);
      const metrics = pushTo(gateway.url);
      await until(() => gateway.seen.length > 0);
      await metrics.close();
      expect(notes).to.have.length(1);
      expect(notes[0]).to.match(/did not answer within 3 s\.$/);
      pushed = undefined;
    });

  it("is refused where its address is none", () => {
    expect(() => pushTo("http://[")).to.throw(UsageError, "The Pushgateway's address is no URL: correct canary:metrics.pushgateway, or PUSHGATEWAY_URL.");
    pushed = undefined;
  });
});
