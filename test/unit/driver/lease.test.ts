import { expect } from "chai";
import type { V1Lease } from "@kubernetes/client-node";
import type { KubernetesClient } from "../../../driver/cluster/client";
import { LeaseHeldError } from "../../../driver/errors";
import { rolloutLease, type Lease, type LeaseOptions } from "../../../driver/record/lease";
import { rejection } from "./fakes";

const status = (code: number): Error => Object.assign(new Error(`HTTP-Code: ${code}`), { code });

/** A coordination API with one Lease and its resourceVersion. */
class Server {
  lease: V1Lease | undefined;
  broken: Error | undefined;
  /** Called between a write's coming and its check. */
  meddle: (() => void) | undefined;
  private version = 0;

  put(lease: V1Lease): void {
    this.lease = { ...structuredClone(lease), metadata: { ...lease.metadata, resourceVersion: String(++this.version) } };
  }

  /** Somebody holds it, renewed so many seconds ago. */
  heldBy(holderIdentity: string, ago: number, leaseDurationSeconds = 30): this {
    this.put({ spec: { holderIdentity, leaseDurationSeconds, renewTime: new Date(Date.now() - ago * 1000) as never, leaseTransitions: 1 } });
    return this;
  }

  get holder(): string | undefined {
    return this.lease?.spec?.holderIdentity;
  }

  leaseOf(holder: string, rest: Partial<LeaseOptions> = {}): Lease {
    const coordination = {
      readNamespacedLease: async () => {
        if (this.broken) throw this.broken;
        if (!this.lease) throw status(404);
        return structuredClone(this.lease);
      },
      replaceNamespacedLease: async ({ body }: { body: V1Lease }) => {
        this.disturb();
        if (!this.lease) throw status(404);
        if (body.metadata?.resourceVersion !== this.lease.metadata?.resourceVersion) throw status(409);
        this.put(body);
      },
      createNamespacedLease: async ({ body }: { body: V1Lease }) => {
        this.disturb();
        if (this.lease) throw status(409);
        this.put(body);
      },
    };
    return rolloutLease({ access: async () => ({ coordination }) as unknown as KubernetesClient, namespace: "shop", name: "shop-dev-rollout", holder, seconds: 30, ...rest });
  }

  private disturb(): void {
    if (this.broken) throw this.broken;
    const once = this.meddle;
    this.meddle = undefined;
    once?.();
  }
}

