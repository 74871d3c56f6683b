import { expect } from "chai";
import * as fc from "fast-check";
import { readReply } from "../../../driver/approvals/answer";
import { retryAfter } from "../../../driver/notify/post";
import { changed } from "../components/declare";
import { breakage, ODD_VALUES, pathsIn, renamed, runs, slip, TEXT_BREAKAGES, without } from "./breakages";
import { CASES, count, expectSentences } from "./oracle";

const KIND = "approvers' answers";
const ANSWERS: readonly object[] = [{ approved: true }, { approved: true, reason: "looks good" }, { approved: false, reason: "not today" }, { pending: true }, { approved: true, pending: false }];
const STATUSES = [200, 200, 200, 201, 202, 204, 301, 302, 400, 401, 403, 404, 418, 429, 500, 502, 503];

describe("a malformed answer of an approver", () => {
  /** Only a plain yes is one; the rest is no, later, or nothing, which says why. */
  function read(status: number, body: string): void {
    count(KIND);
    const reply = readReply({ status, body });
    if (reply.says === "yes") {
      expect(status).to.equal(200);
      expect((JSON.parse(body) as { approved: unknown }).approved).to.equal(true);
    }
    if (reply.says === "nothing") expectSentences(reply.why, "an approver");
    if ("reason" in reply) {
      expect(reply.reason).to.be.a("string").and.have.length.within(1, 500);
      expect(reply.reason).not.to.match(/[\x00-\x1f\x7f-\x9f\u202e]/);
    }
  }

  it("is never a yes when one value is odd, a key is missing, or has another name", () =>
    fc.assert(fc.property(fc.constantFrom(...ANSWERS), fc.nat(), fc.constantFrom(...ODD_VALUES, "true", "yes", "TRUE", 1), fc.nat(9), fc.nat(9), fc.constantFrom(...STATUSES), (answer, choice, odd, kind, at, status) => {
      const paths = pathsIn(answer);
      const where = paths[choice % paths.length]!;
      const broken = kind > 6 ? changed(answer, where, odd) : kind === 6 ? without(answer, where) : renamed(answer, where, slip(String(where.at(-1)), kind, at));
      read(status, JSON.stringify(broken));
    }), runs(CASES * 0.6)));

  it("is never a yes when the text is broken, or is another one's", () =>
    fc.assert(fc.property(fc.constantFrom(...ANSWERS), breakage, fc.constantFrom(...STATUSES), (answer, { name, at }, status) => read(status, TEXT_BREAKAGES[name]!(JSON.stringify(answer), at).toString())), runs(CASES * 0.4)));

  it("asks to be asked again within bounds, or not at all", () =>
    fc.assert(fc.property(fc.oneof(fc.string(), fc.constantFrom("-1", "1e9", "99999999999999999999", "NaN", "Infinity", "", " ", "Thu, 01 Jan 1970 00:00:00 GMT", "Fri, 31 Dec 9999 23:59:59 GMT", "0", "0.5")), (text) => {
      const seconds = retryAfter(text, Date.now());
      if (seconds !== undefined) expect(seconds).to.be.within(1, 60);
    }), runs(200)));
});
