import * as fs from "node:fs";
import * as path from "node:path";
import { recordName } from "../../components/record/format";
import { DriverError, EXIT, UsageError } from "../errors";
import { renderPage } from "../pages";
import { recordStore, type Book } from "../record/store";
import { Story } from "../report/story";
import { planOf } from "../report/story-facts";
import { StoryFolder } from "../report/story-file";
import { pastEvents, pastStep } from "../report/story-past";
import { retold } from "../report/story-retell";
import { openPrometheus } from "../resilience/prometheus";
import { clauseOf } from "../cluster/answers";
import { localFolder, projectOf } from "../stack/engine";
import { placeOf, type Place } from "../view/place";
import type { CommonOptions } from "./session";

export interface ReportFlags {
  /** Where the HTML goes. Default: the project's folder `.canary`. */
  readonly out?: string;
}

/** Seconds that Prometheus' history is read for at most. */
const PATIENCE = 120;

/** When a rollout began, seconds since the epoch, by its id; 0 where the id does not say. */
const began = (id: string): number => parseInt(id.slice(id.lastIndexOf("-") + 1), 36) || 0;

/** Ids of everything that is known, the latest first. */
function known(local: readonly string[], book: Book | undefined): string[] {
  const recorded = [...(book?.history ?? []).filter(({ kind }) => kind === "rollout" || kind === "experiment").map(({ id }) => id), ...(book?.record?.rollout ? [book.record.rollout.id] : [])];
  return [...new Set([...local, ...recorded])].sort((a, b) => began(b) - began(a));
}

interface Sources {
  readonly place: Place;
  readonly folder: StoryFolder;
  readonly book: Book | undefined;
}

/** The record, where the cluster answers. */
async function bookOf({ cluster, file }: Place, { cwd, stack }: CommonOptions): Promise<Book | string> {
  try {
    return await recordStore(cluster, file.read().namespace, recordName(projectOf(cwd).name, stack)).read();
  } catch (cause) {
    return cause instanceof DriverError ? cause.message : `The cluster cannot be asked: ${clauseOf(cause)}.`;
  }
}

/** A story of which this folder has nothing: by the record, and by what Prometheus remembers. */
async function fromRecord({ place, book }: Sources, options: CommonOptions, id: string): Promise<Story> {
  const config = place.file.read();
  const entry = book?.history.find((e) => e.id === id);
  const rollout = book?.record?.rollout?.id === id ? book.record.rollout : undefined;
  const { version, from, startedAt } = (entry ?? rollout)!;
  const versions = { id, version, ...(from === undefined ? {} : { from }) };
  const story = new Story({ project: projectOf(options.cwd).name, stack: options.stack, verb: `deploy ${version}`, ...planOf(config, rollout?.experiment), ...versions, started: Date.parse(startedAt) / 1000 });
  const journal = (book?.journal ?? []).filter((line) => line.rollout === id);
  const told = retold(journal, entry, config.rollout.stages.length);
  story.lacks("This folder has no story of the rollout: it is told from the rollout record, and the config is that of the stack file now.");
  if (journal.length === 0) story.lacks("The record keeps the journal of the latest rollout only: stages and verdicts of this one are not known any more.");
  const scout = Story.of(story.saved());
  told.forEach((event) => scout.hear(event));
  const past = await readPast(place, story, { ...scout.snapshot(), to: entry ? Date.parse(entry.endedAt) / 1000 : Date.now() / 1000, from, version });
  [...told, ...past].sort((a, b) => a.t - b.t).forEach((event) => story.hear(event));
  return story;
}

