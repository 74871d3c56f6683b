import type { V1Lease } from "@kubernetes/client-node";
import { within, type ClusterAccess } from "../cluster/client";
import { BusyError } from "../errors";

/** Who holds a Lease, and whether it has run out. */
export interface LeaseState {
  /** Absent when it is free. */
  readonly holder?: string;
  /** The holder has not renewed it in time. */
  readonly expired: boolean;
  readonly renewedAt?: Date;
}

export interface Lease {
  state(): Promise<LeaseState>;
  /**
   * Takes the Lease when it is free, has run out, or is held by us already, and goes on renewing it.
   *
   * @returns the holder that let it run out, if it was taken from one
   * @throws BusyError with the holder's name
   */
  acquire(): Promise<string | undefined>;
  /** Renews it now. Rejects when it is no longer ours, or when nobody answers: nothing may be raised then. */
  confirm(): Promise<void>;
  /** Stops renewing and frees it, if it is still ours. Never rejects. */
  release(): Promise<void>;
  /** Stops renewing without freeing it: the guard takes it over when it has run out. */
  abandon(): void;
}

const DEADLINE = 5000;
const statusOf = (error: unknown): number | undefined => (error as { code?: number }).code;

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

  constructor(private readonly options: LeaseOptions) {}

  private key = (): { name: string; namespace: string } => ({ name: this.options.name, namespace: this.options.namespace });

  private async read(): Promise<V1Lease | undefined> {
    const { coordination } = await this.options.access();
    try {
      return await within(DEADLINE, coordination.readNamespacedLease(this.key()));
    } catch (error) {
      if (statusOf(error) === 404) return undefined;
      throw error;
    }
  }

  /** The holder's own duration counts: another version of the driver may be configured otherwise. Clocks may differ by a second. */
  private stateOf(lease: V1Lease | undefined): LeaseState {
    const { holderIdentity, renewTime, leaseDurationSeconds } = lease?.spec ?? {};
    if (!holderIdentity) return { expired: true };
    const renewedAt = new Date(renewTime ?? 0);
    return { holder: holderIdentity, renewedAt, expired: Date.now() - renewedAt.getTime() > ((leaseDurationSeconds ?? this.options.seconds) + 1) * 1000 };
  }

  async state(): Promise<LeaseState> {
    return this.stateOf(await this.read());
  }

  /** @throws BusyError when somebody else holds it; an error with code 409 when somebody wrote first */
  private async take(): Promise<string | undefined> {
    const { coordination, V1MicroTime } = await this.client();
    const { holder, seconds } = this.options;
    const before = await this.read();
    const state = this.stateOf(before);
    if (state.holder !== undefined && state.holder !== holder && !state.expired) throw new BusyError(`${state.holder} works on this stack (seen ${age(state.renewedAt)} ago): wait for its end, or stop it with \`canary hold\` or \`canary rollback\`.`);
    const now = new V1MicroTime();
    const renewing = state.holder === holder;
    const spec = { holderIdentity: holder, leaseDurationSeconds: Math.ceil(seconds), renewTime: now, acquireTime: renewing ? before?.spec?.acquireTime : now, leaseTransitions: (before?.spec?.leaseTransitions ?? 0) + (renewing ? 0 : 1) };
    if (before) await within(DEADLINE, coordination.replaceNamespacedLease({ ...this.key(), body: { metadata: before.metadata, spec } }));
    else await within(DEADLINE, coordination.createNamespacedLease({ namespace: this.options.namespace, body: { metadata: this.key(), spec } }));
    return state.holder !== undefined && !renewing ? state.holder : undefined;
  }

  private async client(): Promise<Awaited<ReturnType<ClusterAccess>> & { V1MicroTime: new () => Date & { toISOString(): string } }> {
    const [client, { V1MicroTime }] = await Promise.all([this.options.access(), import("@kubernetes/client-node")]);
    return { ...client, V1MicroTime: V1MicroTime as unknown as new () => Date };
  }

  async acquire(): Promise<string | undefined> {
    for (let tries = 0; ; tries++) {
      try {
        const from = await this.take();
        this.timer ??= setInterval(() => void this.renew(), (this.options.seconds / 3) * 1000).unref();
        return from;
      } catch (error) {
        if (statusOf(error) !== 409 || tries >= 5) throw error;
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
    for (let tries = 0; ; tries++) {
      try {
        return void (await this.take());
      } catch (error) {
        if (statusOf(error) !== 409 || tries >= 5) throw error;
      }
    }
  }

  async release(): Promise<void> {
    this.abandon();
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

const age = (since: Date | undefined): string => (since ? `${Math.max(0, Math.round((Date.now() - since.getTime()) / 1000))} s` : "an unknown time");

export const rolloutLease = (options: LeaseOptions): Lease => new CoordinationLease(options);
