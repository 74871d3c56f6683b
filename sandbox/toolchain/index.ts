import { execFileSync } from "node:child_process";
import * as fs from "node:fs";
import * as path from "node:path";
import { SandboxError } from "../errors";
import { buildModule } from "./build";
import { cacheRoot, isBuilt, moduleDir, removeAbandonedBuilds } from "./cache";
import { LINTERS, MODULES, PULUMI_VERSION, type GoModule } from "./modules";
import { buildReporter } from "./progress";

const GO_NEEDED = [1, 25] as const;

function versionOf(command: string, args: string[]): string | undefined {
  try {
    return execFileSync(command, args, { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] }).trim();
  } catch {
    return undefined;
  }
}

/**
 * @throws SandboxError when Go is missing or older than the modules need.
 */
function checkGo(): void {
  const need = GO_NEEDED.join(".");
  const version = versionOf("go", ["env", "GOVERSION"]);
  if (version === undefined)
    throw new SandboxError(`Go ${need} or newer is needed to build the sandbox's tools and no \`go\` is on PATH: install Go and run the same command again.`);
  const [major = 0, minor = 0] = (/go(\d+)\.(\d+)/.exec(version) ?? []).slice(1).map(Number);
  if (major < GO_NEEDED[0] || (major === GO_NEEDED[0] && minor < GO_NEEDED[1]))
    throw new SandboxError(`Go ${need} or newer is needed to build the sandbox's tools and \`go\` on PATH is ${version}: install a newer Go and run the same command again.`);
}

const ON_PATH = (name: string): string | undefined =>
  (process.env.PATH ?? "")
    .split(path.delimiter)
    .map((dir) => path.join(dir, name))
    .find((file) => fs.existsSync(file));

/** The user's own Pulumi serves when it has the same major version, is no older than the tested one and brings its language host. */
function userPulumiFits(): boolean {
  if (!ON_PATH("pulumi") || !ON_PATH("pulumi-language-nodejs")) return false;
  const have = (versionOf("pulumi", ["version"]) ?? "").replace(/^v/, "").split(".").map(Number);
  const need = PULUMI_VERSION.split(".").map(Number);
  return have[0] === need[0] && have[1]! >= need[1]!;
}

/** Where the tools are. */
export interface Toolchain {
  /** Absolute path of a tool or of a file that a module brings. */
  path(tool: string): string;
  /** An environment for child processes in which every tool is found by its name. */
  env(base?: NodeJS.ProcessEnv): NodeJS.ProcessEnv;
}

const PULUMI_TOOLS = new Set(["pulumi", "pulumi-language-nodejs"]);

/** Builds modules, with a line of progress per module on standard error. @throws SandboxError when Go is missing or too old, or when a build fails */
async function build(modules: readonly GoModule[], estimate: string, signal?: AbortSignal): Promise<void> {
  if (modules.length === 0) return;
  checkGo();
  removeAbandonedBuilds();
  const reporter = buildReporter(modules.length, cacheRoot(), estimate);
  for (const module of modules) {
    const line = reporter.start(module.title);
    await buildModule(module, line.update, signal);
    line.done();
  }
}

/**
 * Builds the linters, where they are missing; no cluster needs them.
 *
 * @returns absolute path of each by its name
 * @throws SandboxError when Go is missing or too old, or when a build fails
 */
export async function ensureLinters(): Promise<Readonly<Record<"actionlint" | "dockerfile-lint", string>>> {
  await build(isBuilt(LINTERS) ? [] : [LINTERS], "about a minute");
  const at = (name: string): string => path.join(moduleDir(LINTERS), name);
  return { actionlint: at("actionlint"), "dockerfile-lint": at("dockerfile-lint") };
}

/**
 * Builds what is missing, with a line of progress per module on standard error, and says where everything is.
 *
 * @throws SandboxError when Go is missing or too old, or when a build fails.
 */
export async function ensureToolchain(signal?: AbortSignal): Promise<Toolchain> {
  const useUserPulumi = userPulumiFits();
  const needed = (m: GoModule): boolean => !(useUserPulumi && !m.documents && Object.keys(m.binaries).every((b) => PULUMI_TOOLS.has(b)));
  const missing = MODULES.filter((m) => needed(m) && !isBuilt(m));
  await build(missing, "20 to 35 minutes", signal);
  const files = new Map<string, string>();
  for (const module of MODULES.filter(needed))
    for (const name of Object.keys(module.binaries))
      if (!(useUserPulumi && PULUMI_TOOLS.has(name))) files.set(name, path.join(moduleDir(module), name));
  const dirs = [...new Set([...files.values()].map((f) => path.dirname(f)))];
  for (const module of MODULES) if (module.documents) files.set(module.documents.file, path.join(moduleDir(module), module.documents.file));
  return {
    path: (tool) => files.get(tool) ?? ON_PATH(tool) ?? tool,
    env(base = process.env) {
      const user = base.PATH ?? "";
      return { ...base, PATH: (useUserPulumi ? [user, ...dirs] : [...dirs, user]).join(path.delimiter) };
    },
  };
}
