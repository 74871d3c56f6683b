import { spawn, type ChildProcess } from "node:child_process";
import * as fs from "node:fs";
import * as path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { V1Container, V1ContainerState, V1ContainerStatus, V1LifecycleHandler, V1Pod, V1Probe } from "@kubernetes/client-node";
import type { PodNetwork } from "../cluster/network";
import type { ResolvedImage } from "../cluster/images";
import { Backoff } from "./backoff";
import { environmentOf, expand } from "./environment";
import { IMAGE_FILES, planView, withImageFiles, wrapInView } from "./mounts";
import type { NodeServices } from "./pod";
import { ask, watchProbe, type ProbeTarget } from "./probe";
import { ContainerConfigError } from "./sources";
import { mountsOf, type PodVolumes } from "./volumes";

interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

const errorText = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** One container of a pod: its process, probes and restarts. */
export class ContainerRunner {
  state: V1ContainerState = { waiting: { reason: "ContainerCreating" } };
  lastState: V1ContainerState = {};
  ready = false;
  started = false;
  private child: ChildProcess | undefined;
  private exited: Promise<Exit> | undefined;
  private readonly stopped = new AbortController();
  private readonly imageBackoff = new Backoff();
  private readonly crashBackoff = new Backoff();

  constructor(
    readonly spec: V1Container,
    private readonly pod: V1Pod,
    private readonly network: PodNetwork,
    private readonly volumes: PodVolumes,
    private readonly services: NodeServices,
    /** How often the container was started before, in the life of an earlier agent included. */
    private restarts: number,
    private readonly changed: () => void,
  ) {}

  status(): V1ContainerStatus {
    const { name, image } = this.spec;
    return {
      name, image: image ?? "", imageID: "", ready: this.ready, started: this.started, restartCount: this.restarts,
      state: this.state, lastState: this.lastState, containerID: this.child?.pid ? `process://${this.child.pid}` : undefined,
    };
  }

  private enter(state: V1ContainerState): void {
    this.state = state;
    if (!state.running) this.ready = this.started = false;
    this.changed();
  }

  /** Says why the container has not been started yet. */
  wait(reason: string, message: string): void {
    const { waiting } = this.state;
    if (waiting?.reason !== reason || waiting.message !== message) this.enter({ waiting: { reason, message } });
  }

  /** Runs until the pod ends or, with a policy that allows it, the container has finished; resolves with its last exit code. */
  async run(policy: string): Promise<number> {
    for (;;) {
      const began = Date.now();
      const exit = await this.once();
      if (!exit) return -1;
      const code = exit.code ?? 137;
      const finished = policy === "Never" || (policy === "OnFailure" && code === 0);
      if (finished || this.stopped.signal.aborted) return code;
      this.lastState = this.state;
      const wait = this.crashBackoff.next((Date.now() - began) / 1000);
      this.enter({ waiting: { reason: "CrashLoopBackOff", message: `back-off ${wait}s restarting failed container=${this.spec.name}` } });
      if (!(await this.pause(wait))) return code;
      this.restarts++;
    }
  }

  /** False when the pod ended meanwhile. */
  private pause(seconds: number): Promise<boolean> {
    return sleep(seconds * 1000, true, { signal: this.stopped.signal }).catch(() => false);
  }

  /** Starts the process as soon as its image and configuration are there, and follows it to its end; undefined when the pod ended before. */
  private async once(): Promise<Exit | undefined> {
    while (!this.stopped.signal.aborted) {
      try {
        if (!(await this.launch())) continue;
        // The pod ended while the process was being started, when there was nothing to terminate yet.
        if (this.stopped.signal.aborted) this.signal("SIGKILL");
        return await this.follow();
      } catch (error) {
        const reason = error instanceof ContainerConfigError ? "CreateContainerConfigError" : "RunContainerError";
        this.enter({ waiting: { reason, message: errorText(error) } });
        await this.pause(2);
      }
    }
    return undefined;
  }

