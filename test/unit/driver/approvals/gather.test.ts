import { expect } from "chai";
import { Webhook } from "standardwebhooks";
import { checkApprovers } from "../../../../driver/approvals/server";
import { EXIT, UsageError } from "../../../../driver/errors";
import { Dependencies } from "../../../../driver/resilience/registry";
import { hurried } from "../fakes";
import { receiver, stackOf, status, type Receiver } from "../notify/receivers";
import { AT, HOME, rolling, START, type Rolling, type RollingOptions } from "../run-fakes";
import { json, LocalServers, reset, silent } from "../servers";

const SECRET = "a secret of 24 characters";
const VARIABLE = "CANARY_TEST_APPROVAL_SECRET";
const STAGES = "stages: [{weight: 5, dwell: 0s}, {weight: 50}], warmUp: 0s, verifyTimeout: 20s, lockWait: 0s";

const webhook = ({ url }: Pick<Receiver, "url">, more = ""): string => `{kind: webhook, url: "${url}/ask", secretFrom: ${VARIABLE}, every: 1s${more}}`;
const yes = json(200, { approved: true, reason: "looks good" });
const no = json(200, { approved: false, reason: "freeze until Monday" });
const pending = json(200, { pending: true });
const today = (offset: number): string => ["sun", "mon", "tue", "wed", "thu", "fri", "sat"][(new Date().getUTCDay() + offset + 7) % 7]!;
/** Three days from any that it may be while the test runs. */
const CLOSED = (): string => `{kind: window, days: [${today(3)}], zone: UTC, deadline: 1s}`;
const OPEN = "{kind: window, zone: UTC}";

