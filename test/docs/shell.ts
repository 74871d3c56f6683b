import { execFileSync, spawn, type ChildProcessWithoutNullStreams } from "node:child_process";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";

const CHECKOUT = path.resolve(__dirname, "../../..");
/** What a terminal of somebody else's would not have set. */
const OURS = /^(PULUMI_|CANARY_|KUBECONFIG$|npm_|INIT_CWD$|XDG_STATE_HOME$|VERSION$)/;

/** One terminal in a fresh copy of the checkout: its files as git would clone them, with packages and compiled code in place. */
export class Terminal {
  readonly dir: string;
  private readonly home = fs.mkdtempSync(path.join(os.tmpdir(), "canary-docs-"));
  private readonly bash: ChildProcessWithoutNullStreams;
  private output = "";
  private count = 0;
  private waiting: (() => void) | undefined;
  private ended = false;

  constructor() {
    this.dir = path.join(this.home, "clone");
    const files = execFileSync("git", ["ls-files", "-co", "--exclude-standard", "-z"], { cwd: CHECKOUT, encoding: "utf8" }).split("\0").filter(Boolean);
    for (const file of files) if (fs.existsSync(path.join(CHECKOUT, file))) fs.cpSync(path.join(CHECKOUT, file), path.join(this.dir, file), { preserveTimestamps: true });
    fs.cpSync(path.join(CHECKOUT, "dist"), path.join(this.dir, "dist"), { recursive: true, preserveTimestamps: true });
    fs.symlinkSync(path.join(CHECKOUT, "node_modules"), path.join(this.dir, "node_modules"));
    // Packages and code are those that this very test runs with: nothing is to be installed, through the link into the checkout, or compiled.
    fs.utimesSync(path.join(this.dir, "package-lock.json"), 0, 0);
    fs.writeFileSync(path.join(this.dir, "dist", ".built"), "");
    this.bash = spawn("bash", ["--noprofile", "--norc"], { cwd: this.dir, env: this.environment() });
    for (const stream of [this.bash.stdout, this.bash.stderr]) stream.on("data", (chunk: Buffer) => this.hear(chunk.toString()));
    this.bash.on("close", () => this.hear("", true));
    // Clusters stay up by themselves, also when whoever waits for the test has lost patience.
    for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, this.stop);
  }

  private readonly stop = (): void => {
    this.close();
    process.exit(1);
  };

  /** Clusters of its own, which nobody else's commands see; the tools are the user's, because they take twenty minutes to build. */
  private environment(): NodeJS.ProcessEnv {
    return { ...Object.fromEntries(Object.entries(process.env).filter(([name]) => !OURS.test(name))), XDG_STATE_HOME: path.join(this.home, "state") };
  }

  private hear(text: string, ended = false): void {
    this.output += text;
    this.ended ||= ended;
    this.waiting?.();
  }

  /** Runs commands as a script would, to the first that fails; variables stay for the next. Returns what was printed and the last exit code. */
  async run(code: string, { stopAtFailure = true } = {}): Promise<{ exit: number; output: string }> {
    const n = ++this.count;
    const file = path.join(this.home, `block-${n}.sh`);
    fs.writeFileSync(file, `${code}\n`);
    this.output = "";
    // A command that asks would read the next commands as its answer. A failure ends the shell, as in a script.
    this.bash.stdin.write(`set ${stopAtFailure ? "-e" : "+e"}\nsource ${file} </dev/null\n__code=$?; set +e; echo; echo "== block ${n} ended with $__code"\n`);
    const mark = new RegExp(`\\n== block ${n} ended with (\\d+)\\n`);
    for (;;) {
      const done = mark.exec(this.output);
      if (done) return { exit: Number(done[1]), output: this.output.slice(0, done.index) };
      if (this.ended) return { exit: this.bash.exitCode ?? -1, output: this.output };
      await new Promise<void>((resolve) => (this.waiting = resolve));
    }
  }

  /** Ends the terminal, its clusters and its files. */
  close(): void {
    for (const signal of ["SIGINT", "SIGTERM"] as const) process.off(signal, this.stop);
    this.bash.kill();
    execFileSync(process.execPath, ["bin/bootstrap.js", "sandbox/cli", "down", "--all"], { cwd: this.dir, env: this.environment(), stdio: "ignore" });
    fs.rmSync(this.home, { recursive: true, force: true });
  }
}
