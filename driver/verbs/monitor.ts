import { setTimeout as sleep } from "node:timers/promises";
import { InvalidArgumentError } from "commander";
import pc from "picocolors";
import { duration as inWords, parseDuration, percent } from "../../analysis/units";
import type { StackConfig } from "../../components/config";
import { recordName } from "../../components/record/format";
import { podReader } from "../cluster/pods";
import { EXIT, UsageError } from "../errors";
import { recordStore, type RecordStore } from "../record/store";
import { openPrometheus } from "../resilience/prometheus";
import { projectOf } from "../stack/engine";
import { versionOf, type StackFile } from "../stack/file";
import { BreachBook, openMonitor, type Monitor, type ServiceLook, type Watched } from "../view/monitor";
import { placeOf } from "../view/place";
import { quitSignal } from "../view/quit";
import { renderLook } from "../view/render-look";
import type { Thresholds } from "../view/thresholds";
import { moment } from "../view/times";
import type { CommonOptions } from "./session";

export interface MonitorFlags {
  /** Seconds for which it watches. Default 600. */
  readonly duration?: number;
  /** Fraction of requests that may fail, 0 … 1. Default 0.05. */
  readonly errorThreshold?: number;
  /** Seconds that P95 may take, 0 or more. Default 1. */
  readonly latencyThreshold?: number;
  /** Seconds between two looks, above 0. Default the stack's scrape interval. */
  readonly interval?: number;
  /** Rolls the canary back when it exceeds a threshold. */
  readonly autoRollback?: boolean;
  /** Exit code 1 when a threshold was exceeded, or when nothing could be measured at all. */
  readonly alertOnError?: boolean;
}

const DEFAULTS = { duration: 600, errorThreshold: 0.05, latencyThreshold: 1 };

const amount = (text: string): number => (/^\d+(\.\d+)?$/.test(text.trim()) ? Number(text) : NaN);

/** `5` or `5%` as the fraction 0.05; from 0 to 100. */
export function errorThreshold(text: string): number {
  const value = amount(text.replace(/\s*%$/, "")) / 100;
  if (!(value <= 1)) throw new InvalidArgumentError("It must be a percentage from 0 to 100, such as 5 or 5%.");
  return value;
}

/** `1000`, `1000ms` or `1s` as the second 1; 0 or more. */
export function latencyThreshold(text: string): number {
  const value = parseDuration(text) ?? amount(text) / 1000;
  if (Number.isNaN(value)) throw new InvalidArgumentError("It must be milliseconds such as 1000, or a duration such as 1s; 0 or more.");
  return value;
}

/** `600`, `600s` or `10m` as 600 seconds; above 0. */
export function someTime(text: string): number {
  const value = parseDuration(text) ?? amount(text);
  if (!(value > 0)) throw new InvalidArgumentError("It must be seconds such as 90, or a duration such as 10m; above 0.");
  return value;
}

/** What is under way, by the record where it is the newer word, and by the stack file otherwise; undefined while nothing is installed. */
async function watchedNow(file: StackFile, store: RecordStore): Promise<Watched | undefined> {
  const config = file.read();
  const record = (await store.read().catch(() => undefined))?.record;
  const { stable, canary } = record && record.generation > config.generation ? record.keys : config;
  if (stable === undefined) return undefined;
  const versions = { stable: versionOf(stable), canary: versionOf(canary ?? stable) };
  return { ...versions, rollout: canary !== undefined && versions.canary !== versions.stable };
}

/** Lines for a person, or JSON objects. */
interface Output {
  look(looks: readonly ServiceLook[], book: BreachBook): void;
  say(event: string, message: string, facts?: object, mark?: string): void;
}

function outputFor(json: boolean | undefined): Output {
  const write = (text: string): void => void process.stdout.write(`${text}\n`);
  const object = (event: string, facts: object): void => write(JSON.stringify({ t: Date.now() / 1000, event, ...facts }));
  if (json)
    return {
      look: (looks, book) => object("look", { services: looks.map((look) => ({ ...look, breaches: look.breaches.map((b) => ({ ...b, since: book.since(look.service, b.what)?.toISOString() })) })) }),
      say: (event, message, facts = {}) => object(event, { ...facts, message }),
    };
  const time = (): string => pc.dim(moment(new Date().toISOString()).slice(11));
  return {
    look: (looks) => looks.forEach((look) => renderLook(look, pc).forEach((line) => write(`${time()} ${line}`))),
    say: (_, message, __, mark = " ") => write(`${time()} ${mark} ${message}`),
  };
}

interface Tally {
  looks: number;
  blind: number;
  measured: boolean;
  breached: boolean;
}

interface Session {
  readonly config: StackConfig;
  readonly file: StackFile;
  readonly store: RecordStore;
  readonly open: (watched: Watched) => Monitor;
  readonly output: Output;
  readonly signal: AbortSignal;
  readonly flags: CommonOptions & MonitorFlags;
  readonly rollback: (reason: string) => Promise<number>;
}

const name = ({ rollout, stable, canary }: Watched): string => (rollout ? `${canary} beside ${stable}` : `${stable}, which is stable: no rollout is under way`);

