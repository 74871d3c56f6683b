import type { StackConfig } from "../../components/config";
import type { Ledger } from "../record/ledger";
import type { Dependencies } from "../resilience/registry";
import type { Ending } from "../rollout/context";
import type { CommonOptions } from "../verbs/session";
import type { Reporter, RolloutEvent } from "./events";

/** What a verb that changes a stack is, for those who tell others of it. */
export interface Occasion {
  /** Names of the Pulumi project and of the stack. */
  readonly project: string;
  readonly stack: string;
  /** The project's folder. */
  readonly folder: string;
  /** Flags of the verb, as the command line has them. */
  readonly flags: CommonOptions;
  /** The verb with its version, e.g. `deploy v2`. */
  readonly verb: string;
  /** As the verb began. */
  readonly config: StackConfig;
  /** The record with the rollout under way, its journal and the history. */
  readonly ledger: Ledger;
  readonly dependencies: Dependencies;
  /** Says something to the person at the terminal, and to nobody else. */
  readonly note: (sentence: string) => void;
}

/** Somebody who is told every event of a verb: a channel, a page, a file. */
export interface Listener {
  /** Never waits and never throws: a rollout does not depend on who hears of it. */
  hear(event: RolloutEvent): void;
  /** Called once, when the verb has ended and every event was heard; resolves within seconds whatever its far end does. */
  close(): Promise<void>;
}

/** Makes a listener for a verb; undefined where it is not wanted. Throws a UsageError when it is wanted and cannot be. */
export type Join = (occasion: Occasion) => Promise<Listener | undefined> | Listener | undefined;

/** The listeners of one verb, each told everything; one that fails is named once and never asked again. */
export class Audience {
  private constructor(private listeners: readonly Listener[], private readonly occasion: Occasion) {}

  /** @throws UsageError of a listener that is wanted and cannot be */
  static async of(joins: readonly Join[], occasion: Occasion): Promise<Audience> {
    const joined = await Promise.all(joins.map((join) => join(occasion)));
    return new Audience(joined.filter((l) => l !== undefined), occasion);
  }

  readonly tell: Reporter = (event) => {
    const told = { t: Date.now() / 1000, stack: this.occasion.stack, ...event };
    for (const listener of this.listeners) {
      try {
        listener.hear(told);
      } catch (error) {
        this.dismiss(listener, error as Error);
      }
    }
  };

  /** Tells how the verb ended, or that it could not. */
  ended(ending: Pick<Ending, "outcome" | "message"> | Error): void {
    this.tell({ event: "end", ...(ending instanceof Error ? { outcome: "failed" as const } : ending.outcome ? { outcome: ending.outcome } : {}), message: ending.message });
  }

  async close(): Promise<void> {
    await Promise.all(this.listeners.map((listener) => listener.close().catch((error: Error) => this.dismiss(listener, error))));
  }

  private dismiss(listener: Listener, error: Error): void {
    this.listeners = this.listeners.filter((l) => l !== listener);
    this.occasion.note(`Something that tells of the rollout has failed and is left out: ${error.message}`);
  }
}
