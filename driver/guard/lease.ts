import type { V1Lease } from "@kubernetes/client-node";
import { within, type ClusterAccess } from "../cluster/client";
import { ifThere } from "../cluster/answers";

/** What a Lease says. */
export interface LeaseSeen {
  /** Absent when it is free. */
  readonly holder?: string;
  /** The renewal by its holder's clock, which is compared with itself only. */
  readonly renewed?: string;
  /** Seconds after which it has run out, as its holder says. */
  readonly seconds?: number;
  /** For a write that fails when somebody wrote first. */
  readonly object: V1Lease;
}

const DEADLINE = 5000;

/**
 * The Lease of the rollout record as the guard needs it: judged by the guard's clock, and every write only over what was just read. It
 * is never created here, because a right to create cannot be limited to a name.
 */
export class GuardLease {
  constructor(
    private readonly access: ClusterAccess,
    private readonly key: { readonly name: string; readonly namespace: string },
    /** How this guard is named to others. */
    private readonly holder: string,
    /** Seconds after which the guard's own hold runs out. */
    private readonly seconds: number,
  ) {}

  /** Undefined when there is none. */
  async read(): Promise<LeaseSeen | undefined> {
    const { coordination } = await this.access();
    const object = await ifThere(within(DEADLINE, coordination.readNamespacedLease(this.key)));
    if (!object) return undefined;
    const { holderIdentity, renewTime, leaseDurationSeconds } = object.spec ?? {};
    return {
      object,
      ...(holderIdentity ? { holder: holderIdentity } : {}),
      ...(renewTime ? { renewed: new Date(renewTime).toISOString() } : {}),
      ...(leaseDurationSeconds ? { seconds: leaseDurationSeconds } : {}),
    };
  }

  /** Takes it, or renews it when it is ours. Rejects with code 409 when somebody wrote since it was read. */
  async hold({ object, holder }: LeaseSeen): Promise<void> {
    const { V1MicroTime } = await import("@kubernetes/client-node");
    const now = new V1MicroTime();
    const renewing = holder === this.holder;
    await this.replace(object, {
      holderIdentity: this.holder,
      leaseDurationSeconds: Math.ceil(this.seconds),
      renewTime: now,
      acquireTime: renewing ? object.spec?.acquireTime : now,
      leaseTransitions: (object.spec?.leaseTransitions ?? 0) + (renewing ? 0 : 1),
    });
  }

  /** Frees it. Rejects with code 409 when somebody wrote since it was read. */
  async free({ object }: LeaseSeen): Promise<void> {
    const { holderIdentity: _, ...spec } = object.spec ?? {};
    await this.replace(object, spec);
  }

  private async replace(before: V1Lease, spec: V1Lease["spec"]): Promise<void> {
    const { coordination } = await this.access();
    await within(DEADLINE, coordination.replaceNamespacedLease({ ...this.key, body: { metadata: before.metadata, spec } }));
  }
}