/** Tells of what began and what is over; returns the reason for a rollback, if there is one. */
function tell(looks: readonly ServiceLook[], book: BreachBook, { output, flags }: Session, watched: Watched): string | undefined {
  const at = new Date();
  const { begun, over } = book.compare(looks, at);
  const [track, version] = watched.rollout ? (["canary", watched.canary] as const) : (["stable", watched.stable] as const);
  for (const { service, what, value, limit, why } of begun)
    output.say(flags.alertOnError ? "alert" : "breach", `${service}, ${version} (${track}): ${why}.`, { service, track, version, what, value, limit, since: at.toISOString() }, pc.red("✘"));
  for (const { service, what, since } of over) output.say("recovered", `${service}: ${what} back within the threshold, exceeded since ${moment(since.toISOString())}.`, { service, what, since: since.toISOString() }, pc.green("✔"));
  return begun.length > 0 ? begun.map(({ service, why }) => `${service}: ${why}`).join("; ") : undefined;
}

async function watchFor(session: Session): Promise<{ tally: Tally; code?: number }> {
  const { config, flags, output, signal, file, store, rollback } = session;
  const { duration = DEFAULTS.duration, interval = config.analysis.scrapeIntervalSeconds, autoRollback } = flags;
  const tally: Tally = { looks: 0, blind: 0, measured: false, breached: false };
  let [watched, monitor, book]: [Watched | undefined, Monitor | undefined, BreachBook] = [undefined, undefined, new BreachBook()];
  // The first question costs seconds in which nothing is watched.
  await watchedNow(file, store);
  for (const deadline = Date.now() + duration * 1000; Date.now() < deadline && !signal.aborted; ) {
    const began = Date.now();
    const now = await watchedNow(file, store);
    if (!now) throw new UsageError("Nothing is installed yet, so that there is nothing to watch: begin with `canary deploy VERSION`.");
    if (!monitor || JSON.stringify(now) !== JSON.stringify(watched)) {
      // Another version has another past.
      [watched, monitor, book] = [now, session.open(now), new BreachBook()];
      output.say("watch", `watching ${name(now)}${autoRollback && !now.rollout ? "; there is nothing to roll back" : ""}`, { ...now });
    }
    const looks = await monitor.look(signal).catch((error: unknown) => {
      if (signal.aborted) return [];
      throw error;
    });
    if (signal.aborted) break;
    tally.looks++;
    if (looks.some(({ missing }) => missing !== undefined)) tally.blind++;
    tally.measured ||= looks.every(({ tracks }) => (tracks.at(-1)?.traffic?.requests ?? 0) > 0);
    const reason = tell(looks, book, session, now);
    output.look(looks, book);
    if (reason !== undefined) tally.breached = true;
    if (reason !== undefined && autoRollback && now.rollout) return { tally, code: await rollback(`canary monitor: ${reason}`) };
    await sleep(Math.max(0, Math.min(began + interval * 1000, deadline) - Date.now()), undefined, { signal }).catch(() => undefined);
  }
  return { tally };
}

function summary({ looks, blind, measured, breached }: Tally): string {
  const seen = breached ? "A threshold was exceeded" : measured ? "No threshold was exceeded" : "Nothing could be measured, which is no health";
  return `${seen}; ${looks} looks${blind > 0 ? `, ${blind} of them without data` : ""}.`;
}

/**
 * Watches the canary of the rollout that is under way, or stable alone, and says when it exceeds a threshold; it changes nothing but by
 * the rollback that it is asked for.
 *
 * @param rollback takes the canary back and returns the exit code; called once, with a reason, where `autoRollback` asks for it
 * @returns the code of the rollback if there was one; with `alertOnError` 1 when a threshold was exceeded or nothing could be measured; 0
 * @throws UsageError when the stack names no Prometheus, or nothing is installed
 */
export async function monitor(flags: CommonOptions & MonitorFlags, rollback: (reason: string) => Promise<number>): Promise<number> {
  const { file, cluster, dependencies } = placeOf({ ...flags });
  const config = file.read();
  const { prometheus } = config.analysis;
  if (prometheus.length === 0) throw new UsageError("canary:analysis.prometheus names no server, so that nothing can be watched: name at least one.");
  const source = openPrometheus(prometheus, dependencies);
  const thresholds: Thresholds = { errorShare: flags.errorThreshold ?? DEFAULTS.errorThreshold, latencySeconds: flags.latencyThreshold ?? DEFAULTS.latencyThreshold };
  const output = outputFor(flags.json);
  const quit = quitSignal();
  try {
    output.say("start", `errors at most ${percent(thresholds.errorShare)}, P95 at most ${inWords(thresholds.latencySeconds)}, for ${inWords(flags.duration ?? DEFAULTS.duration)}`, { ...thresholds });
    const { tally, code } = await watchFor({
      config, file, output, flags, rollback, signal: quit.signal,
      store: recordStore(cluster, config.namespace, recordName(projectOf(flags.cwd).name, flags.stack)),
      open: (watched) => openMonitor(config, watched, source, podReader(cluster, config.namespace), thresholds),
    });
    output.say("end", summary(tally), { ...tally }, tally.breached ? pc.red("✘") : tally.measured ? pc.green("✔") : pc.yellow("!"));
    if (code !== undefined) return code;
    return flags.alertOnError && (tally.breached || !tally.measured) ? EXIT.failed : EXIT.done;
  } finally {
    quit.off();
    source.close();
  }
}