/** The curves, where Prometheus can be asked; says what is missing otherwise. */
async function readPast({ file, dependencies }: Place, story: Story, { facts, stages, to, from, version }: ReturnType<Story["snapshot"]> & { readonly to: number; readonly from: string | undefined; readonly version: string }): ReturnType<typeof pastEvents> {
  const config = file.read();
  const { prometheus, scrapeIntervalSeconds } = config.analysis;
  if (from === undefined || prometheus.length === 0) {
    story.lacks("The stack file names no Prometheus: there are no curves.");
    return [];
  }
  const source = openPrometheus(prometheus, dependencies);
  try {
    const signal = AbortSignal.timeout(PATIENCE * 1000);
    const events = await pastEvents({ config, versions: { stable: from, canary: version }, source, from: facts.started, to, stages, signal });
    const step = pastStep(facts.started, to, scrapeIntervalSeconds);
    story.lacks(events.length > 0
      ? `Curves and evidence are computed anew from Prometheus' history in steps of ${Math.round(step)} s: they may differ a little from what was decided on.`
      : "Prometheus has no traffic of that time any more: there are no curves.");
    return events;
  } catch (cause) {
    story.lacks(`Prometheus cannot be asked (${clauseOf(cause)}): there are no curves.`);
    return [];
  } finally {
    source.close();
  }
}

/** @throws UsageError that lists what there is */
function choose(ids: readonly string[], wanted: string | undefined, stack: string, trouble: string): string {
  if (ids.length === 0) throw new UsageError(`No rollout of "${stack}" is known${trouble ? ` here, and the record cannot be read (${trouble.replace(/\.$/, "")})` : " yet: begin with `canary deploy VERSION`"}.`);
  if (wanted !== undefined && !ids.includes(wanted)) throw new UsageError(`No rollout of "${stack}" is called ${JSON.stringify(wanted)}: there ${ids.length === 1 ? "is" : "are"} ${ids.join(", ")}.`);
  return wanted ?? ids[0]!;
}

/** How a rollout ended that this folder saw only the beginning of. */
function finish(story: Story, book: Book | undefined, id: string): void {
  const entry = book?.history.find((e) => e.id === id);
  const { ended } = story.snapshot();
  const at = entry ? Date.parse(entry.endedAt) / 1000 : 0;
  if (!entry || (ended !== undefined && ended >= at - 1)) return;
  story.concluded(at, entry.outcome, `${entry.version} ${entry.outcome === "rolled-back" ? "was rolled back" : `was ${entry.outcome}`}: ${entry.reason}`);
  story.lacks(`It was ended by another driver, ${entry.by}: this folder has nothing of that part.`);
}

/**
 * Writes the report of a rollout, by default of the latest, from what this folder keeps of it, or from the rollout record and
 * Prometheus' history; with `--json` prints what it would show, and writes a file only with `--out`.
 *
 * @throws UsageError when there is no such rollout, or the stack file cannot be read; DriverError when the file cannot be written
 */
export async function report(options: CommonOptions & ReportFlags, wanted?: string): Promise<number> {
  const folder = new StoryFolder(localFolder(options.cwd, options.stack));
  const place = placeOf(options);
  const asked = await bookOf(place, options);
  const book = typeof asked === "string" ? undefined : asked;
  const id = choose(known(folder.ids(), book), wanted, options.stack, typeof asked === "string" ? asked : "");
  const kept = folder.load(id);
  const story = kept ?? (await fromRecord({ place, folder, book }, options, id));
  if (kept) finish(story, book, id);
  const local = folder.journal(id);
  const view = story.snapshot(local.length > 0 ? local : (book?.journal ?? []).filter(({ rollout }) => rollout === id));
  if (!options.json || options.out !== undefined) {
    const html = renderPage(view, { live: false });
    const file = await written(html, options.out, () => folder.writeReport(id, html));
    if (!options.json) process.stdout.write(`${view.verdict}\nReport: ${file}\n`);
  }
  if (options.json) process.stdout.write(`${JSON.stringify({ event: "report", stack: options.stack, report: view })}\n`);
  return EXIT.done;
}

async function written(html: string, out: string | undefined, usual: () => Promise<string>): Promise<string> {
  try {
    if (out === undefined) return await usual();
    await fs.promises.writeFile(out, html);
    return path.resolve(out);
  } catch (cause) {
    throw new DriverError(`The report cannot be written: ${(cause as Error).message}. Choose another place with --out.`, undefined, { cause });
  }
}
