import { setTimeout as sleep } from "node:timers/promises";
import type { RecordedRollout } from "../../components/record/format";
import { urgently } from "../cluster/client";
import type { Book, RecordStore } from "../record/store";
import { decide, type Act, type Sight, type Why } from "./decide";
import type { HeldWatch, OpenWatch } from "./held-watch";
import type { GuardLease, LeaseSeen } from "./lease";
import { markedSentHome, noted, OutdatedError } from "./marks";
import { deaf, listen, standingOf, type Silence } from "./silence";

export interface GuardParts {
  readonly store: RecordStore;
  readonly lease: Pick<GuardLease, "read" | "hold" | "free">;
  /** Whether all traffic is home by the live objects. */
  readonly isHome: () => Promise<boolean>;
  readonly sendHome: (reason: string) => Promise<void>;
  readonly watch: OpenWatch;
  /** How this guard is named to others. */
  readonly me: string;
  /** Seconds after which a driver that says nothing counts as dead. */
  readonly leaseSeconds: number;
  readonly intervalSeconds: number;
  readonly log: (message: string) => void;
  /** Told what every look found; undefined when the cluster could not be asked. */
  readonly seen: (book: Book | undefined) => void;
  /** Seconds of a clock that never goes back. */
  readonly now?: () => number;
}

/** Acts that may follow each other before the next pause: take, look, send home, look, record. */
const ACTS = 8;
const isConflict = (error: unknown): boolean => (error as { code?: unknown }).code === 409;

/** Looks, decides, acts; what it decides is {@link decide}'s, what it remembers between two looks is here. */
export class Guard {
  private silence: Silence | undefined;
  private homeSince: number | undefined;
  private watched: { readonly rollout: string; readonly watch: HeldWatch } | undefined;
  private failed: { readonly rollout: string; readonly why: Why } | undefined;
  private said = "";

  constructor(private readonly parts: GuardParts) {}

  private now = (): number => (this.parts.now ?? (() => performance.now() / 1000))();

  /** Goes on until the signal aborts, whatever fails meanwhile; then it leaves the Lease to others. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await this.tick();
      await sleep(this.parts.intervalSeconds * 1000, undefined, { signal }).catch(() => undefined);
    }
    this.watched?.watch.stop();
    await this.leave().catch(() => undefined);
  }

  /** One look with all that follows from it. Never rejects: what it could not read it does not act on. */
  async tick(): Promise<void> {
    try {
      await urgently(() => this.actUntilQuiet());
      if (this.said !== "") this.parts.log("the cluster can be read and written again");
      this.said = "";
    } catch (error) {
      // Somebody wrote between our look and our act: the next look finds what.
      if (isConflict(error) || error instanceof OutdatedError) return;
      this.parts.seen(undefined);
      this.silence = deaf(this.silence);
      this.homeSince = undefined;
      this.trouble((error as Error).message.split("\n")[0]!);
    }
  }

  private trouble(message: string): void {
    if (message !== this.said) this.parts.log(message);
    this.said = message;
  }

  private async actUntilQuiet(): Promise<void> {
    let home: number | false | undefined;
    for (let acts = 0; acts < ACTS; acts++) {
      const { sight, lease } = await this.look(home);
      const act = decide(sight);
      this.follow(act, sight);
      if (act.do === "nothing" || act.do === "watch") return;
      if (act.do === "look") home = await this.lookAtTraffic();
      else {
        home = undefined;
        await this.perform(act, sight, lease);
      }
    }
  }

  /** The Lease last: what is then done is done on the freshest word of who may. */
  private async look(home: number | false | undefined): Promise<{ sight: Sight; lease: LeaseSeen | undefined }> {
    const { store, me, leaseSeconds, seen } = this.parts;
    const book = await store.read();
    const lease = await this.parts.lease.read();
    seen(book);
    const silence = (this.silence = listen(this.silence, lease, this.now()));
    const rollout = book.record?.rollout;
    const standing = standingOf(lease, silence, me, leaseSeconds);
    if (standing === "theirs" || this.failed?.rollout !== rollout?.id) this.failed = undefined;
    if (this.watched?.watch.failed && this.watched.rollout === rollout?.id) this.failed = { rollout: rollout!.id, why: this.watched.watch.failed };
    const sight: Sight = {
      standing, silence, leaseSeconds,
      renewDue: standing === "mine" && silence.seconds >= leaseSeconds / 3,
      journal: book.journal,
      ...(rollout ? { rollout } : {}),
      ...(home === undefined ? {} : { home }),
      ...(this.failed && standing !== "theirs" ? { failed: this.failed.why } : {}),
    };
    return { sight, lease };
  }

  private async lookAtTraffic(): Promise<number | false> {
    if (!(await this.parts.isHome())) {
      this.homeSince = undefined;
      return false;
    }
    this.homeSince ??= this.now();
    return this.now() - this.homeSince;
  }

  /** Watches while it is told to; the finding of a watch outlives it. */
  private follow({ do: what }: Act, { rollout }: Sight): void {
    const wanted = what === "watch" ? rollout : undefined;
    // An act in between, a renewal say, is no reason to begin anew.
    if (what !== "watch" && what !== "nothing") return;
    if (this.watched && this.watched.rollout !== wanted?.id) {
      this.watched.watch.stop();
      this.watched = undefined;
    }
    if (!wanted || this.watched) return;
    this.parts.log(`watching ${wanted.version}, which is held at weight ${wanted.weight}`);
    this.watched = { rollout: wanted.id, watch: this.parts.watch(wanted, (message) => this.parts.log(message)) };
  }

  private async perform(act: Exclude<Act, { do: "nothing" | "watch" | "look" }>, { rollout, silence }: Sight, lease: LeaseSeen | undefined): Promise<void> {
    const { log, me, sendHome, store } = this.parts;
    switch (act.do) {
      case "take":
        await this.parts.lease.hold(lease!);
        return log(`took the Lease${silence.heldBy && silence.heldBy !== me ? `, which ${silence.heldBy} let run out` : ""}`);
      case "renew":
        return this.parts.lease.hold(lease!);
      case "release":
        return this.parts.lease.free(lease!);
      case "sendHome":
        // A write over the Lease that was just read fails where somebody has taken it since.
        if (lease) await this.parts.lease.hold(lease);
        this.homeSince = undefined;
        log(`sending all traffic home: ${act.why.reason}`);
        return sendHome(act.why.reason);
      case "record":
        await store.update((book) => markedSentHome(book, this.id(rollout), act.why, me, new Date().toISOString()));
        return log(`all traffic is home and that is recorded: ${act.why.reason}`);
      case "leave":
        await store.update((book) => noted(book, this.id(rollout), act.message, me, new Date().toISOString()));
        return log(act.message);
    }
  }

  private id = (rollout: RecordedRollout | undefined): string => rollout!.id;

  private async leave(): Promise<void> {
    const lease = await this.parts.lease.read();
    if (lease?.holder === this.parts.me) await this.parts.lease.free(lease);
  }
}