  private async launch(): Promise<boolean> {
    const name = this.spec.image ?? "";
    const image = this.services.images.resolve(name);
    if (!image) {
      const wait = this.imageBackoff.next(0);
      const failed = `failed to pull image "${name}": not found in the sandbox's image table`;
      this.enter({ waiting: wait === 0 ? { reason: "ErrImagePull", message: failed } : { reason: "ImagePullBackOff", message: `Back-off pulling image "${name}": ${failed}` } });
      await this.pause(wait);
      return false;
    }
    const env = await environmentOf(this.spec, { ...image.env }, this.pod, this.network.ip, this.services.api);
    const entry = this.spec.command ?? image.command;
    const command = [...entry, ...(this.spec.args ?? [])].map((part) => expand(part, env));
    const log = this.services.files.file("logs", "pods", `${this.pod.metadata!.namespace}_${this.pod.metadata!.name}_${this.spec.name}.log`);
    fs.mkdirSync(path.dirname(log), { recursive: true });
    const out = fs.openSync(log, "a", 0o600);
    const [file, ...args] = this.network.wrap(this.inView(command, env, image));
    // A process group of its own, so that what it starts ends with it.
    this.child = spawn(file!, args, { env, detached: true, stdio: ["ignore", out, out] });
    fs.closeSync(out);
    const child = this.child;
    this.exited = new Promise((resolve) => child.once("exit", (code, signal) => resolve({ code, signal })));
    await new Promise<void>((resolve, reject) => child.once("spawn", resolve).once("error", reject));
    return true;
  }

  private inView(command: readonly string[], env: Record<string, string>, { workingDir, files = [] }: ResolvedImage): string[] {
    const own = [...IMAGE_FILES, ...files, ...(workingDir === undefined ? [] : [workingDir])];
    const mounts = withImageFiles(mountsOf(this.spec, this.volumes.made, env), own);
    return wrapInView(command, planView(mounts), this.spec.workingDir ?? workingDir ?? "/");
  }

  /** Command line that runs a program beside the container's own: the same network, the same files. */
  private beside(command: readonly string[]): string[] {
    return ["nsenter", `--target=${this.child!.pid}`, "--net", "--mount", "--root", "--", ...command];
  }

  private async follow(): Promise<Exit> {
    const startedAt = new Date();
    const probing = new AbortController();
    this.state = { running: { startedAt } };
    this.startProbes(probing.signal);
    this.changed();
    const exit = await this.exited!;
    probing.abort();
    this.signal("SIGKILL");
    const exitCode = exit.code ?? 128 + (exit.signal === "SIGKILL" ? 9 : 15);
    this.enter({ terminated: { exitCode, reason: exitCode === 0 ? "Completed" : "Error", startedAt, finishedAt: new Date() } });
    return exit;
  }

  private startProbes(signal: AbortSignal): void {
    const target: ProbeTarget = { ip: this.network.ip, container: this.spec, wrap: (c) => this.beside(c) };
    const watch = (probe: V1Probe, settled: (ok: boolean, why: string) => void): void =>
      void watchProbe(probe, target, signal, settled).catch((error) => console.error(`probing ${this.spec.name}: ${errorText(error)}`));
    const restart = (kind: string) => (ok: boolean, why: string): void => {
      if (ok) return;
      console.error(`${this.pod.metadata!.name}/${this.spec.name}: ${kind} probe failed, restarting: ${why}`);
      void this.terminate(this.pod.spec?.terminationGracePeriodSeconds ?? 30);
    };
    const live = (): void => {
      this.started = true;
      const { readinessProbe, livenessProbe } = this.spec;
      if (livenessProbe) watch(livenessProbe, restart("liveness"));
      if (!readinessProbe) this.ready = true;
      else watch(readinessProbe, (ok) => {
        this.ready = ok;
        this.changed();
      });
      this.changed();
    };
    const { startupProbe } = this.spec;
    if (!startupProbe) return live();
    const begun = new AbortController();
    signal.addEventListener("abort", () => begun.abort());
    void watchProbe(startupProbe, target, begun.signal, (ok, why) => {
      if (ok) {
        begun.abort();
        live();
      } else restart("startup")(ok, why);
    });
  }

  private signal(name: NodeJS.Signals): void {
    try {
      process.kill(-this.child!.pid!, name);
    } catch {
      // Nobody is left in the group.
    }
  }

  private async preStop(hook: V1LifecycleHandler, grace: number): Promise<void> {
    if (hook.sleep) await sleep(Math.min(hook.sleep.seconds, grace) * 1000);
    else await ask({ httpGet: hook.httpGet, exec: hook.exec, tcpSocket: hook.tcpSocket, timeoutSeconds: grace }, {
      ip: this.network.ip, container: this.spec, wrap: (c) => this.beside(c),
    });
  }

  /** Ends the process: preStop hook, SIGTERM, and SIGKILL when `grace` seconds are over. */
  private async terminate(grace: number): Promise<void> {
    if (!this.state.running || !this.exited) return;
    const killed = setTimeout(() => this.signal("SIGKILL"), grace * 1000);
    const hook = this.spec.lifecycle?.preStop;
    if (hook) await Promise.race([this.preStop(hook, grace), this.exited]);
    this.signal("SIGTERM");
    await this.exited;
    clearTimeout(killed);
  }

  /** Ends the container for good. */
  async stop(grace: number): Promise<void> {
    this.stopped.abort();
    await this.terminate(grace);
  }
}
