import * as fs from "node:fs";
import pc from "picocolors";
import { ConfigError, editStackFile, parseStackFile, type StackConfig, type VersionValue } from "../../components/config";
import { HOLDER_VARIABLE, recordName, type RecordedKeys, type RolloutRecord } from "../../components/record/format";
import { BusyError, EXIT, InterruptedError, UsageError } from "../errors";
import { recordStore } from "../record/store";
import { projectOf } from "../stack/engine";
import { CALLING, withSettings, type Settings } from "../settings";
import { withKeys, type StackFile } from "../stack/file";
import { openPreviews } from "../stack/preview";
import { placeOf, type Place } from "../view/place";
import { quitSignal } from "../view/quit";
import { renderStep } from "../view/render-plan";
import { changesBetween, declaredBefore, declaredIn, plannedSteps, type Declared, type PlannedStep, type ResourceChange } from "../view/rollout-plan";
import { LOG_WIDTH } from "../view/screen";
import type { CommonOptions } from "./session";

/** The record, where it can be read: without it the file is taken at its word. */
async function recordOf({ cwd, stack }: CommonOptions, { cluster, file }: Place): Promise<RolloutRecord | undefined> {
  const store = recordStore(cluster, file.read().namespace, recordName(projectOf(cwd).name, stack));
  return (await store.read().catch(() => undefined))?.record;
}

function parsed(text: string, settings: Settings = {}): StackConfig {
  try {
    return withSettings(parseStackFile(text), settings);
  } catch (cause) {
    if (cause instanceof ConfigError) throw new UsageError(cause.problems.join("\n"), { cause });
    throw cause;
  }
}

/** The stack file's text as `canary deploy` would have it at its start: keys that the record has newer are the record's. */
function startingPoint(file: StackFile, record: RolloutRecord | undefined): string {
  const text = fs.readFileSync(file.path, "utf8");
  if (!record || record.generation <= parsed(text).generation) return text;
  return withKeys(text, record);
}

/** The rollout keys as they are written; YAML makes a number of a version such as 7. */
function keysIn(text: string): RecordedKeys {
  const raw = parseStackFile(text) as Partial<Record<"stable" | "canary" | "previous", VersionValue | number>> & { weight?: number };
  const of = (key: "stable" | "canary" | "previous"): object => (raw[key] === undefined ? {} : { [key]: typeof raw[key] === "number" ? String(raw[key]) : raw[key] });
  return { ...of("stable"), ...of("canary"), ...of("previous"), weight: raw.weight ?? 0 };
}

/** The stack file's text at each step. @throws UsageError in the parser's words, where the engine would say the same in many more */
function textsOf(start: string, steps: readonly PlannedStep[]): { readonly name: string; readonly text: string }[] {
  let text = start;
  return steps.map(({ name, edit }) => {
    text = editStackFile(text, { ...edit, generation: parsed(text).generation + 1 });
    parsed(text);
    return { name, text };
  });
}

interface Report {
  step(index: number, of: number, name: string, changes: readonly ResourceChange[]): void;
  end(message: string): void;
}

function reportTo(json: boolean | undefined): Report {
  const say = (text: string): void => void process.stdout.write(`${text}\n`);
  if (json) return { step: (index, of, step, changes) => say(JSON.stringify({ event: "preview", index, of, step, changes })), end: (message) => say(JSON.stringify({ event: "end", message })) };
  const { isTTY, columns = LOG_WIDTH } = process.stdout;
  return { step: (index, of, name, changes) => say(renderStep(index, of, name, changes, { width: columns, ...(isTTY ? { colours: pc } : {}) }).join("\n")), end: say };
}

async function previewAll(options: CommonOptions, version: string, signal: AbortSignal): Promise<number> {
  const { cwd, stack, json } = options;
  const place = placeOf(options, [...CALLING, "rollout"]);
  const record = await recordOf(options, place);
  const text = startingPoint(place.file, record);
  const config = parsed(text, place.settings);
  const report = reportTo(json);
  const { canary, stable, weight } = config;
  if (canary && canary.version !== version) throw new BusyError(`A rollout of ${canary.version} is under way at weight ${weight}: end it with \`canary promote\` or \`canary rollback\` first.`);
  if (stable?.version === version && !canary) {
    report.end(`${version} is the stable version already: nothing would change.`);
    return EXIT.done;
  }
  const undone = record?.undo !== undefined && Date.parse(record.undo.until) < Date.now();
  const steps = textsOf(text, plannedSteps(config, keysIn(text), version, undone));
  const previews = await openPreviews(cwd, stack);
  try {
    let before: Declared | undefined;
    for (const [index, step] of steps.entries()) {
      signal.throwIfAborted();
      const planned = await previews.preview(step.text, signal);
      report.step(index + 1, steps.length, step.name, changesBetween(before ?? declaredBefore(planned), planned));
      before = declaredIn(planned);
    }
  } finally {
    previews.close();
  }
  report.end("Nothing was changed: neither the stack file, nor the state, nor the cluster.");
  return EXIT.done;
}

/**
 * Shows what each step of a rollout of a version would change, by a `pulumi preview` of each; changes nothing. With `--json` a line for
 * each step.
 *
 * @throws BusyError while another version is rolled out, UsageError when there is no such stack or the version is none, DriverError when
 *   a preview fails
 */
export async function preview(options: CommonOptions, version: string): Promise<number> {
  const { signal, off } = quitSignal();
  const holder = process.env[HOLDER_VARIABLE];
  // The verb has compared the file with the record itself.
  process.env[HOLDER_VARIABLE] = holder ?? "canary preview";
  try {
    return await previewAll(options, version, signal);
  } catch (cause) {
    if (signal.aborted) throw new InterruptedError("SIGINT");
    throw cause;
  } finally {
    off();
    if (holder === undefined) delete process.env[HOLDER_VARIABLE];
  }
}
