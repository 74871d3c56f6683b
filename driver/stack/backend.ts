import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { fileURLToPath } from "node:url";
import { UpdateFailedError } from "../errors";
import type { Project } from "./project";

/** URL of the backend that the CLI will use, as far as it can be told without asking it. */
export const backendUrl = ({ backend }: Project): string | undefined => process.env.PULUMI_BACKEND_URL || backend?.url || undefined;

/** The folder of a backend of files, by its URL; undefined for any other. */
export const backendFolder = (url = ""): string | undefined => (/^file:\/\/(~|\/)/.test(url) ? fileURLToPath(url.replace(/^file:\/\/~/, `file://${os.homedir()}`)) : undefined);

/** What an update writes anew of the state: itself, the copy beside it, one in the history and one in the backups. */
const COPIES = 4;
/** For what it writes beside them, in bytes. */
const MORE = 2 ** 20;

const megabytes = (bytes: number): string => `${(bytes / 2 ** 20).toFixed(1)} MB`;

/**
 * Refuses an update for which a backend of files has no space left. Pulumi writes its state in place: a disk that is full cuts it off, and
 * with the next try the copy beside it.
 *
 * @throws UpdateFailedError with how much is there and how much is needed
 */
export function refuseFullDisk(project: Project, stack: string): void {
  const folder = backendFolder(backendUrl(project));
  if (folder === undefined || !fs.existsSync(folder)) return;
  const state = path.join(folder, ".pulumi", "stacks", project.name, `${stack.split("/").pop()}.json`);
  const needed = COPIES * (fs.statSync(state, { throwIfNoEntry: false })?.size ?? 0) + MORE;
  const { bavail, bsize } = fs.statfsSync(folder);
  if (bavail * bsize < needed)
    throw new UpdateFailedError(`pulumi up is not begun: the disk of Pulumi's state (${folder}) has ${megabytes(bavail * bsize)} of space left where it needs ${megabytes(needed)}, and a full one would cut the state off: make room.`);
}
