/** Seconds that the kubelet waits before it starts a container again or asks for an image again: 10, doubled each time, at most 300. */
const FIRST = 10;
const MOST = 300;
/** A container that ran this long is forgiven its past, in seconds. */
const FORGET_AFTER = 600;

/** The kubelet's restart back-off: the first restart comes at once, later ones wait ever longer. */
export class Backoff {
  private failures = 0;

  /** Seconds to wait before the next start of a container that ran for `ranSeconds`. */
  next(ranSeconds: number): number {
    if (ranSeconds >= FORGET_AFTER) this.failures = 0;
    const wait = this.failures === 0 ? 0 : Math.min(MOST, FIRST * 2 ** (this.failures - 1));
    this.failures++;
    return wait;
  }
}
