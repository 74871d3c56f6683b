import * as fs from "node:fs";

/**
 * Leaves the exit code as the output `exit-code` of a step of GitHub Actions. The step's shell cannot: it gives its process to the driver
 * (`exec`), because the signals of a cancelled job reach that process alone. Never throws.
 *
 * @param file the file that GitHub names in GITHUB_OUTPUT; undefined elsewhere
 */
export function leaveExitCode(file: string | undefined, code: number): void {
  if (!file) return;
  try {
    fs.appendFileSync(file, `exit-code=${code}\n`);
  } catch {
    // The step that reads it says that it is missing.
  }
}
