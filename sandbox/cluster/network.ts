import { execFile, execFileSync } from "node:child_process";
import * as fs from "node:fs";
import { promisify } from "node:util";

const run = promisify(execFile);

const BRIDGE = "cluster0";
const PREFIX = 16;

/** The cluster's side of the bridge: the API server's address as pods see it. */
export const GATEWAY = "10.244.0.1";

/** Brings up loopback and the bridge of a fresh network namespace, and a private `/run` where `ip netns` keeps the pods' namespaces. */
export function setUpNetwork(): void {
  execFileSync("mount", ["-t", "tmpfs", "tmpfs", "/run"]);
  fs.mkdirSync("/run/netns");
  const batch = [
    "link set lo up",
    `link add ${BRIDGE} type bridge`,
    `addr add ${GATEWAY}/${PREFIX} dev ${BRIDGE}`,
    `link set ${BRIDGE} up`,
  ].join("\n");
  execFileSync("ip", ["-batch", "-"], { input: batch });
}

/** A pod's network namespace: an address on the bridge, a loopback of its own. */
export class PodNetwork {
  private constructor(readonly name: string, readonly ip: string) {}

  /** Rejects when the network cannot be made; nothing of it is left then. */
  static async create(name: string, ip: string): Promise<PodNetwork> {
    const network = new PodNetwork(name, ip);
    const link = `v${ip.split(".").slice(2).join("-")}`;
    try {
      await run("ip", ["netns", "add", name]);
      await batch([], [`link add ${link} type veth peer name eth0 netns ${name}`, `link set ${link} master ${BRIDGE} up`]);
      await batch(["-netns", name], [
        "link set lo up",
        `addr add ${ip}/${PREFIX} dev eth0`,
        "link set eth0 up",
        `route add default via ${GATEWAY}`,
      ]);
      return network;
    } catch (cause) {
      await network.destroy();
      throw cause;
    }
  }

  /** Command line that runs a program in this namespace. */
  wrap(command: readonly string[]): string[] {
    return ["nsenter", `--net=/run/netns/${this.name}`, "--", ...command];
  }

  /** Ends every process that still lives in the namespace, however it was started, and removes it. */
  async destroy(): Promise<void> {
    const { stdout } = await run("ip", ["netns", "pids", this.name]).catch(() => ({ stdout: "" }));
    for (const pid of stdout.split("\n").filter(Boolean).map(Number)) {
      try {
        process.kill(pid, "SIGKILL");
      } catch {
        // Gone in between, which is what was wanted.
      }
    }
    await run("ip", ["netns", "delete", this.name]).catch(() => undefined);
  }
}

function batch(options: string[], lines: string[]): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = execFile("ip", [...options, "-batch", "-"], (error) => (error ? reject(error) : resolve()));
    child.stdin!.end(lines.join("\n") + "\n");
  });
}

/** Hands out pod addresses 10.244.1.1 … 10.244.254.254, the least recently used first, so that a freed one rests as long as possible. */
export class AddressPool {
  private next = 0;
  private readonly used = new Set<string>();

  /** @throws RangeError when all 64,516 addresses are taken. */
  take(): string {
    for (let tried = 0; tried < 254 * 254; tried++) {
      const n = this.next++ % (254 * 254);
      const ip = `10.244.${1 + Math.floor(n / 254)}.${1 + (n % 254)}`;
      if (this.used.has(ip)) continue;
      this.used.add(ip);
      return ip;
    }
    throw new RangeError("all pod addresses are taken");
  }
  release(ip: string): void {
    this.used.delete(ip);
  }
}
