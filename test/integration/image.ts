import { execFile, spawn, type ChildProcess } from "node:child_process";
import * as fs from "node:fs";
import * as path from "node:path";
import { promisify } from "node:util";
import { ensureLinters } from "../../sandbox/toolchain";

const run = promisify(execFile);

export const CHECKOUT = path.resolve(__dirname, "../../..");
export const DOCKERFILE = path.join(CHECKOUT, "image/Dockerfile");

/** One instruction of a Dockerfile as BuildKit reads it. */
export interface Instruction {
  readonly name: string;
  readonly line: number;
  readonly words: readonly string[];
  /** Shell form rather than a JSON list. */
  readonly shell?: boolean;
  /** Stage that a COPY takes from. */
  readonly from?: string;
}

export interface Stage {
  readonly name: string;
  readonly base: string;
  readonly commands: readonly Instruction[];
}

export interface Checked {
  readonly warnings: readonly { readonly rule: string; readonly detail: string; readonly line: number }[];
  readonly error?: string;
  /** Base images that a builder would ask a registry for. */
  readonly bases: readonly string[];
  readonly stages: readonly Stage[];
}

/** What `docker build --check` says of a Dockerfile, and what its stages do. */
export async function checkDockerfile(file = DOCKERFILE, args: readonly string[] = []): Promise<Checked> {
  const { stdout } = await run((await ensureLinters())["dockerfile-lint"], [file, ...args]);
  return JSON.parse(stdout) as Checked;
}

/** Environment, user and entry point of an image, those of the stages below included. */
export interface ImageConfig {
  readonly env: Readonly<Record<string, string>>;
  readonly user: string;
  readonly workdir: string;
  readonly entrypoint: readonly string[];
  readonly cmd: readonly string[];
  readonly health: readonly string[];
  /** The script that makes the image's user. */
  readonly users: string;
}

/** Stages from the one that is named down to a base image, lowest first. */
export function lineage(stages: readonly Stage[], name: string): Stage[] {
  const stage = stages.find((s) => s.name === name);
  return stage ? [...lineage(stages, stage.base), stage] : [];
}

export function configOf(stages: readonly Stage[], target: string): ImageConfig {
  const commands = lineage(stages, target).flatMap((s) => s.commands);
  const last = (name: string): readonly string[] => commands.filter((c) => c.name === name).at(-1)?.words ?? [];
  const env = Object.fromEntries(commands.filter((c) => c.name === "ENV").flatMap((c) => c.words.map((w) => [w.slice(0, w.indexOf("=")), w.slice(w.indexOf("=") + 1)])));
  return { env, user: last("USER")[0] ?? "", workdir: last("WORKDIR")[0] ?? "/", entrypoint: last("ENTRYPOINT"), cmd: last("CMD"), health: last("HEALTHCHECK"), users: commands.find((c) => c.name === "RUN" && c.words[0]!.includes("/etc/passwd"))?.words[0] ?? "" };
}

/**
 * Builds what a target has in /app, as a builder would, as far as this machine can: copies what the Dockerfile copies, and runs what its stages
 * run there. Each stage is a folder that is mounted at /app, so that the Dockerfile's own paths hold.
 */
export class Tree {
  private readonly done = new Map<string, Promise<string>>();

  constructor(private readonly root: string, private readonly stages: readonly Stage[]) {}

  /** The folder that is a stage's /app. */
  of(name: string): Promise<string> {
    if (!this.done.has(name)) this.done.set(name, this.build(name));
    return this.done.get(name)!;
  }

  private async build(name: string): Promise<string> {
    const stage = this.stages.find((s) => s.name === name)!;
    const app = path.join(this.root, name);
    fs.mkdirSync(app, { mode: 0o755 });
    if (this.stages.some((s) => s.name === stage.base)) {
      const below = await this.of(stage.base);
      for (const entry of fs.readdirSync(below)) await copy(path.join(below, entry), path.join(app, entry));
    }
    for (const command of stage.commands) {
      if (command.name === "COPY") await this.copy(app, command);
      else if (command.name === "RUN") await this.run(app, command);
    }
    return app;
  }

