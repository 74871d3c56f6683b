import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import type { Approval, StackConfig, WebhookApproval } from "../../components/config";
import { post } from "../notify/post";
import { addressOf, signingKey, type Environment } from "../notify/secrets";
import { signatureHeaders } from "../notify/signature";
import { ServiceUnavailable, type CallLimits } from "../resilience/policies";
import type { Dependencies } from "../resilience/registry";
import { readReply, type Reply } from "./answer";
import type { Question } from "./question";

/** Of one question, in seconds. */
const LIMITS: CallLimits = { timeout: 10, total: 30, parallelism: 1 };

/** A server that is asked. */
export interface Approver {
  /** One question, one reply; never rejects but when `signal` aborts. */
  ask(question: Question, signal: AbortSignal): Promise<Reply>;
}

/** @throws UsageError where a variable is missing or useless */
export function approverOf(name: string, { url, urlFrom, secretFrom }: WebhookApproval, environment: Environment, dependencies: Dependencies): Approver {
  const key = `canary:rollout.approvals.${name}`;
  const [address, secret] = [addressOf(environment, { key, url, urlFrom }), signingKey(environment, key, secretFrom)];
  const service = `The approver ${name} at ${address.origin}`;
  const calls = dependencies.calls(`approval ${name}`, address.origin, service, LIMITS);
  return {
    async ask(question, signal) {
      const body = JSON.stringify({ type: "canary.approval", timestamp: new Date().toISOString(), data: question });
      const id = `msg_${randomUUID()}`;
      const once = async (limited: AbortSignal) => {
        const answer = await post({ service, url: address, body, headers: signatureHeaders(secret, id, new Date(), body), signal: limited });
        if (answer.status >= 500) throw new ServiceUnavailable(`${service} answered HTTP ${answer.status}.`);
        return answer;
      };
      try {
        return readReply(await calls.execute(once, { signal }));
      } catch (error) {
        signal.throwIfAborted();
        if (!(error instanceof ServiceUnavailable)) throw error;
        return { says: "nothing", why: error.message.replace(/\.$/, "") };
      }
    },
  };
}

/**
 * Checks before anything is touched that every approver could be asked.
 *
 * @throws UsageError that names the variable which is missing or useless
 */
export function checkApprovers({ rollout: { approvals } }: StackConfig, dependencies: Dependencies, environment: Environment = process.env): void {
  for (const [name, approval] of Object.entries(approvals) as [string, Approval][]) if (approval.kind === "webhook") approverOf(name, approval, environment, dependencies);
}

export interface Asking {
  /** The question with the facts of the moment. */
  readonly question: () => Question;
  readonly everySeconds: number;
  /** Told when it gives no answer, in one clause; once for each. */
  readonly silent: (why: string) => void;
  readonly signal: AbortSignal;
}

/** Asks a server until it says yes or no. Whatever else it says, or that it says nothing, is never a yes. */
export async function askUntilAnswered(approver: Approver, { question, everySeconds, silent, signal }: Asking): Promise<Extract<Reply, { says: "yes" | "no" }>> {
  const told = new Set<string>();
  for (;;) {
    const reply = await approver.ask(question(), signal);
    if (reply.says === "yes" || reply.says === "no") return reply;
    if (reply.says === "nothing" && !told.has(reply.why)) {
      told.add(reply.why);
      silent(reply.why);
    }
    const wanted = reply.says === "later" ? (reply.seconds ?? 0) : 0;
    await sleep(Math.max(everySeconds, wanted) * 1000, undefined, { signal });
  }
}
