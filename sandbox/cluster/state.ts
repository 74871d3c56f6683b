import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { SandboxError } from "../errors";
import { startTimeOf } from "../processes";

/** Services of the cluster that are reachable from the host, each on a free port of 127.0.0.1. */
export const PUBLISHED = ["api", "ingress", "prometheus"] as const;
export type Published = (typeof PUBLISHED)[number];

/** What is written to `cluster.json` once a cluster runs. */
export interface ClusterRecord {
  readonly name: string;
  /** The process outside the namespaces whose death ends everything inside. */
  readonly pid: number;
  /** Start time of that process in clock ticks since boot: a reused pid has another. */
  readonly startTime: string;
  /** The first process of the process namespace, by its pid outside: it is gone when everything inside is. */
  readonly init: number;
  readonly ports: Readonly<Record<Published, number>>;
}

/** Paths of one cluster's files; the folder goes with the cluster. */
export class ClusterFiles {
  readonly dir: string;

  /** @throws SandboxError when the name is not a DNS label of at most 30 characters. */
  constructor(readonly name: string) {
    if (!/^[a-z0-9]([a-z0-9-]{0,28}[a-z0-9])?$/.test(name))
      throw new SandboxError(`"${name}" cannot name a cluster: use 1 to 30 lower-case letters, digits and dashes.`);
    this.dir = path.join(stateRoot(), name);
  }
  file = (...parts: string[]): string => path.join(this.dir, ...parts);
  get record(): string { return this.file("cluster.json"); }
  get kubeconfig(): string { return this.file("kubeconfig"); }
  /** The same credentials with the address that holds inside the namespace. */
  get innerKubeconfig(): string { return this.file("kubeconfig.inner"); }
  get images(): string { return this.file("images.json"); }
  get token(): string { return this.file("token"); }
  get ca(): string { return this.file("apiserver", "apiserver.crt"); }
  log = (component: string): string => this.file("logs", `${component}.log`);

  readRecord(): ClusterRecord | undefined {
    try {
      return JSON.parse(fs.readFileSync(this.record, "utf8")) as ClusterRecord;
    } catch {
      return undefined;
    }
  }
  remove(): void {
    fs.rmSync(this.dir, { recursive: true, force: true, maxRetries: 5 });
  }
}

/** `$XDG_STATE_HOME/pulumi-canary/clusters`, by default below `~/.local/state`. */
export function stateRoot(): string {
  return path.join(process.env.XDG_STATE_HOME || path.join(os.homedir(), ".local", "state"), "pulumi-canary", "clusters");
}

export const isRunning = (record: ClusterRecord): boolean => startTimeOf(record.pid) === record.startTime;
