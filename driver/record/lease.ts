import { setTimeout as sleep } from "node:timers/promises";
import type { V1Lease } from "@kubernetes/client-node";
import { CLOCKS_DIFFER, GUARD_PREFIX, leaseView, lifeOf, timeOf, type LeaseView } from "../../components/record/stale";
import { ifThere, statusOf } from "../cluster/answers";
import { within, type ClusterAccess } from "../cluster/client";
import { BusyError, LeaseHeldError } from "../errors";

/** Who holds a Lease, and whether it has run out. */
export interface LeaseState extends LeaseView {
  readonly renewedAt?: Date;
}

export interface Lease {
  state(): Promise<LeaseState>;
  /**
   * Takes the Lease when it is free, has run out, or is held by us already, and goes on renewing it.
   *
   * @param patient waits for a holder that may have died just now, as long as it does not renew; about as long as the Lease's life
   * @returns the holder that let it run out, if it was taken from one
   * @throws LeaseHeldError with the holder's name
   */
  acquire(options?: { readonly patient?: boolean }): Promise<string | undefined>;
  /** Renews it now. Rejects when it is no longer ours, or when nobody answers: nothing may be raised then. */
  confirm(): Promise<void>;
  /** Stops renewing and frees it, if it is still ours. Never rejects. */
  release(): Promise<void>;
  /** Stops renewing without freeing it: the guard takes it over when it has run out. */
  abandon(): void;
}

/** Holder names of guards begin so. */
export { GUARD_PREFIX };
const isGuard = (holder: string): boolean => holder.startsWith(GUARD_PREFIX);

const DEADLINE = 5000;
/** Somebody wrote, created or deleted it between our read and our write. */
const isOvertaken = (error: unknown): boolean => statusOf(error) === 409 || statusOf(error) === 404;

export interface LeaseOptions {
  readonly access: ClusterAccess;
  readonly namespace: string;
  readonly name: string;
  /** How the holder is named to others. */
  readonly holder: string;
  /** Seconds after which a Lease that is not renewed has run out. */
  readonly seconds: number;
  /** Called once when somebody else has taken it. */
  readonly lost?: (by: string) => void;
}

class CoordinationLease implements Lease {
  private timer: NodeJS.Timeout | undefined;
  /** The renewal that is under way. */
  private renewing: Promise<void> = Promise.resolve();

  constructor(private readonly options: LeaseOptions) {}

  private key = (): { name: string; namespace: string } => ({ name: this.options.name, namespace: this.options.namespace });

  private async read(): Promise<V1Lease | undefined> {
    const { coordination } = await this.options.access();
    return ifThere(within(DEADLINE, coordination.readNamespacedLease(this.key())));
  }

  private stateOf(lease: V1Lease | undefined): LeaseState {
    const { renewTime, ...spec } = lease?.spec ?? {};
    const renewedAt = timeOf(renewTime);
    const view = leaseView({ ...spec, leaseDurationSeconds: lifeOf(spec.leaseDurationSeconds, this.options.seconds), renewTime: renewedAt });
    return view.holder === undefined ? view : { ...view, renewedAt };
  }

  async state(): Promise<LeaseState> {
    return this.stateOf(await this.read());
  }

  /**
   * @param fromGuard whether a guard steps back: for a command that begins, and not for a driver that was only paused
   * @throws LeaseHeldError when somebody else holds it; an error with code 409 when somebody wrote first
   */
  private async take(fromGuard = false): Promise<string | undefined> {
    const { coordination, V1MicroTime } = await this.client();
    const { holder, seconds } = this.options;
    const before = await this.read();
    const state = this.stateOf(before);
    if (state.holder !== undefined && state.holder !== holder && !state.expired && !(fromGuard && isGuard(state.holder))) throw held(state);
    const now = new V1MicroTime();
    const renewing = state.holder === holder;
    const spec = { holderIdentity: holder, leaseDurationSeconds: Math.ceil(seconds), renewTime: now, acquireTime: renewing ? before?.spec?.acquireTime : now, leaseTransitions: (before?.spec?.leaseTransitions ?? 0) + (renewing ? 0 : 1) };
    if (before) await within(DEADLINE, coordination.replaceNamespacedLease({ ...this.key(), body: { metadata: before.metadata, spec } }));
    else await within(DEADLINE, coordination.createNamespacedLease({ namespace: this.options.namespace, body: { metadata: this.key(), spec } }));
    return state.holder !== undefined && !renewing && !isGuard(state.holder) ? state.holder : undefined;
  }

