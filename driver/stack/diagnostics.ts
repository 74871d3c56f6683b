import type { EngineEvent } from "@pulumi/pulumi/automation";

/** Pulumi's colour marks and terminal escapes. */
const MARKUP = /<\{%[^%]*%\}>|\x1b\[[0-9;]*m/g;

const clean = (text: string): string => text.replace(MARKUP, "").replace(/\s+/g, " ").trim();

/** Messages that only repeat that something else failed. */
const EMPTY = /^(update failed|error: update failed|resource (creation|update) failed)/i;

/**
 * What went wrong in an update, in the engine's words: an update that fails returns no result, so its events are all there is.
 * Falls back on the error lines of the command's own output.
 */
export function explainUpdate(events: readonly EngineEvent[], output: string): string {
  const said = events
    .map((e) => e.diagnosticEvent)
    .filter((d) => d?.severity === "error")
    .map((d) => clean(d!.message))
    .filter((m) => m !== "" && !EMPTY.test(m));
  const lines = said.length > 0 ? said : output.split("\n").map(clean).filter((l) => /^(stderr: )?error:/.test(l)).map((l) => l.replace(/^stderr: /, ""));
  const unique = [...new Set(lines)];
  return unique.length > 0 ? unique.join("; ") : clean(output).slice(0, 500);
}