  private async copy(app: string, { words, from }: Instruction): Promise<void> {
    // Binaries that only a registry has.
    if (from === "pulumi") return;
    const base = from ? await this.of(from) : CHECKOUT;
    const target = path.join(app, words.at(-1)!);
    const folder = words.at(-1)!.endsWith("/");
    if (folder) fs.mkdirSync(target, { recursive: true });
    for (const source of words.slice(0, -1)) await copy(path.join(base, from ? path.relative("/app", source) : source), folder ? path.join(target, path.basename(source)) : target);
  }

  /** What concerns the package, and not the system of the image. */
  private async run(app: string, { words: [script] }: Instruction): Promise<void> {
    if (!/^(npm|npx) /.test(script!)) return;
    // What it would install is installed: by the same lock file, in this checkout.
    if (/^npm ci (?!--omit)/.test(script!)) return fs.symlinkSync(path.join(CHECKOUT, "node_modules"), path.join(app, "node_modules"));
    const env = { ...process.env, npm_config_prefer_offline: "true", npm_config_update_notifier: "false" };
    await run("unshare", mounted(app, "rw", "", "/app", ["sh", "-c", script!]), { maxBuffer: 1 << 26, timeout: 400_000, env });
  }
}

/** Packages as links, because they are thousands of files; npm replaces all but its own list of them. Everything else is a file of its own: npm writes into those. */
async function copy(from: string, to: string): Promise<void> {
  if (path.basename(from) !== "node_modules") return void (await run("cp", ["-a", from, to]));
  await run("cp", ["-al", from, to]);
  const list = path.join(to, ".package-lock.json");
  fs.copyFileSync(list, `${list}.own`);
  fs.renameSync(`${list}.own`, list);
}

/** Everything of this machine, and a folder at /app; nothing of it stays when the process has gone. */
const MOUNT = `set -e
mount -t tmpfs tmpfs /mnt
for each in /*; do
  if [ -L "$each" ]; then cp -P "$each" /mnt/
  elif [ -d "$each" ] && [ "$each" != /mnt ] && [ "$each" != /app ]; then mkdir "/mnt$each" && mount --rbind "$each" "/mnt$each"
  fi
done
for name in passwd group; do cp "/etc/$name" "/mnt/.$name" && mount --bind "/mnt/.$name" "/mnt/etc/$name"; done
mkdir /mnt/app
mount --bind "$1" /mnt/app
chroot /mnt sh -c "$3"
[ "$2" = rw ] || mount -o remount,bind,ro /mnt/app
cwd=$4
shift 4
exec chroot /mnt sh -c 'cd "$1" && shift && exec "$@"' sh "$cwd" "$@"`;

const isRoot = process.getuid!() === 0;

/** Arguments of \`unshare\`; in a user namespace where this is not root. */
const mounted = (app: string, mode: "ro" | "rw", users: string, cwd: string, command: readonly string[]): string[] =>
  [...(isRoot ? [] : ["--user", "--map-root-user"]), "--mount", "--propagation", "private", "sh", "-c", MOUNT, "sh", app, mode, users, cwd, ...command];

export interface InImage {
  readonly env?: NodeJS.ProcessEnv;
  /** Default the image's own, if it is in its tree. */
  readonly cwd?: string;
}

/** Starts a command in an image's tree, which it cannot write, as the image's user where this is root. It is the process that is returned. */
export function inImage(app: string, { env, user, users, workdir }: ImageConfig, command: readonly string[], options: InImage = {}): ChildProcess {
  const [uid, gid] = user.split(":");
  const as = isRoot ? ["setpriv", `--reuid=${uid}`, `--regid=${gid}`, "--clear-groups", "--no-new-privs"] : [];
  return spawn("unshare", mounted(app, "ro", users, options.cwd ?? (workdir === "/app" ? workdir : "/tmp"), [...as, ...command]), { env: { PATH: process.env.PATH, ...env, ...options.env }, stdio: ["ignore", "pipe", "pipe"] });
}

/** How a process ended, and what it said. */
export async function ended(child: ChildProcess): Promise<{ code: number | null; stdout: string; stderr: string }> {
  const said = { stdout: "", stderr: "" };
  for (const name of ["stdout", "stderr"] as const) child[name]!.on("data", (chunk: Buffer) => (said[name] += chunk.toString()));
  const code = await new Promise<number | null>((resolve) => child.on("close", resolve));
  return { code, ...said };
}
