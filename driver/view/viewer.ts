import type { PrometheusSource } from "../../analysis";
import type { StackConfig } from "../../components/config";
import { versionLabel } from "../../components/names";
import { recordName, type RolloutRecord } from "../../components/record/format";
import { inWords, sameKeys } from "../../components/record/stale";
import { liveTraffic } from "../cluster/traffic";
import { DriverError, UsageError } from "../errors";
import { rolloutLease } from "../record/lease";
import { recordStore, type Book } from "../record/store";
import { openPrometheus } from "../resilience/prometheus";
import { stackReads, type StackReads } from "../resilience/pulumi";
import { ServiceUnavailable } from "../resilience/policies";
import { backendUrl } from "../stack/backend";
import { projectOf } from "../stack/engine";
import { clauseOf } from "../cluster/answers";
import { clean } from "./clean";
import { gateView } from "./gates";
import { placeOf, type Place, type StackAt } from "./place";
import { liveRevisions, type LiveRevision } from "./revisions";
import { isDriven, type NamedVersions, type RevisionView, type ServiceOutput, type Snapshot } from "./snapshot";
import { readState, type StackState } from "./state";
import { recentTraffic, type ServiceTraffic } from "./traffic";

/** Milliseconds between two readings of Pulumi's state while it lags behind the record: each costs a process. */
const STATE_EVERY = 5_000;

/** Something that was asked, and what came back. */
type Answer<T> = { readonly value: T } | { readonly problem: string; readonly cause: unknown };

async function asked<T>(what: string, question: Promise<T>): Promise<Answer<T>> {
  try {
    return { value: await question };
  } catch (cause) {
    return { cause, problem: cause instanceof DriverError ? cause.message : `${what} cannot be asked: ${clauseOf(cause)}.` };
  }
}

const valueOf = <T>(answer: Answer<T>): T | undefined => ("value" in answer ? answer.value : undefined);

const nameOf = (version: unknown): string => (typeof version === "object" && version !== null ? String((version as { version?: unknown }).version) : String(version ?? "none"));

const versionsOf = (source: Readonly<Record<string, unknown>>): NamedVersions => ({
  stable: nameOf(source.stable),
  canary: nameOf(source.canary),
  previous: nameOf(source.previous),
  weight: Number(source.weight ?? 0),
  generation: Number(source.generation ?? 0),
});

/** Of several questions to one server that does not answer, one reason is enough. */
function distinct(answers: readonly Answer<unknown>[]): readonly Answer<unknown>[] {
  const away = answers.find((answer) => "problem" in answer && answer.cause instanceof ServiceUnavailable);
  return away ? [away] : answers.filter((answer, i) => !("problem" in answer) || answers.findIndex((a) => "problem" in a && a.problem === answer.problem) === i);
}

/** What a revision is, by the live Services; by the outputs while it has no traffic; by its version while nothing else tells. */
function tracked(revision: LiveRevision, live: Snapshot["live"], services: Snapshot["services"], versions: { readonly canary?: string; readonly previous: string }): RevisionView {
  const at = live.find(({ service }) => service === revision.service);
  const planned = services[revision.service]?.revisions ?? {};
  // The canary Service is home on the stable revision while no rollout runs: that makes it no canary.
  if (at?.stableRevision === revision.name) return { ...revision, tracks: at.canaryRevision === revision.name && planned.canary === revision.name ? ["stable", "canary"] : ["stable"] };
  const is = (track: "canary" | "previous"): boolean => planned[track] === revision.name || versionLabel(versions[track] ?? "none") === revision.version;
  if (at?.canaryRevision === revision.name || is("canary")) return { ...revision, tracks: ["canary"] };
  return { ...revision, tracks: is("previous") ? ["previous"] : [] };
}

/** The latest verdict of the rollout under way, and how the one before ended. */
function toldBy(book: Book | undefined): Pick<Snapshot, "verdict" | "last"> {
  const rollout = book?.record?.rollout;
  const entry = rollout && book.journal.filter(({ kind, rollout: id }) => kind === "verdict" && id === rollout.id).at(-1);
  const last = book?.history.at(-1);
  return {
    ...(entry ? { verdict: { at: entry.at, verdict: entry.verdict!, message: entry.message, ...(entry.stage === undefined ? {} : { stage: entry.stage }) } } : {}),
    ...(last ? { last } : {}),
  };
}

/** Looks at a stack as often as it is asked, and keeps what is dear to ask. */
export class Viewer {
  /** Name of the ConfigMap and of the Lease. */
  private readonly record: string;
  private readonly place: Place;
  private config: StackConfig;
  private readonly reads: StackReads;
  private readonly source: PrometheusSource | undefined;
  private state: { readonly answer: Answer<StackState>; readonly at: number; readonly when: string } | undefined;
  /** The record, journal and history included, at the latest look that could read it. */
  seen: Book | undefined;
  private traffic: { readonly at: number; readonly seen: Promise<readonly ServiceTraffic[]> } | undefined;

  /** @throws UsageError when the project or the stack file cannot be read */
  constructor(private readonly at: StackAt) {
    this.record = recordName(projectOf(at.cwd).name, at.stack);
    this.place = placeOf(at);
    const { file, dependencies } = this.place;
    this.config = file.read();
    this.reads = stackReads(dependencies, backendUrl(projectOf(at.cwd)) ?? "of `pulumi whoami`");
    const { prometheus } = this.config.analysis;
    this.source = prometheus.length > 0 ? openPrometheus(prometheus, dependencies) : undefined;
  }

  close(): void {
    this.source?.close();
  }