describe("approvals", function () {
  // Deadlines pass in real time, a second each.
  this.timeout(60_000);
  hurried();
  const servers = new LocalServers();
  before(() => void (process.env[VARIABLE] = SECRET));
  after(() => void delete process.env[VARIABLE]);
  afterEach(() => servers.closeAll());

  const asking = (approvals: string, options?: RollingOptions): Promise<Rolling> => rolling(`  canary:stable: v1\n  canary:rollout: {${STAGES}, approvals: {${approvals}}}`, options);
  const started = async (approvals: string, options?: RollingOptions) => {
    const s = await asking(approvals, options);
    return { s, ending: await s.run() };
  };

  it("by a webhook are waited for until it says yes, and the question is signed and has the facts", async () => {
    const server = await receiver(servers, pending, status(202), yes);
    const { s, ending } = await started(`board: ${webhook(server)}`);
    expect(ending.outcome).to.equal("promoted");
    expect(server.got).to.have.length(3);
    const questions = server.got.map(({ headers, body }) => new Webhook(Buffer.from(SECRET).toString("base64")).verify(body, headers as Record<string, string>) as { type: string; data: Record<string, unknown> });
    expect(questions[0]!.type).to.equal("canary.approval");
    expect(questions[0]!.data).to.deep.include({ question: "v2-1/promotion/board", approval: "board", namespace: "shop", rollout: "v2-1", version: "v2", from: "v1", before: "promotion", weight: 50, served: 0.5 });
    expect(questions[0]!.data["gates"]).to.deep.equal([{ metric: "errors", gate: "ratio", answer: "pass", sentence: "0 of 500 failed", value: 0 }]);
    expect(new Set(questions.map(({ data }) => `${data["question"]} ${data["askedAt"]} ${data["deadline"]}`)).size).to.equal(1);
    expect(new Set(server.got.map(({ headers }) => headers["webhook-id"])).size).to.equal(3);
    expect(s.events.filter(({ event }) => event === "ask").map(({ message }) => message)).to.deep.equal(["v2 waits for a yes to its promotion: board, for 60 min at most"]);
    expect(s.messages).to.include("board said yes: looks good");
    expect(s.store.book.journal.map(({ message }) => message)).to.include("v2: board said yes: looks good");
  });

  it("that a webhook refuses hold the rollout with its reason, or roll it back by config", async () => {
    const server = await receiver(servers, no);
    expect((await started(`board: ${webhook(server)}`)).ending).to.include({ exitCode: EXIT.held }).and.have.property("message").that.matches(/^v2 is held at weight 50: board said no: freeze until Monday\./);
    const { s, ending } = await started(`board: ${webhook(server, ", onNo: rollback")}`);
    expect(ending).to.include({ exitCode: EXIT.rolledBack, message: "v2 is rolled back: board said no: freeze until Monday." });
    expect(s.ups.slice(-2)).to.deep.equal(HOME);
    expect(s.store.book.rollbacks).to.deep.equal({ approval: 1 });
  });

  it("are never given by a server that is blind, however it fails; at the deadline the rollout is held", async () => {
    const gone = await receiver(servers);
    await gone.stop();
    const evil = await receiver(servers, yes);
    const failing = await Promise.all([
      receiver(servers, status(500)), receiver(servers, silent), receiver(servers, reset), receiver(servers, status(302, { location: `${evil.url}/yes` })),
      receiver(servers, status(200, {}, "<html>please log in</html>")), receiver(servers, json(200, { approved: "true" })), receiver(servers, json(403, { approved: true })),
      receiver(servers, status(200, {}, `{"approved": true, "padding": "${"x".repeat(100_000)}"}`)),
    ]);
    const endings = await Promise.all([...failing, gone].map((server) => started(`board: ${webhook(server, ", deadline: 1s")}`)));
    for (const { s, ending } of endings) {
      expect(ending.message).to.match(/^v2 is held at weight 50: board gave no answer within 1 s\./);
      expect(s.ups.at(-1)).to.equal(AT(50));
    }
    expect(evil.got).to.deep.equal([]);
  });

  it("say once why a server gives no answer, and go on asking it", async () => {
    const login = status(200, {}, "<html>please log in</html>");
    const server = await receiver(servers, login, login, status(302, { location: "/login" }), login, no);
    const { s, ending } = await started(`board: ${webhook(server)}`);
    expect(ending.message).to.include("board said no: freeze until Monday.");
    expect(s.messages.filter((m) => m.startsWith("board"))).to.deep.equal([
      "board gives no answer (its answer is no JSON object): it is asked again every 1 s, and that is no yes",
      "board gives no answer (it answered HTTP 302, and redirects are not followed): it is asked again every 1 s, and that is no yes",
    ]);
  });

  it("roll back at the deadline where the config says so", async () => {
    const server = await receiver(servers, pending);
    expect((await started(`board: ${webhook(server, ", deadline: 1s, onDeadline: rollback")}`)).ending.message).to.equal("v2 is rolled back: board gave no answer within 1 s.");
  });

  it("are not waited for by a canary that fails meanwhile: it goes home", async () => {
    const server = await receiver(servers, pending);
    const s = await asking(`board: ${webhook(server)}`);
    void server.come(2).then(() => s.says("rollback", "errors: 20 % failed."));
    expect(await s.run()).to.include({ exitCode: EXIT.rolledBack, message: "v2 is rolled back: errors: 20 % failed." });
  });

  it("are overruled by a person who insists from another terminal, for everything that is still to be asked", async () => {
    const server = await receiver(servers, pending);
    const s = await asking(`board: ${webhook(server, ", before: 50")}, later: ${webhook(server)}, night: ${CLOSED()}`, { confirm: async () => undefined });
    Object.assign(s.rollout.context, { insisted: server.come(2) });
    expect((await s.run()).outcome).to.equal("promoted");
    expect(s.messages.filter((m) => m.includes("insists"))).to.have.length(2);
    expect(server.got).to.have.length(2);
  });

  it("by a webhook or a window are not given by --yes", async () => {
    const server = await receiver(servers, no);
    expect((await started(`board: ${webhook(server)}`, { confirm: async () => true })).ending.exitCode).to.equal(EXIT.held);
    expect((await started(`night: ${CLOSED()}`, { confirm: async () => true })).ending.message).to.match(/^v2 is held at weight 50: night did not open within 1 s\./);
  });

  it("by a webhook do not answer the question to the person", async () => {
    const server = await receiver(servers, yes);
    expect((await started(`board: ${webhook(server)}`, { confirm: async () => undefined })).ending.message).to.include("nobody said yes to its promotion");
  });

  it("by a person wait for one where there is no terminal, and take the terminal's answer where there is", async () => {
    const person = "{kind: person, deadline: 1s}";
    expect((await started(`manager: ${person}`, { confirm: async () => undefined })).ending.message).to.match(/^v2 is held at weight 50: manager gave no answer within 1 s\./);
    expect((await started(`manager: ${person}`, { confirm: async () => false })).ending.message).to.match(/^v2 is held at weight 50: The answer to manager was no\./);
    expect((await started(`manager: ${person}`, { confirm: async () => true })).ending.outcome).to.equal("promoted");
    const insisted = await asking("manager: {kind: person}", { confirm: async () => undefined });
    Object.assign(insisted.rollout.context, { insisted: new Promise((resolve) => setTimeout(resolve, 20)) });
    expect((await insisted.run()).outcome).to.equal("promoted");
  });

  it("need every yes: one no ends the wait for all others", async () => {
    const [first, second] = [await receiver(servers, yes), await receiver(servers, pending, no)];
    expect((await started(`a: ${webhook(first)}, b: ${webhook(second)}, c: ${OPEN}, d: {kind: person}`)).ending.message).to.include("b said no: freeze until Monday.");
    const third = await receiver(servers, pending, yes);
    expect((await started(`a: ${webhook(first)}, b: ${webhook(third)}, c: ${OPEN}, d: {kind: person}`)).ending.outcome).to.equal("promoted");
  });

  it("by a window that is closed are not given by a yes of somebody else", async () => {
    const server = await receiver(servers, yes);
    const { s, ending } = await started(`board: ${webhook(server)}, night: ${CLOSED()}`);
    expect(ending.message).to.include("night did not open within 1 s.");
    expect(s.events.find(({ event }) => event === "ask")?.message).to.match(/^v2 waits for a yes to its promotion: board, night \(from \w{3} \d+ \w{3} 00:00 UTC\), for 1 s at most$/);
  });

  it("before a stage keep the weight where it is, and are asked again when the rollout is resumed", async () => {
    const server = await receiver(servers, no, yes);
    const s = await asking(`board: ${webhook(server, ", before: 50")}`, { confirm: async () => true });
    expect((await s.run()).message).to.match(/^v2 is held at weight 5: board said no/);
    expect(s.ups).to.deep.equal([START, AT(5)]);
    expect(s.store.book.record!.rollout).to.include({ phase: "held", stage: 0, weight: 5 });
    expect(JSON.parse(server.got[0]!.body)).to.have.nested.property("data.before", 50);
    expect((await s.run({ phase: "raising", stage: 0 })).outcome).to.equal("promoted");
    expect(server.got).to.have.length(2);
  });

  it("before a weight that no stage has stand before the first one above it, or else before the promotion", async () => {
    const server = await receiver(servers, no);
    expect((await started(`board: ${webhook(server, ", before: 1")}`)).ending.message).to.match(/^v2 is held at weight 0: board said no/);
    expect((await started(`board: ${webhook(server, ", before: 20")}`)).ending.message).to.match(/^v2 is held at weight 5: board said no/);
    expect((await started(`board: ${webhook(server, ", before: 80")}`)).ending.message).to.match(/^v2 is held at weight 50: board said no/);
  });

  it("whose secret is missing are told before anything is touched, and never given", async () => {
    const server = await receiver(servers, yes);
    const config = stackOf({ rollout: { approvals: { board: { kind: "webhook", url: server.url, secretFrom: "NO_SUCH_SECRET" } } } });
    expect(() => checkApprovers(config, new Dependencies(), {})).to.throw(UsageError, "canary:rollout.approvals.board.secretFrom names NO_SUCH_SECRET, which is not set");
    expect((await started(`board: {kind: webhook, url: "${server.url}", secretFrom: NO_SUCH_SECRET}`)).ending.message).to.match(/^v2 is held at weight 50: board cannot be asked: canary:rollout\.approvals\.board\.secretFrom names/);
    expect(server.got).to.deep.equal([]);
  });

  it("show their server among what the driver depends on, with its circuit", async () => {
    const server = await receiver(servers, no);
    const { s } = await started(`board: ${webhook(server)}`);
    expect(s.rollout.context.dependencies.snapshot()).to.deep.include.members([{ ...s.rollout.context.dependencies.snapshot().find(({ name }) => name === "approval board")!, address: server.url, healthy: true, circuit: "closed" }]);
  });
});