describe("the Lease of a rollout", () => {
  const open: Lease[] = [];
  const lease = (server: Server, holder: string, rest?: Partial<LeaseOptions>): Lease => {
    const one = server.leaseOf(holder, rest);
    open.push(one);
    return one;
  };
  afterEach(() => open.splice(0).forEach((l) => l.abandon()));

  it("is made by the first who takes it", async () => {
    const server = new Server();
    expect(await lease(server, "me").state()).to.deep.equal({ expired: true });
    expect(await lease(server, "me").acquire()).to.equal(undefined);
    expect(server.lease!.spec).to.deep.include({ holderIdentity: "me", leaseDurationSeconds: 30, leaseTransitions: 1 });
    expect(await lease(server, "me").state()).to.deep.include({ holder: "me", expired: false });
  });

  it("is refused by name while somebody else renews it, and left as it was", async () => {
    const server = new Server().heldBy("ann@ci (canary deploy v2, pid 7)", 4);
    const before = server.lease;
    const refusal = await rejection(lease(server, "me").acquire());
    expect(refusal).to.be.instanceOf(LeaseHeldError);
    expect(refusal?.message).to.match(/^ann@ci \(canary deploy v2, pid 7\) works on this stack \(seen [45] s ago\): wait for its end, or stop it with `canary hold` or `canary rollback`\.$/);
    expect(server.lease).to.equal(before);
  });

  it("is taken from a holder that let it run out, who is named", async () => {
    const server = new Server().heldBy("ann", 332);
    expect(await lease(server, "me").acquire()).to.equal("ann");
    expect(server.lease!.spec).to.include({ holderIdentity: "me", leaseTransitions: 2 });
  });

  it("has run out by its holder's own duration, and a second for two clocks", async () => {
    expect((await lease(new Server().heldBy("ann", 30.5), "me").state()).expired).to.equal(false);
    expect((await lease(new Server().heldBy("ann", 31.5), "me").state()).expired).to.equal(true);
    expect((await lease(new Server().heldBy("ann", 32, 90), "me").state()).expired).to.equal(false);
  });

  it("is given back at once by a guard, and nobody is said to have died", async () => {
    const server = new Server().heldBy("guard/shop-1", 1);
    expect(await lease(server, "me").acquire()).to.equal(undefined);
    expect(server.holder).to.equal("me");
    server.heldBy("guard/shop-1", 99);
    expect(await lease(server, "me").acquire()).to.equal(undefined);
  });

  it("is taken again by the same holder without a transition", async () => {
    const server = new Server();
    await lease(server, "me").acquire();
    expect(await lease(server, "me").acquire()).to.equal(undefined);
    expect(server.lease!.spec!.leaseTransitions).to.equal(1);
  });

  it("is looked at again when somebody wrote first: the one who was faster has it", async () => {
    const server = new Server();
    server.meddle = () => server.heldBy("ann", 0);
    expect(await rejection(lease(server, "me").acquire())).to.be.instanceOf(LeaseHeldError);
    expect(server.holder).to.equal("ann");
  });

  it("is not taken from a holder whose clock is behind, and who goes on renewing", async () => {
    const server = new Server().heldBy("ann", 10, 1);
    setTimeout(() => server.heldBy("ann", 9, 1), 300);
    expect((await rejection(lease(server, "me").acquire()))?.message).to.match(/^ann works on this stack/);
    expect(server.holder).to.equal("ann");
  });

  it("is waited for by a patient command, and taken when its holder turns out to be dead", async () => {
    const server = new Server().heldBy("ann", 0, 1);
    expect(await lease(server, "me").acquire({ patient: true })).to.equal("ann");
  });

  it("is refused to a patient command as soon as its holder renews it", async () => {
    const server = new Server().heldBy("ann", 0, 30);
    setTimeout(() => server.heldBy("ann", 0, 30), 200);
    expect((await rejection(lease(server, "me").acquire({ patient: true })))?.message).to.match(/^ann works on this stack/);
  });

  it("is made anew when somebody deletes it between a look and a write", async () => {
    const server = new Server().heldBy("ann", 999);
    server.meddle = () => void (server.lease = undefined);
    await lease(server, "me").acquire();
    expect(server.holder).to.equal("me");
  });

  it("cannot be made where the namespace is not there yet, which the caller is told", async () => {
    const server = new Server();
    server.broken = status(404);
    expect(await rejection(lease(server, "me").acquire())).to.include({ code: 404 });
  });

  it("is confirmed by renewing it, and not when somebody else has it or nobody answers", async () => {
    const server = new Server();
    const mine = lease(server, "me");
    await mine.acquire();
    await mine.confirm();
    server.broken = status(503);
    expect(await rejection(mine.confirm())).to.include({ code: 503 });
    server.broken = undefined;
    server.heldBy("ann", 0);
    expect(await rejection(mine.confirm())).to.be.instanceOf(LeaseHeldError);
  });

  it("tells its holder once when somebody else has taken it, and an API server that is away is no loss", async () => {
    const server = new Server();
    const lost: string[] = [];
    let tell = (): void => undefined;
    const told = new Promise<void>((resolve) => (tell = resolve));
    const mine = lease(server, "me", { seconds: 0.03, lost: (said) => (lost.push(said), tell()) });
    await mine.acquire();
    server.broken = status(503);
    await new Promise((resolve) => setTimeout(resolve, 60));
    expect(lost).to.deep.equal([]);
    server.broken = undefined;
    server.heldBy("ann", 0);
    // The renewals' timer alone keeps no process alive.
    const alive = setInterval(() => undefined, 1000);
    await told;
    await new Promise((resolve) => setTimeout(resolve, 60));
    clearInterval(alive);
    expect(lost).to.have.length(1);
    expect(lost[0]).to.match(/^ann works on this stack/);
    expect(server.holder).to.equal("ann");
  });

  it("is freed when it is released, and only one's own", async () => {
    const server = new Server();
    const mine = lease(server, "me");
    await mine.acquire();
    await mine.release();
    expect(server.lease!.spec).not.to.have.property("holderIdentity");
    expect(await lease(server, "ann").acquire()).to.equal(undefined);
    await mine.release();
    expect(server.holder).to.equal("ann");
  });

  it("stays free although a renewal was under way when it was released", async () => {
    const server = new Server();
    const mine = lease(server, "me", { seconds: 0.03 });
    await mine.acquire();
    const alive = setInterval(() => undefined, 1000);
    // In the middle of a renewal that will find its look outdated.
    await new Promise<void>((resolve) => {
      server.meddle = () => {
        server.put(server.lease!);
        resolve();
      };
    });
    await mine.release();
    await new Promise((resolve) => setTimeout(resolve, 60));
    clearInterval(alive);
    expect(server.holder).to.equal(undefined);
  });

  it("never rejects a release, also where nobody answers", async () => {
    const server = new Server();
    const mine = lease(server, "me");
    await mine.acquire();
    server.broken = status(503);
    await mine.release();
    expect(server.holder).to.equal("me");
  });

  it("runs out by itself when it is abandoned", async () => {
    const server = new Server();
    const mine = lease(server, "me", { seconds: 0.03 });
    await mine.acquire();
    mine.abandon();
    const { renewTime } = server.lease!.spec!;
    await new Promise((resolve) => setTimeout(resolve, 60));
    expect(server.lease!.spec).to.deep.include({ holderIdentity: "me", renewTime });
  });
});
