import { spawn, type ChildProcess } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import * as fs from "node:fs";
import { createServer, type AddressInfo, type Server } from "node:net";
import * as path from "node:path";
import { SandboxError } from "../errors";
import { childOf, startTimeOf } from "../processes";
import { ensureToolchain } from "../toolchain";
import { endCluster } from "./control";
import { ImageTable, type Images } from "./images";
import { unshareArgs } from "./namespace";
import type { ToLauncher, ToSupervisor } from "./protocol";
import { ClusterFiles, isRunning, PUBLISHED, type ClusterRecord, type Published } from "./state";

export interface UpOptions {
  readonly name: string;
  /** Images that the node can run; more can be added later. */
  readonly images: Images;
  readonly onProgress?: (step: string) => void;
  readonly signal?: AbortSignal;
}

/** A running cluster that ends with this process unless `detach` is called. */
export interface Cluster {
  readonly files: ClusterFiles;
  readonly record: ClusterRecord;
  url(service: Published): string;
  /** Lets the cluster outlive this process. */
  detach(): Promise<void>;
  down(): Promise<void>;
}

export const urlOf = (record: ClusterRecord, service: Published): string =>
  `${service === "api" ? "https" : "http"}://127.0.0.1:${record.ports[service]}`;

/** The variables that the cluster's processes may see: the user's KUBECONFIG, proxies and credentials are not theirs. */
const PASSED_ON = ["PATH", "HOME", "LANG", "XDG_CACHE_HOME", "XDG_STATE_HOME"];
const cleanEnvironment = (): NodeJS.ProcessEnv => Object.fromEntries(PASSED_ON.filter((k) => process.env[k]).map((k) => [k, process.env[k]]));

async function listen(): Promise<Server> {
  const server = createServer();
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return server;
}

/** Resolves with the first message of a kind; rejects when the supervisor reports a failure or ends. */
function heard(child: ChildProcess, files: ClusterFiles, kind: ToLauncher["kind"]): Promise<void> {
  return new Promise((resolve, reject) => {
    const done = (error?: Error): void => {
      child.off("message", onMessage).off("exit", onExit);
      error ? reject(error) : resolve();
    };
    const onMessage = (message: ToLauncher): void => {
      if (message.kind === kind) done();
      else if (message.kind === "failed") done(new SandboxError(message.message));
    };
    const onExit = (): void => done(new SandboxError(`The cluster "${files.name}" ended while it was starting; ${files.log("supervisor")} may say why.`));
    child.on("message", onMessage).on("exit", onExit);
  });
}

/** Hands the host's listening sockets over; the parent's copies are closed so that only the supervisor accepts. */
async function publish(child: ChildProcess, files: ClusterFiles): Promise<Record<Published, number>> {
  const ports = {} as Record<Published, number>;
  for (const service of PUBLISHED) {
    const server = await listen();
    ports[service] = (server.address() as AddressInfo).port;
    const acknowledged = heard(child, files, "published");
    child.send({ kind: "publish", service, port: ports[service] } satisfies ToSupervisor, server);
    await acknowledged;
    server.close();
  }
  return ports;
}

function prepareFiles({ name, images }: UpOptions): ClusterFiles {
  const files = new ClusterFiles(name);
  const old = files.readRecord();
  if (old && isRunning(old)) throw new SandboxError(`A cluster named "${name}" is up already: use it, choose another --name, or take it down first.`);
  files.remove();
  fs.mkdirSync(files.file("logs"), { recursive: true, mode: 0o700 });
  fs.writeFileSync(files.token, randomBytes(24).toString("hex"), { mode: 0o600 });
  new ImageTable(files).add(images);
  return files;
}

/**
 * Starts a cluster and returns when all of it serves.
 *
 * @throws SandboxError when one of that name is up already, when a tool cannot be built, or when a part does not start.
 */
export async function upCluster(options: UpOptions): Promise<Cluster> {
  const { onProgress, signal } = options;
  await ensureToolchain(signal);
  const files = prepareFiles(options);
  const log = fs.openSync(files.log("supervisor"), "a", 0o600);
  const supervisor = path.resolve(__dirname, "supervisor.js");
  // A shell is the namespace's first process because it reaps orphans, which Node.js does not.
  const child = spawn("unshare", [...unshareArgs(), "sh", "-c", `"$0" "$1"; exit $?`, process.execPath, supervisor], {
    stdio: ["ignore", log, log, "ipc"],
    detached: true,
    env: cleanEnvironment(),
  });
  fs.closeSync(log);
  const stop = (): void => void (child.connected && child.disconnect());
  signal?.addEventListener("abort", stop);
  child.on("message", (m: ToLauncher) => m.kind === "progress" && onProgress?.(m.step));
  try {
    const ports = await publish(child, files);
    const record: ClusterRecord = { name: options.name, pid: child.pid!, startTime: startTimeOf(child.pid!)!, init: childOf(child.pid!), ports };
    fs.writeFileSync(files.record, JSON.stringify(record, null, 2), { mode: 0o600 });
    const ready = heard(child, files, "ready");
    child.send({ kind: "start", name: options.name } satisfies ToSupervisor);
    await ready;
    child.unref();
    child.channel?.unref();
    return {
      files,
      record,
      url: (service) => urlOf(record, service),
      async detach() {
        child.channel?.ref();
        const detached = heard(child, files, "detached");
        child.send({ kind: "detach" } satisfies ToSupervisor);
        await detached;
        child.disconnect();
      },
      down: () => endCluster(files),
    };
  } catch (cause) {
    await endCluster(files);
    child.kill("SIGKILL");
    signal?.throwIfAborted();
    throw cause;
  }
}
