import { spawnSync } from "node:child_process";
import * as fs from "node:fs";
import * as path from "node:path";
import { expect } from "chai";
import * as fc from "fast-check";
import { Webhook, WebhookVerificationError } from "standardwebhooks";
import { UsageError } from "../../../../driver/errors";
import { retryAfter } from "../../../../driver/notify/post";
import { addressOf, secretOf, signingKey } from "../../../../driver/notify/secrets";
import { signatureHeaders } from "../../../../driver/notify/signature";
import { folder } from "../fakes";

const SECRET = `whsec_${Buffer.from("0123456789abcdef0123456789abcdef").toString("base64")}`;
const key = (value: string): Buffer => signingKey({ SECRET: value }, "canary:notifications.webhooks.audit", "SECRET");

describe("the signature of a webhook", () => {
  it("is accepted by another implementation of Standard Webhooks, whatever the body", () => {
    fc.assert(fc.property(fc.jsonValue(), (value) => {
      const body = JSON.stringify(value);
      const headers = signatureHeaders(key(SECRET), "msg_1", new Date(), body);
      new Webhook(SECRET).verify(body, { ...headers });
    }));
  });

  it("is refused there for another body, another id, another secret, and when it is old", () => {
    const headers = signatureHeaders(key(SECRET), "msg_1", new Date(), "{}");
    const refused = (body: string, changed: object, secret = SECRET): void =>
      void expect(() => new Webhook(secret).verify(body, { ...headers, ...changed }), JSON.stringify(changed)).to.throw(WebhookVerificationError);
    refused('{"a":1}', {});
    refused("{}", { "webhook-id": "msg_2" });
    refused("{}", {}, `whsec_${Buffer.from("another secret of 32 characters!").toString("base64")}`);
    refused("{}", { ...signatureHeaders(key(SECRET), "msg_1", new Date(Date.now() - 600_000), "{}") });
  });

  it("is made with any text of 16 characters or more, too", () => {
    const headers = signatureHeaders(key("correct horse battery"), "msg_1", new Date(), "{}");
    new Webhook(Buffer.from("correct horse battery").toString("base64")).verify("{}", { ...headers });
  });
});

describe("the receivers in docs/notifications.md", () => {
  const text = fs.readFileSync(path.resolve(__dirname, "../../../../../docs/notifications.md"), "utf8");
  const block = (language: string): string => new RegExp(`\`\`\`${language}\\n([^]*?)\`\`\``).exec(text)![1]!;
  const body = JSON.stringify({ reason: "größer → kleiner", n: 1 });

  for (const secret of [SECRET, "correct horse battery"]) {
    const headers = signatureHeaders(key(secret), "msg_1", new Date(), body);
    const kind = secret === SECRET ? "whsec_ and base64" : "a text";

    it(`verify a body in Node.js, and no other, with ${kind}`, () => {
      const verified = new Function("require", `${block("js")}\nreturn verified;`)(require) as (headers: object, body: string, secret: string) => boolean;
      expect([verified(headers, body, secret), verified(headers, `${body} `, secret), verified(headers, body, `x${secret}`), verified({ ...headers, "webhook-timestamp": "1" }, body, secret)]).to.deep.equal([true, false, false, false]);
    });

    it(`verify a body in a shell, and no other, with ${kind}`, () => {
      const cwd = folder("receiver");
      const run = (content: string): string => {
        fs.writeFileSync(path.join(cwd, "body"), content);
        const env = { ...process.env, secret, id: headers["webhook-id"], at: headers["webhook-timestamp"], signature: headers["webhook-signature"] };
        return spawnSync("sh", ["-c", block("sh")], { cwd, env, encoding: "utf8" }).stdout.trim();
      };
      expect([run(body), run(`${body} `)]).to.deep.equal(["verified", ""]);
    });
  }
});

describe("a secret in the environment", () => {
  const refusal = (act: () => unknown): string => {
    try {
      act();
    } catch (error) {
      expect(error).to.be.instanceOf(UsageError);
      return `${(error as Error).message} ${(error as Error).stack} ${String((error as Error).cause)}`;
    }
    return expect.fail("nothing was refused");
  };

  it("that is missing is named by its variable and by the key that wants it", () => {
    expect(() => secretOf({ SLACK: " " }, "canary:notifications.slack.urlFrom", "SLACK")).to.throw("canary:notifications.slack.urlFrom names SLACK, which is not set: set this environment variable to the secret, or name another one.");
  });

  it("that is useless is never shown", () => {
    for (const hush of ["hush", "whsec_hush!hush", "whsec_"]) expect(refusal(() => key(hush))).to.match(/^SECRET holds no secret/).and.not.to.include("hush");
    for (const hush of ["hush", "ftp://hush", "//hush/x"])
      expect(refusal(() => addressOf({ URL: hush }, { key: "canary:notifications.slack", urlFrom: "URL" })), hush).to.match(/^URL holds no URL, which canary:notifications\.slack\.urlFrom needs/).and.not.to.include("hush");
  });
});

describe("Retry-After", () => {
  it("is seconds or a date, within bounds, and nothing else", () => {
    const now = Date.parse("2026-01-01T00:00:00Z");
    expect(["5", "0", "86400", "Thu, 01 Jan 2026 00:00:30 GMT", "Wed, 31 Dec 2025 00:00:00 GMT", "soon", "", undefined].map((text) => retryAfter(text, now))).to.deep.equal([5, 1, 60, 30, 1, undefined, undefined, undefined]);
  });
});
