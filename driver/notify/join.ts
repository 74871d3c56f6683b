import type { NotificationsConfig, StackConfig } from "../../components/config";
import { ENDS, NOTICES } from "../../components/config/schema/notifications";
import { UsageError } from "../errors";
import type { Join, Listener, Occasion } from "../report/listeners";
import { ServiceCalls, type CallLimits } from "../resilience/policies";
import { serviceOf, type Channel } from "./channels/channel";
import { github } from "./channels/github";
import { pagerduty } from "./channels/pagerduty";
import { slack } from "./channels/slack";
import { webhook } from "./channels/webhook";
import { Notices } from "./notice";
import { Outbox, type Unsent } from "./outbox";
import { addressOf, secretOf, signingKey, type Environment } from "./secrets";

/** Of one message, in seconds. */
const LIMITS: CallLimits = { timeout: 5, total: 30, parallelism: 1 };

const KEY = "canary:notifications";
const SLACK = "SLACK_WEBHOOK_URL";
const SUMMARY = "GITHUB_STEP_SUMMARY";

type Make = (environment: Environment, wanted: NotificationsConfig, config: StackConfig) => readonly (() => Channel)[];

/** The channels that a stack may have, each made when it is wanted; making one throws a UsageError where something is missing. */
const CHANNELS: readonly Make[] = [
  (env, { slack: wanted }, config) => {
    if (wanted === false || (wanted === undefined && !env[SLACK]?.trim())) return [];
    const { urlFrom, on } = wanted ?? { urlFrom: SLACK, on: NOTICES };
    return [() => slack(addressOf(env, { key: `${KEY}.slack`, urlFrom }), on, config)];
  },
  (env, { pagerduty: wanted }) => (wanted ? [() => pagerduty(secretOf(env, `${KEY}.pagerduty.keyFrom`, wanted.keyFrom), new URL(wanted.url), wanted.on)] : []),
  (env, { webhooks }) => Object.entries(webhooks).map(([name, { url, urlFrom, secretFrom, on }]) => () => {
    const key = `${KEY}.webhooks.${name}`;
    return webhook(name, addressOf(env, { key, url, urlFrom }), signingKey(env, key, secretFrom), on);
  }),
  (env, { githubSummary: wanted }, config) => {
    const file = env[SUMMARY]?.trim();
    return wanted === false || !file ? [] : [() => github(file, wanted?.on ?? ENDS, config)];
  },
];

/** The channels that config and environment ask for. One that cannot be is named, and left out: nobody is kept from a rollback by it. */
export function channelsOf(config: StackConfig, environment: Environment, note: (sentence: string) => void): readonly Channel[] {
  return CHANNELS.flatMap((make) => make(environment, config.notifications, config)).flatMap((make) => {
    try {
      return [make()];
    } catch (cause) {
      if (!(cause instanceof UsageError)) throw cause;
      note(`Not everybody is told of this: ${cause.message}`);
      return [];
    }
  });
}

const clause = ({ title, missed, of, why }: Unsent): string => `${title} missed ${missed} of ${of} ${of === 1 ? "message" : "messages"} (${why.replace(/\.$/, "")})`;

/** Tells channels what is news in a verb's events. */
class Notifier implements Listener {
  private readonly notices: Notices;
  private readonly boxes: readonly { readonly channel: Channel; readonly box: Outbox }[];

  constructor(private readonly occasion: Occasion, channels: readonly Channel[]) {
    const { dependencies } = occasion;
    this.notices = new Notices(occasion);
    this.boxes = channels.map((channel) => {
      const { name, address, title } = channel;
      const account = dependencies.register(name, address);
      const calls = new ServiceCalls(serviceOf(channel), account, dependencies.settings, LIMITS);
      account.registration = { circuit: () => calls.circuit };
      return { channel, box: new Outbox({ title, calls, account, rest: dependencies.settings.circuitReset }) };
    });
  }

  hear(event: Parameters<Listener["hear"]>[0]): void {
    const notice = this.notices.next(event);
    if (!notice) return;
    for (const { channel, box } of this.boxes) if (channel.on.includes(notice.kind)) channel.messages(notice).forEach((message) => box.put(message));
  }

  async close(): Promise<void> {
    const unsent = (await Promise.all(this.boxes.map(({ box }) => box.close()))).filter((u) => u !== undefined);
    if (unsent.length > 0) this.occasion.note(`Not everybody was told of this: ${unsent.map(clause).join("; ")}.`);
  }
}

/** Who is told of a rollout by message, as the stack and the environment have it. */
export const notifier = (environment: Environment): Join => (occasion) => {
  const channels = channelsOf(occasion.config, environment, occasion.note);
  return channels.length > 0 ? new Notifier(occasion, channels) : undefined;
};
