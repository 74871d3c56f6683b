import { randomUUID } from "node:crypto";
import type { NoticeKind } from "../../../components/config";
import type { Notice } from "../notice";
import { signatureHeaders } from "../signature";
import { deliver, serviceOf, type Channel } from "./channel";

/** What a webhook gets; `type` is `canary.` and the kind of notice. Numbers that JSON has no word for are left out. */
export const webhookBody = ({ at, kind, settles: _, ...data }: Notice): object => ({ type: `canary.${kind}`, timestamp: new Date(at * 1000).toISOString(), data });

/** @param key by which the bodies are signed */
export function webhook(name: string, url: URL, key: Buffer, on: readonly NoticeKind[]): Channel {
  const [title, address] = [`the webhook ${name}`, url.origin];
  const service = serviceOf({ title, address });
  return {
    name: `webhook ${name}`, title, address, on,
    messages(notice) {
      const [id, body] = [`msg_${randomUUID()}`, JSON.stringify(webhookBody(notice))];
      return [{ kind: notice.kind, send: (signal) => deliver({ service, url, body, headers: signatureHeaders(key, id, new Date(), body), signal }) }];
    },
  };
}
