import pc from "picocolors";
import { EXIT } from "../errors";
import { examine } from "../view/doctor";
import { renderFindings } from "../view/doctor/render";
import { LOG_WIDTH } from "../view/screen";
import type { CommonOptions } from "./session";

/**
 * Says what keeps rollouts of the stack from working, and what to do about it; changes nothing. With `--json` one object with all findings.
 *
 * @returns 0 when nothing is to be mended, otherwise 1
 */
export async function doctor(options: CommonOptions): Promise<number> {
  const { stack, json } = options;
  const findings = await examine(options);
  const sound = findings.every(({ health }) => health !== "fail");
  const { isTTY, columns = LOG_WIDTH } = process.stdout;
  if (json) process.stdout.write(`${JSON.stringify({ event: "doctor", stack, sound, findings })}\n`);
  else process.stdout.write(`${renderFindings(findings, { width: columns, ...(isTTY ? { colours: pc } : {}) }).join("\n")}\n`);
  return sound ? EXIT.done : EXIT.failed;
}
