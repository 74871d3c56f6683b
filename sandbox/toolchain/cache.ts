import { createHash } from "node:crypto";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { startTimeOf } from "../processes";
import type { GoModule } from "./modules";

/** The module folders of the checkout; compiled code lives in `dist/`, they do not. */
export const MODULES_DIR = path.resolve(__dirname, "../../../sandbox/toolchain/modules");

/** `$XDG_CACHE_HOME/pulumi-canary/tools`, by default below `~/.cache`. */
export function cacheRoot(): string {
  return path.join(process.env.XDG_CACHE_HOME || path.join(os.homedir(), ".cache"), "pulumi-canary", "tools");
}

function filesBelow(dir: string): string[] {
  return fs
    .readdirSync(dir, { withFileTypes: true })
    .flatMap((e) => (e.isDirectory() ? filesBelow(path.join(dir, e.name)) : [path.join(dir, e.name)]))
    .sort();
}

/** Where a module's binaries are kept: the key covers every file of the module, its build flags and the platform. */
export function moduleDir(module: GoModule): string {
  const key = createHash("sha256").update(JSON.stringify([module, process.platform, process.arch]));
  const source = path.join(MODULES_DIR, module.name);
  for (const file of filesBelow(source)) key.update(path.relative(source, file)).update(fs.readFileSync(file));
  return path.join(cacheRoot(), `${module.name}-${key.digest("hex").slice(0, 16)}`);
}

/** A finished build is a folder that was renamed into place, so its presence is enough. */
export const isBuilt = (module: GoModule): boolean => fs.existsSync(moduleDir(module));

/** The folder a build of this process works in until it is renamed into place. */
export const workDir = (module: GoModule): string => `${moduleDir(module)}.build-${process.pid}`;

/** Removes what killed builds left behind. */
export function removeAbandonedBuilds(): void {
  if (!fs.existsSync(cacheRoot())) return;
  for (const name of fs.readdirSync(cacheRoot())) {
    const pid = /\.build-(\d+)$/.exec(name)?.[1];
    if (pid && startTimeOf(Number(pid)) === undefined) fs.rmSync(path.join(cacheRoot(), name), { recursive: true, force: true });
  }
}
