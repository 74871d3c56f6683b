import * as fs from "node:fs";
import * as path from "node:path";
import type { ClusterFiles } from "../cluster/state";
import { accountOf, projectFolder } from "../demo/project";
import type { Toolchain } from "../toolchain";

const quote = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;

/** Names of the stacks whose files are in a cluster's project. */
export function stacksOf(files: ClusterFiles): string[] {
  const dir = projectFolder(files);
  return fs.existsSync(dir) ? fs.readdirSync(dir).flatMap((name) => /^Pulumi\.(.+)\.yaml$/.exec(name)?.[1] ?? []).sort() : [];
}

/**
 * Shell commands after which `canary`, `pulumi` and `kubectl` work on a cluster. Where its project has one stack, that one is chosen too;
 * otherwise the stack files of the current folder are used.
 */
export function exportsFor(files: ClusterFiles, tools: Toolchain): string[] {
  const stacks = stacksOf(files);
  const chosen = stacks.length === 1 ? { CANARY_CWD: projectFolder(files), PULUMI_STACK: stacks[0]! } : {};
  const PLACE = "\0";
  const search = tools.env({ PATH: PLACE }).PATH!.split(path.delimiter).map((dir) => (dir === PLACE ? '"$PATH"' : quote(dir))).join(path.delimiter);
  return [...Object.entries({ ...accountOf(files), ...chosen }).map(([name, value]) => `export ${name}=${quote(value)}`), `export PATH=${search}`];
}