  private async client(): Promise<Awaited<ReturnType<ClusterAccess>> & { V1MicroTime: new () => Date & { toISOString(): string } }> {
    const [client, { V1MicroTime }] = await Promise.all([this.options.access(), import("@kubernetes/client-node")]);
    return { ...client, V1MicroTime: V1MicroTime as unknown as new () => Date };
  }

  /**
   * Watches a holder that may be dead. One that renews is alive, whatever our clocks say of each other; it renews three times in the
   * life of a Lease. One that has said nothing for minutes is not waited for.
   *
   * @param patient waits also for a Lease that has not run out yet: its holder may have been killed just now
   * @throws LeaseHeldError when it is alive
   */
  private async watchHolder(patient: boolean): Promise<void> {
    const lease = await this.read();
    const { holder, expired, renewedAt } = this.stateOf(lease);
    if (holder === undefined || holder === this.options.holder || isGuard(holder) || (!expired && !patient)) return;
    const [life, age] = [lifeOf(lease?.spec?.leaseDurationSeconds, this.options.seconds) * 1000, Date.now() - renewedAt!.getTime()];
    if (age > CLOCKS_DIFFER * 1000) return;
    const left = expired ? life / 3 + 1000 : life + 1500 - age;
    for (const deadline = Date.now() + left; Date.now() < deadline; ) {
      await sleep(Math.min(500, left));
      const now = this.stateOf(await this.read());
      if (now.holder !== holder) return;
      if (now.renewedAt!.getTime() !== renewedAt!.getTime()) throw held(now);
    }
  }

  async acquire({ patient = false }: { readonly patient?: boolean } = {}): Promise<string | undefined> {
    await this.watchHolder(patient);
    const from = await this.insist(true);
    this.timer ??= setInterval(() => void (this.renewing = this.renew()), (this.options.seconds / 3) * 1000).unref();
    return from;
  }

  /** Takes it, over somebody else's writes in between; see {@link CoordinationLease.take}. */
  private async insist(fromGuard = false): Promise<string | undefined> {
    for (let tries = 0; ; tries++) {
      try {
        return await this.take(fromGuard);
      } catch (error) {
        if (!isOvertaken(error) || tries >= 5) throw error;
      }
    }
  }

  /** An API server that does not answer is no reason to stop: the next `confirm` asks again before anything is raised. */
  private async renew(): Promise<void> {
    try {
      await this.confirm();
    } catch (error) {
      if (!(error instanceof BusyError)) return;
      this.abandon();
      this.options.lost?.(error.message);
    }
  }

  async confirm(): Promise<void> {
    await this.insist();
  }

  async release(): Promise<void> {
    this.abandon();
    // It would take the Lease again that is freed meanwhile.
    await this.renewing;
    try {
      const { coordination } = await this.options.access();
      const lease = await this.read();
      if (lease?.spec?.holderIdentity !== this.options.holder) return;
      const { holderIdentity: _, ...spec } = lease.spec;
      await within(DEADLINE, coordination.replaceNamespacedLease({ ...this.key(), body: { metadata: lease.metadata, spec } }));
    } catch {
      // It runs out by itself.
    }
  }

  abandon(): void {
    clearInterval(this.timer);
    this.timer = undefined;
  }
}

const held = ({ holder, renewedAt }: LeaseState): LeaseHeldError =>
  new LeaseHeldError(`${holder} works on this stack (seen ${age(renewedAt)} ago): wait for its end, or stop it with \`canary hold\` or \`canary rollback\`.`);

const age = (since: Date | undefined): string => (since ? `${Math.max(0, Math.round((Date.now() - since.getTime()) / 1000))} s` : "an unknown time");

export const rolloutLease = (options: LeaseOptions): Lease => new CoordinationLease(options);
