import { PatchStrategy, setHeaderOptions, type V1Container, type V1Pod } from "@kubernetes/client-node";
import { setTimeout as sleep } from "node:timers/promises";
import type { ImageTable } from "../cluster/images";
import { PodNetwork, type AddressPool } from "../cluster/network";
import type { ClusterFiles } from "../cluster/state";
import { hasStatus, type Api } from "./api";
import { ContainerRunner } from "./container";
import { statusOf } from "./status";
import { PodVolumes } from "./volumes";

export interface NodeServices {
  readonly api: Api;
  readonly addresses: AddressPool;
  readonly images: ImageTable;
  readonly files: ClusterFiles;
}

const RETRY_AFTER = 500;

/** One pod from its binding to this node to the end of its last process. */
export class PodRunner {
  private readonly startTime = new Date();
  private readonly key: { name: string; namespace: string };
  private network: PodNetwork | undefined;
  private volumes: PodVolumes | undefined;
  private initialized = false;
  private init: ContainerRunner[] = [];
  private containers: ContainerRunner[] = [];
  private ending: Promise<void> | undefined;
  private readonly running: Promise<void>;
  private reporting: Promise<void> | undefined;
  private dirty = false;
  private gone = false;

  constructor(private pod: V1Pod, private readonly services: NodeServices) {
    this.key = { name: pod.metadata!.name!, namespace: pod.metadata!.namespace! };
    const policy = pod.spec!.restartPolicy ?? "Always";
    const finished = ["Succeeded", "Failed"].includes(pod.status?.phase ?? "");
    const doomed = pod.metadata!.deletionTimestamp !== undefined;
    this.running = finished || doomed ? Promise.resolve() : this.run(policy).catch((error: Error) => console.error(`${this.key.name}: ${error.message}`));
  }

  private runner(spec: V1Container, before: V1Pod["status"]): ContainerRunner {
    const known = [...(before?.containerStatuses ?? []), ...(before?.initContainerStatuses ?? [])].find((s) => s.name === spec.name);
    const restarts = known && (known.state?.running || known.lastState?.terminated) ? known.restartCount + 1 : 0;
    return new ContainerRunner(spec, this.pod, this.network!, this.volumes!, this.services, restarts, () => this.report());
  }

  private async run(policy: string): Promise<void> {
    const { spec, status, metadata } = this.pod;
    this.network = await this.connect(`pod-${metadata!.uid}`);
    this.volumes = new PodVolumes(this.pod, this.network.ip, this.services.api);
    this.init = (spec!.initContainers ?? []).map((c) => this.runner(c, status));
    this.containers = spec!.containers.map((c) => this.runner(c, status));
    if (this.ending) return;
    this.report();
    await this.fill(this.volumes);
    for (const container of this.init) {
      const code = await container.run(policy === "Never" ? "Never" : "OnFailure");
      if (code !== 0) return;
    }
    this.initialized = true;
    if (this.ending) return;
    await Promise.all(this.containers.map((c) => c.run(policy)));
  }

  /** An address may still be taken for a moment: the kernel takes down a dead agent's networks in its own time. */
  private async connect(name: string): Promise<PodNetwork> {
    for (;;) {
      const ip = this.services.addresses.take();
      try {
        return await PodNetwork.create(name, ip);
      } catch (error) {
        this.services.addresses.release(ip);
        if (this.ending) throw error;
        console.error(`network of ${this.key.name}: ${(error as Error).message}`);
        await sleep(RETRY_AFTER);
      }
    }
  }

  /** What a volume shall hold may come later than the pod: a new namespace gets the cluster's certificate a moment after it is made. */
  private async fill(volumes: PodVolumes): Promise<void> {
    while (!this.ending) {
      try {
        return await volumes.prepare();
      } catch (error) {
        const message = (error as Error).message.split("\n")[0]!;
        for (const container of [...this.init, ...this.containers]) container.wait("ContainerCreating", `MountVolume.SetUp failed: ${message}`);
        await sleep(RETRY_AFTER);
      }
    }
  }

  /** Writes the status soon, several changes at once, until the API server has it. */
  private report(): void {
    this.dirty = true;
    this.reporting ??= this.write().finally(() => {
      this.reporting = undefined;
      if (this.dirty && !this.gone) this.report();
    });
  }

  private async write(): Promise<void> {
    while (this.dirty && !this.gone) {
      await sleep(5);
      this.dirty = false;
      const facts = { startTime: this.startTime, ip: this.network?.ip, initialized: this.initialized, init: this.init.map((c) => c.status()), containers: this.containers.map((c) => c.status()) };
      const status = statusOf(this.pod, facts);
      try {
        this.pod = await this.services.api.core.patchNamespacedPodStatus({ ...this.key, body: { status } }, setHeaderOptions("Content-Type", PatchStrategy.MergePatch));
      } catch (error) {
        if (hasStatus(error, 404)) return;
        this.dirty = true;
        console.error(`status of ${this.key.name}: ${(error as Error).message}`);
        await sleep(RETRY_AFTER);
      }
    }
  }

  /** Takes in what the API server says of the pod; a deletion starts its graceful end. */
  update(pod: V1Pod): void {
    if (Number(pod.metadata!.resourceVersion) >= Number(this.pod.metadata!.resourceVersion)) this.pod = pod;
    if (pod.metadata!.deletionTimestamp) this.ending ??= this.finish(pod.metadata!.deletionGracePeriodSeconds ?? 30);
  }

  private async finish(grace: number): Promise<void> {
    await this.end(grace);
    const { uid } = this.pod.metadata!;
    for (;;) {
      try {
        await this.services.api.core.deleteNamespacedPod({ ...this.key, body: { gracePeriodSeconds: 0, preconditions: { uid } } });
        return;
      } catch (error) {
        // Gone already, or replaced by a pod of the same name.
        if (hasStatus(error, 404) || hasStatus(error, 409)) return;
        console.error(`deleting ${this.key.name}: ${(error as Error).message}`);
        await sleep(RETRY_AFTER);
      }
    }
  }

  private async end(grace: number): Promise<void> {
    await Promise.all([...this.init, ...this.containers].map((c) => c.stop(grace)));
    this.gone = true;
    await this.running;
    this.volumes?.remove();
    if (!this.network) return;
    await this.network.destroy();
    this.services.addresses.release(this.network.ip);
  }

  /** The pod is gone from the API server: nothing may be left of it. */
  async kill(): Promise<void> {
    this.ending ??= this.end(0);
    await this.ending;
  }
}
