import { createServer as createHttpServer, type RequestListener } from "node:http";
import { createServer, type AddressInfo, type Server, type Socket } from "node:net";
import { expect } from "chai";
import { Webhook } from "standardwebhooks";
import type { DriverRun } from "../../sandbox/demo/driver";
import { shopStack, type Shop } from "./harness";

const SECRET = "a secret of 24 characters";
const SHORT = { stages: [{ weight: 50, dwell: "1s" }, { weight: 100, dwell: "1s" }], warmUp: "0s", verifyTimeout: "60s", undoWindow: "0s" };
const open: Server[] = [];

const listen = async (server: Server): Promise<string> => {
  await new Promise<void>((ready) => server.listen(0, "127.0.0.1", ready));
  open.push(server);
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
};

/** A port on which connections are accepted and nothing is ever said. */
const silentPort = (): Promise<string> => listen(createServer((socket: Socket) => void socket.on("error", () => undefined)));

/** A port on which nobody listens. */
async function closedPort(): Promise<string> {
  const server = createServer();
  const url = await listen(server);
  await new Promise((closed) => server.close(closed));
  return url;
}

/** An HTTP server that keeps the bodies it gets, with what a receiver verifies them by. */
async function keeping(answer: (n: number) => { status: number; body: unknown }): Promise<{ url: string; got: { headers: Record<string, string>; body: string }[] }> {
  const got: { headers: Record<string, string>; body: string }[] = [];
  const handle: RequestListener = (request, response) => {
    let body = "";
    request.on("data", (chunk: Buffer) => (body += chunk.toString())).on("end", () => {
      got.push({ headers: request.headers as Record<string, string>, body });
      const { status, body: said } = answer(got.length - 1);
      response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(said));
    });
  };
  return { url: await listen(createHttpServer(handle)), got };
}

/** A stack with v1 installed, and a load that a rollout can be judged by. */
async function installed(name: string, keys: object = {}): Promise<Shop> {
  const shop = await shopStack(name, { rollout: SHORT, ...keys });
  expect((await shop.canary("deploy", "v1")).exitCode).to.equal(0);
  return shop;
}

const endOf = (run: DriverRun): string => `${run.exitCode} ${run.events.find(({ event }) => event === "end")?.message ?? run.stderr}`;

describe("a rollout that others are told of", function () {
  this.timeout(600_000);
  after(() => open.forEach((server) => server.close()));

  it("ends as one without Slack when Slack refuses or never answers, and says once at its end what was not told", async () => {
    const shop = await installed("told");
    const load = shop.background(50);
    const without = await shop.canary("deploy", "v2", "--yes");
    expect(endOf(without)).to.match(/^0 v2 is stable/);
    expect(without.events.at(-1)!.event).to.equal("end");
    for (const [version, url] of [["v1", await closedPort()], ["v2", await silentPort()]] as const) {
      shop.env.SLACK_WEBHOOK_URL = `${url}/services/T0B0/hush`;
      const run = await shop.canary("deploy", version, "--yes");
      expect(endOf(run)).to.match(new RegExp(`^0 ${version} is stable`));
      const told = run.events.filter(({ message }) => message.includes("Slack"));
      expect(told.map(({ message }) => message).join("\n")).to.match(/^Not everybody was told of this: Slack missed 4 of 4 messages \(Slack at http:\/\/127\.0\.0\.1:\d+ (cannot be reached \(ECONNREFUSED\)|did not answer within 5 s)\)\.$/);
      expect(run.events.at(-1)).to.deep.equal(told[0]);
      expect(JSON.stringify(run.events) + run.stderr).not.to.include("hush");
    }
    await load.stop();
  });

  it("waits for a webhook that does not know yet, is promoted by its yes, held by its no, and by a person whatever it says", async () => {
    let say = (n: number): { status: number; body: unknown } => (n < 2 ? { status: 202, body: {} } : { status: 200, body: { approved: true, reason: "change 4711" } });
    const [board, slack] = [await keeping((n) => say(n)), await keeping(() => ({ status: 200, body: "ok" }))];
    const shop = await installed("asked", { rollout: { ...SHORT, approvals: { board: { kind: "webhook", url: board.url, secretFrom: "BOARD_SECRET", every: "1s" } } } });
    Object.assign(shop.env, { BOARD_SECRET: SECRET, SLACK_WEBHOOK_URL: `${slack.url}/services/T0B0/hush` });
    const load = shop.background(50);

    const approved = await shop.canary("deploy", "v2", "--yes");
    expect(endOf(approved)).to.match(/^0 v2 is stable/);
    const [question] = board.got.map(({ headers, body }) => new Webhook(Buffer.from(SECRET).toString("base64")).verify(body, headers) as { data: Record<string, unknown> });
    expect(question!.data).to.include({ approval: "board", version: "v2", from: "v1", before: "promotion", weight: 100 });
    expect(approved.events.map(({ message }) => message)).to.include("board said yes: change 4711");
    const promotion = slack.got.at(-1)!.body;
    expect(promotion).to.include("v2 is promoted").and.to.match(/requests +\d+ +\d+/);
    expect(slack.got.map(({ body }) => body).join()).to.include("waits for a yes to its promotion: board");

    say = () => ({ status: 200, body: { approved: false, reason: "freeze until Monday" } });
    const refused = await shop.canary("deploy", "v1", "--yes");
    expect(endOf(refused)).to.match(/^3 v1 is held at weight 100: board said no: freeze until Monday\./);
    expect((await shop.canary("rollback")).exitCode).to.equal(2);

    say = () => ({ status: 202, body: {} });
    let insisted: Promise<DriverRun> | undefined;
    const waiting = await shop.canaryWatched(["deploy", "v1", "--yes", "--retry"], ({ event }) => {
      if (event === "ask") insisted = shop.canary("promote");
    });
    expect(endOf(waiting)).to.match(/^0 v1 is stable/);
    expect(endOf((await insisted)!)).to.match(/^0 v1 is promoted by its driver\./);
    await load.stop();
  });
});
