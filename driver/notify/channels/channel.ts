import type { NoticeKind } from "../../../components/config";
import { ServiceUnavailable } from "../../resilience/policies";
import type { Notice } from "../notice";
import { NotTaken, Throttled, Unwelcome, type Message } from "../outbox";
import { post, type Post } from "../post";

/** Somewhere that notices are sent to. */
export interface Channel {
  /** Its name among the driver's dependencies, e.g. `webhook audit`. */
  readonly name: string;
  /** How a sentence names it, e.g. `the webhook audit`. */
  readonly title: string;
  /** Where it is, without anything secret. */
  readonly address: string;
  /** What it is told. */
  readonly on: readonly NoticeKind[];
  /** What is sent for a notice. */
  messages(notice: Notice): readonly Message[];
}

/** Names a channel at the beginning of a sentence. */
export const serviceOf = ({ title, address }: Pick<Channel, "title" | "address">): string => `${title[0]!.toUpperCase()}${title.slice(1)} at ${address}`;

/** Seconds for which a server that names none is given a pause. */
const PAUSE = 5;

/** Nobody is there who would take our messages, whatever is in them. */
const UNWELCOME = new Set([401, 403, 404, 405, 410]);

/**
 * Posts a message. An answer below 300 means that it was taken.
 *
 * @throws Throttled, NotTaken, Unwelcome or ServiceUnavailable, each with one sentence without anything secret
 */
export async function deliver(request: Post): Promise<void> {
  const { status, retryAfter } = await post(request);
  if (status < 300) return;
  const said = `${request.service} answered HTTP ${status}`;
  if (status === 429) throw new Throttled(`${said}: too many messages.`, retryAfter ?? PAUSE);
  if (status < 400) throw new Unwelcome(`${said}, and redirects are not followed: check its address.`);
  if (UNWELCOME.has(status)) throw new Unwelcome(`${said}: check its address and its key.`);
  if (status >= 500 || status === 408) throw new ServiceUnavailable(`${said}.`);
  throw new NotTaken(`${said}: it does not take this message.`);
}
