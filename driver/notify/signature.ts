import { createHmac } from "node:crypto";

/**
 * Headers by which a receiver knows who sent a body, when, and whether it has had it before: those of Standard Webhooks
 * (standardwebhooks.com), for which there are libraries in most languages. The signature is the HMAC-SHA256 of
 * `<id>.<timestamp>.<body>` in base64; the timestamp is in seconds since the epoch.
 *
 * @param id of the delivery; the same when it is tried again
 */
export function signatureHeaders(key: Buffer, id: string, at: Date, body: string): Readonly<Record<string, string>> {
  const timestamp = String(Math.floor(at.getTime() / 1000));
  const signature = createHmac("sha256", key).update(`${id}.${timestamp}.${body}`).digest("base64");
  return { "webhook-id": id, "webhook-timestamp": timestamp, "webhook-signature": `v1,${signature}` };
}
