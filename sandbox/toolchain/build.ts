import { spawn } from "node:child_process";
import * as fs from "node:fs";
import * as path from "node:path";
import { createInterface } from "node:readline";
import { parse } from "yaml";
import { MODULES_DIR, moduleDir, workDir } from "./cache";
import type { GoModule } from "./modules";
import { SandboxError } from "../errors";

export interface BuildProgress {
  /** Packages compiled so far, of those that `go list` counts; the count can stay below it when Go has some cached. */
  (step: "downloading" | "compiling" | "linking", done?: number, of?: number): void;
}

interface GoRun {
  readonly cwd: string;
  readonly onLine?: (line: string) => void;
  readonly signal?: AbortSignal;
}

function go(args: string[], { cwd, onLine, signal }: GoRun): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn("go", args, { cwd, signal, env: { ...process.env, GOFLAGS: "-mod=mod -buildvcs=false", GOWORK: "off" } });
    let out = "";
    const tail: string[] = [];
    child.stdout.on("data", (chunk: Buffer) => (out += chunk.toString()));
    createInterface({ input: child.stderr }).on("line", (line) => {
      onLine?.(line);
      tail.push(line);
      if (tail.length > 20) tail.shift();
    });
    child.on("error", reject);
    child.on("close", (code, killedBy) => {
      if (code === 0) resolve(out);
      else reject(new SandboxError(`go ${args[0]} failed in ${cwd} (${killedBy ?? `exit ${code}`}):\n${tail.join("\n")}`));
    });
  });
}

/** `go build` arguments for a module, writing its binaries below `out`. */
function buildArgs(module: GoModule, packages: string[], out: string): string[] {
  return [
    "build", "-v", "-trimpath",
    ...(module.tags ? ["-tags", module.tags] : []),
    "-ldflags", `-s -w ${module.ldflags ?? ""}`.trim(),
    "-o", out, ...packages,
  ];
}

async function compile(module: GoModule, progress: BuildProgress, { cwd, signal, out }: GoRun & { readonly out: string }): Promise<void> {
  const packages = Object.values(module.binaries);
  await go(["mod", "download"], { cwd, signal }).catch((cause) => {
    // `mod download` also wants modules that this build never reads; what is really missing, the build itself will name.
    if (signal?.aborted) throw cause;
  });
  const deps = await go(["list", "-deps", ...(module.tags ? ["-tags", module.tags] : []), ...packages], { cwd, signal });
  const total = deps.trim().split("\n").length;
  let done = 0;
  progress("compiling", done, total);
  const compiled = (line: string): void => {
    if (/^[\w.-]+(\/|$)/.test(line)) progress("compiling", Math.min(++done, total), total);
  };
  for (const [name, pkg] of Object.entries(module.binaries)) await go(buildArgs(module, [pkg], path.join(out, name)), { cwd, onLine: compiled, signal });
}

/** Writes YAML documents of the one Go module that is required as one JSON list, which is read a hundred times as fast. */
async function collectDocuments({ paths, file }: NonNullable<GoModule["documents"]>, { cwd, signal, out }: GoRun & { readonly out: string }): Promise<void> {
  const { Dir: dir } = JSON.parse(await go(["mod", "download", "-json"], { cwd, signal })) as { Dir: string };
  const documents = paths.map((each) => parse(fs.readFileSync(path.join(dir, each), "utf8")) as unknown);
  fs.writeFileSync(path.join(out, file), JSON.stringify(documents));
}

/**
 * Builds one module into the cache. Everything happens in a folder of this process's own that is renamed into place at the
 * end: an interrupted build leaves no half-made tool, and of two builds at once the first one to finish wins.
 *
 * @throws SandboxError with the last lines of Go's output when the build fails.
 */
export async function buildModule(module: GoModule, progress: BuildProgress, signal?: AbortSignal): Promise<void> {
  const target = moduleDir(module);
  const work = workDir(module);
  const source = path.join(work, "source");
  const out = path.join(work, "bin");
  fs.mkdirSync(out, { recursive: true });
  try {
    fs.cpSync(path.join(MODULES_DIR, module.name), source, { recursive: true });
    progress("downloading");
    if (module.documents) await collectDocuments(module.documents, { cwd: source, signal, out });
    else await compile(module, progress, { cwd: source, signal, out });
    try {
      fs.renameSync(out, target);
    } catch (cause) {
      if (!fs.existsSync(target)) throw cause;
    }
  } finally {
    fs.rmSync(work, { recursive: true, force: true });
  }
}
