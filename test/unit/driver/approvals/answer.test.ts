import { expect } from "chai";
import * as fc from "fast-check";
import { readReply } from "../../../../driver/approvals/answer";

const reply = (status: number, body: string) => readReply({ status, body });
const said = (body: unknown): ReturnType<typeof reply> => reply(200, JSON.stringify(body));

describe("an approver's answer", () => {
  it("is yes or no, with or without a reason", () => {
    expect(said({ approved: true })).to.deep.equal({ says: "yes" });
    expect(said({ approved: true, pending: false, reason: null, ticket: 7 })).to.deep.equal({ says: "yes" });
    expect(said({ approved: false, reason: "freeze until Monday" })).to.deep.equal({ says: "no", reason: "freeze until Monday" });
  });

  it("is later by 202, by pending, and by 429 with the pause that it asks for", () => {
    expect(reply(202, "")).to.deep.equal({ says: "later" });
    expect(reply(202, JSON.stringify({ approved: true }))).to.deep.equal({ says: "later" });
    expect(said({ pending: true })).to.deep.equal({ says: "later" });
    expect(readReply({ status: 429, body: "", retryAfter: 20 })).to.deep.equal({ says: "later", seconds: 20 });
  });

  const none: readonly (readonly [string, number, string, RegExp])[] = [
    ["a login page", 200, "<html>please log in</html>", /no JSON object/],
    ["an empty body", 200, "", /no JSON object/],
    ["a bare true", 200, "true", /no JSON object/],
    ["a list", 200, '[{"approved":true}]', /no JSON object/],
    ["a yes in words", 200, '{"approved":"true"}', /neither/],
    ["a yes in numbers", 200, '{"approved":1}', /neither/],
    ["no answer in it", 200, "{}", /neither/],
    ["both yes and pending", 200, '{"approved":true,"pending":true}', /neither/],
    ["pending in words", 200, '{"approved":true,"pending":"no"}', /neither/],
    ["a reason that is no text", 200, '{"approved":true,"reason":{"a":1}}', /reason/],
    ["a yes cut short", 200, '{"approved":true', /no JSON object/],
    ["a yes with another status", 201, '{"approved":true}', /HTTP 201/],
    ["nothing", 204, "", /HTTP 204/],
    ["a redirect to a yes", 302, '{"approved":true}', /HTTP 302, and redirects are not followed/],
    ["a refusal to talk", 403, '{"approved":true}', /HTTP 403/],
  ];
  for (const [what, status, body, why] of none)
    it(`is none when it is ${what}`, () => {
      const answer = reply(status, body);
      expect(answer.says).to.equal("nothing");
      expect(answer).to.have.property("why").that.matches(why);
    });

  it("is a yes only where it is JSON with approved: true, whatever else comes", () => {
    const body = fc.oneof(fc.string(), fc.json(), fc.record({ approved: fc.jsonValue(), pending: fc.jsonValue(), reason: fc.jsonValue() }, { requiredKeys: [] }).map((v) => JSON.stringify(v)), fc.constant('{"approved":true}'));
    fc.assert(fc.property(fc.oneof(fc.constant(200), fc.integer({ min: 100, max: 599 })), body, (status, text) => {
      const answer = reply(status, text);
      if (answer.says !== "yes") return;
      expect(status).to.equal(200);
      const value = JSON.parse(text) as { approved: unknown; pending?: unknown };
      expect(value.approved).to.equal(true);
      expect(value.pending).to.be.oneOf([undefined, false]);
    }), { numRuns: 1000 });
  });

  it("has a reason that a terminal can show, of bounded length", () => {
    expect(said({ approved: false, reason: "\u001b[2J\u0007no\r\nway\u202e" })).to.deep.equal({ says: "no", reason: "[2J no way" });
    expect(said({ approved: false, reason: "x".repeat(10_000) })).to.have.property("reason").with.length(500);
    expect(said({ approved: true, reason: " \n " })).to.deep.equal({ says: "yes" });
  });
});
