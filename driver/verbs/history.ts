import pc from "picocolors";
import { EXIT } from "../errors";
import { clean } from "../view/clean";
import { latest, renderHistory } from "../view/history";
import { Viewer } from "../view/viewer";
import type { CommonOptions } from "./session";

export interface HistoryFlags {
  /** Entries at most, at least 1. Default 20. */
  readonly limit?: number;
}

const LIMIT = 20;

/**
 * Lists what was rolled out, the failed ones included, newest first: from the rollout record, which everybody shares. With `--json` one
 * object with the entries.
 *
 * @throws DriverError when the cluster cannot be asked or the record cannot be read
 */
export async function history(options: CommonOptions & HistoryFlags): Promise<number> {
  const { stack, json, limit = LIMIT } = options;
  const viewer = new Viewer(options);
  try {
    const releases = clean(latest((await viewer.book()).history, limit));
    if (json) process.stdout.write(`${JSON.stringify({ event: "history", stack, releases })}\n`);
    else if (releases.length === 0) process.stdout.write(`Nothing was rolled out on "${stack}" yet: begin with \`canary deploy VERSION\`.\n`);
    else process.stdout.write(`${renderHistory(releases, new Date().toISOString(), { width: process.stdout.columns ?? 120, ...(process.stdout.isTTY ? { colours: pc } : {}) }).join("\n")}\n`);
    return EXIT.done;
  } finally {
    viewer.close();
  }
}
