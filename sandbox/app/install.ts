import { spawn } from "node:child_process";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { SandboxError } from "../errors";
import type { Source } from "./source";

/** A program that is there, ready to be run. */
export interface Installed {
  readonly command: readonly string[];
  /** Folders that it consists of. */
  readonly files: readonly string[];
}

/** `$XDG_CACHE_HOME/pulumi-canary/packages`, by default below `~/.cache`. */
const packagesRoot = (): string => path.join(process.env.XDG_CACHE_HOME || path.join(os.homedir(), ".cache"), "pulumi-canary", "packages");

function npmInstall(folder: string, spec: string): Promise<void> {
  return new Promise((resolve, reject) => {
    // No scripts: what a package's author wants to run at installation is none of the sandbox's business.
    const child = spawn("npm", ["install", "--prefix", folder, "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error", spec], { stdio: ["ignore", "ignore", "pipe"] });
    let said = "";
    child.stderr.on("data", (chunk: Buffer) => (said += chunk.toString()));
    child.on("error", (cause) => reject(new SandboxError(`npm cannot be started to install ${spec}: ${cause.message}.`, { cause })));
    child.on("close", (code) => (code === 0 ? resolve() : reject(new SandboxError(`npm cannot install ${spec}: ${said.trim().split("\n").slice(0, 3).join("; ") || `exit code ${code}`}.`))));
  });
}

/** The one program of a package, or that of the package's own name. */
function binOf(folder: string, packageName: string): string {
  const dir = path.join(folder, "node_modules", packageName);
  const { bin = {} } = JSON.parse(fs.readFileSync(path.join(dir, "package.json"), "utf8")) as { bin?: string | Record<string, string> };
  const programs = typeof bin === "string" ? { [path.basename(packageName)]: bin } : bin;
  const names = Object.keys(programs);
  const name = names.length === 1 ? names[0]! : path.basename(packageName);
  const program = programs[name];
  if (program === undefined) throw new SandboxError(names.length === 0 ? `The npm package ${packageName} has no program to run: choose one with a "bin".` : `The npm package ${packageName} has several programs (${names.join(", ")}) and none of its own name: wrap the one you mean in a file and give that.`);
  return path.join(dir, program);
}

/** A program that Node.js runs, by its ending or its first line; any other must be executable. */
function commandOf(file: string): string[] {
  const firstLine = fs.readFileSync(file).subarray(0, 200).toString().split("\n")[0]!;
  if (/\.[cm]?js$/.test(file) || /^#!.*\bnode\b/.test(firstLine)) return [process.execPath, file];
  try {
    fs.accessSync(file, fs.constants.X_OK);
  } catch (cause) {
    throw new SandboxError(`${file} is neither JavaScript nor executable: make it executable (chmod +x).`, { cause });
  }
  return [file];
}

/**
 * Brings a program to this machine: an npm package into the cache, once for each version; a file stays where it is.
 *
 * @throws SandboxError when there is no such package, version, program or file
 */
export async function install(source: Source): Promise<Installed> {
  if (source.kind === "file") {
    const file = path.resolve(process.env.INIT_CWD ?? process.cwd(), source.file);
    if (!fs.statSync(file, { throwIfNoEntry: false })?.isFile()) throw new SandboxError(`There is no file ${file}: name a program after "file:".`);
    return { command: [...commandOf(file), ...source.args], files: [path.dirname(file)] };
  }
  const folder = path.join(packagesRoot(), source.spec.replaceAll("/", "+"));
  if (!fs.existsSync(folder)) {
    fs.mkdirSync(packagesRoot(), { recursive: true, mode: 0o700 });
    const work = fs.mkdtempSync(`${folder}.`);
    try {
      await npmInstall(work, source.spec);
      // Where another process was quicker, its copy is as good.
      if (!fs.existsSync(folder)) fs.renameSync(work, folder);
    } finally {
      fs.rmSync(work, { recursive: true, force: true });
    }
  }
  return { command: [...commandOf(binOf(folder, source.packageName)), ...source.args], files: [folder] };
}
