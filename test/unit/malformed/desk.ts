import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { run } from "../../../driver/cli/run";
import { FakeCluster, kubeconfigFor } from "./cluster";

/** What a command left behind. */
export interface Told {
  readonly args: readonly string[];
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
  /** Requests that would have changed the cluster, and updates that were begun. */
  readonly changes: readonly string[];
}

/** Answers as the CLI where nothing was deployed yet, and writes down what would change a stack. */
const PULUMI = `#!/bin/sh
case "$*" in
  version*) echo v3.215.0;;
  *export*) echo '{"version":3,"deployment":{}}';;
  up*|refresh*|destroy*|*init*|*rm*|*import*|*cancel*|config*set*) echo "pulumi $*" >> "$CANARY_TEST_CHANGES"; echo "error: not here" >&2; exit 255;;
  *) echo '{}';;
esac
`;

/** Milliseconds in which every command ends that is refused, or only looks. */
const DEADLINE = 20_000;

const KEPT = ["HOME", "TMPDIR", "LANG"];

/**
 * A project on disk, a cluster and a Pulumi CLI that only write down what is asked of them, and the real command line in this process.
 * `start` in a `before`, `stop` in an `after`.
 */
export class Desk {
  readonly dir = fs.mkdtempSync(path.join(os.tmpdir(), "canary-malformed-"));
  readonly cluster = new FakeCluster();
  private server = "";

  async start(): Promise<void> {
    this.server = await this.cluster.start();
    fs.mkdirSync(path.join(this.dir, "bin"));
    fs.writeFileSync(path.join(this.dir, "bin", "pulumi"), PULUMI, { mode: 0o755 });
    fs.writeFileSync(path.join(this.dir, "Pulumi.yaml"), "name: shop\nruntime: nodejs\n");
    this.write("kubeconfig", kubeconfigFor(this.server));
  }

  stop(): void {
    this.cluster.stop();
    fs.rmSync(this.dir, { recursive: true, force: true });
  }

  path(name: string): string {
    return path.join(this.dir, name);
  }

  write(name: string, content: string | Uint8Array): string {
    fs.writeFileSync(this.path(name), content);
    return this.path(name);
  }

  /** The environment of every command: nothing of the machine's own cluster, stacks or settings. */
  environment(): Record<string, string> {
    const kept = Object.fromEntries(KEPT.flatMap((name) => (process.env[name] === undefined ? [] : [[name, process.env[name]]])));
    return {
      ...kept,
      PATH: `${this.path("bin")}${path.delimiter}/usr/bin:/bin:${path.dirname(process.execPath)}`,
      KUBECONFIG: this.path("kubeconfig"),
      PULUMI_BACKEND_URL: `file://${this.dir}`,
      CANARY_TEST_CHANGES: this.path("changes"),
      RETRY_COUNT: "1",
    };
  }

  /** What was asked of the cluster and of Pulumi since the last call. */
  private takeChanges(): string[] {
    const log = this.path("changes");
    const updates = fs.existsSync(log) ? fs.readFileSync(log, "utf8").trim().split("\n") : [];
    fs.rmSync(log, { force: true });
    return [...updates, ...this.cluster.changes.splice(0)];
  }

  /** Runs a verb on the stack dev of this project. */
  stack(args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Told> {
    return this.canary([...args, "--stack", "dev", "--cwd", this.dir], env);
  }

  /** Runs `canary ARGS` as bin/canary.js does, in this process. */
  async canary(args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Told> {
    const [environment, code, listeners] = [process.env, process.exitCode, signalListeners()];
    const [out, err] = [process.stdout.write, process.stderr.write];
    const said = { stdout: "", stderr: "" };
    const into = (key: keyof typeof said) => ((text: string | Uint8Array): boolean => ((said[key] += String(text)), true)) as typeof process.stdout.write;
    process.env = { ...this.environment(), ...env };
    process.exitCode = undefined;
    [process.stdout.write, process.stderr.write] = [into("stdout"), into("stderr")];
    try {
      await Promise.race([run(args), sleep(DEADLINE, undefined, { ref: false }).then(() => Promise.reject(new Error(`canary ${args.join(" ").slice(0, 300)} goes on and on`)))]);
      return { args, code: Number(process.exitCode ?? 0), ...said, changes: this.takeChanges() };
    } finally {
      [process.stdout.write, process.stderr.write] = [out, err];
      process.env = environment;
      process.exitCode = code;
      for (const [name, all] of signalListeners()) for (const one of all) if (!listeners.get(name)!.includes(one)) process.removeListener(name, one);
    }
  }
}

const signalListeners = () => new Map((["SIGINT", "SIGTERM", "SIGHUP", "exit"] as const).map((name) => [name as NodeJS.Signals, process.listeners(name as NodeJS.Signals)]));