  /** The rollout record, journal and history included. @throws DriverError when the cluster cannot be asked or the record cannot be read */
  async book(): Promise<Book> {
    const answer = await this.readBook();
    if ("value" in answer) return answer.value;
    throw answer.cause instanceof DriverError ? answer.cause : new DriverError(answer.problem, undefined, { cause: answer.cause });
  }

  private readBook(): Promise<Answer<Book>> {
    return asked("The cluster", recordStore(this.place.cluster, this.config.namespace, this.record).read());
  }

  private reread(): Answer<StackConfig> {
    try {
      return { value: (this.config = this.place.file.read()) };
    } catch (cause) {
      return { cause, problem: (cause as Error).message };
    }
  }

  private async readState(): Promise<Answer<StackState>> {
    const at = Date.now();
    const answer = await asked("Pulumi", this.reads(() => readState(this.at.cwd, this.at.stack)));
    if ("problem" in answer && answer.cause instanceof UsageError) throw answer.cause;
    this.state = { answer, at, when: "" };
    return answer;
  }

  /** Read anew when the rollout has moved on since, and every few seconds while the outputs lag behind what the others say. */
  private async stateOf(record: RolloutRecord | undefined, holder: string | undefined, live: Snapshot["live"]): Promise<Answer<StackState>> {
    const when = JSON.stringify([record?.generation, record?.rollout?.phase, holder]);
    const { answer, at, when: before } = this.state!;
    const state = valueOf(answer);
    const lags =
      state === undefined || state.pending.length > 0 ||
      (record !== undefined && record.generation !== Number(state.outputs.generation ?? 0)) ||
      live.some(({ weight }) => weight !== undefined && weight !== Number(state.outputs.weight ?? 0));
    const now = before === "" ? answer : before !== when || (lags && Date.now() - at >= STATE_EVERY) ? await this.readState() : answer;
    this.state = { ...this.state!, when };
    return now;
  }

  private recent(config: StackConfig, { stable, canary }: NamedVersions): Promise<readonly ServiceTraffic[]> {
    if (!this.source || stable === "none") return Promise.resolve([]);
    // Between two scrapes there is nothing new.
    if (!this.traffic || Date.now() - this.traffic.at >= config.analysis.scrapeIntervalSeconds * 1000)
      this.traffic = { at: Date.now(), seen: recentTraffic(config, { stable, canary: canary === "none" ? stable : canary }, this.source) };
    return this.traffic.seen;
  }

  /**
   * Everything that can be seen of the stack now. What cannot is named in `unknown`; nothing is waited for longer than some seconds.
   *
   * @param options.traffic ask the counters also while a driver does; default false
   * @throws UsageError when there is no such stack, or no cluster can be chosen
   */
  async look({ traffic = false }: { readonly traffic?: boolean } = {}): Promise<Snapshot> {
    const read = this.reread();
    const { config, place: { cluster, file, dependencies } } = this;
    const { namespace } = config;
    const lease = rolloutLease({ access: cluster, namespace, name: this.record, holder: "", seconds: config.rollout.leaseSeconds });
    const [book, held, live, revisions] = await Promise.all([
      this.readBook(),
      asked("The cluster", lease.state()),
      asked("The cluster", liveTraffic(cluster, config)),
      asked("The cluster", liveRevisions(cluster, namespace, Object.keys(config.services))),
      // Beside the rest, because it is the slowest.
      this.state ?? this.readState(),
    ]);
    if ("problem" in book && book.cause instanceof UsageError) throw book.cause;
    this.seen = valueOf(book) ?? this.seen;
    const record = valueOf(book)?.record;
    const leaseState = valueOf(held);
    const state = await this.stateOf(record, leaseState?.holder, valueOf(live) ?? []);
    const outputs = valueOf(state)?.outputs ?? {};
    const services = (outputs.services ?? {}) as Readonly<Record<string, ServiceOutput>>;
    const { seen, ...rollout } = record?.rollout ?? {};
    const { verdict, last } = toldBy(valueOf(book));
    const undo = record?.undo;
    const known = { live: valueOf(live) ?? [], services };
    const snapshot: Snapshot = {
      at: new Date().toISOString(),
      stack: this.at.stack,
      ...("value" in state ? { deployed: versionsOf(outputs) } : {}),
      wanted: versionsOf({ ...config }),
      services,
      ...(record ? { recorded: record.generation, ...(record.generation > config.generation && !sameKeys(file.keys(), record.keys) ? { stale: inWords(record.keys) } : {}) } : {}),
      ...(record?.rollout ? { rollout: rollout as Snapshot["rollout"] } : {}),
      ...(verdict ? { verdict } : {}),
      ...(last ? { last } : {}),
      ...(undo ? { undo } : {}),
      ...(record?.request ? { request: record.request } : {}),
      ...(leaseState ? { lease: { expired: leaseState.expired, ...(leaseState.holder === undefined ? {} : { holder: leaseState.holder }), ...(leaseState.renewedAt ? { renewedAt: leaseState.renewedAt.toISOString() } : {}) } } : {}),
      revisions: (valueOf(revisions) ?? []).map((revision) => tracked(revision, known.live, services, { canary: record?.rollout?.version, previous: versionsOf(outputs).previous })),
      live: known.live,
      ...(seen ? { seen: { ...seen, gates: seen.gates.map((gate) => gateView(gate, config)) } } : {}),
      pending: valueOf(state)?.pending ?? [],
      dependencies: await dependencies.check(),
      unknown: [read, ...distinct([book, held, live, revisions]), state].flatMap((answer) => ("problem" in answer ? [answer.problem] : [])),
    };
    return clean(isDriven(snapshot) && !traffic ? snapshot : { ...snapshot, traffic: await this.recent(config, snapshot.deployed ?? snapshot.wanted) });
  }
}
