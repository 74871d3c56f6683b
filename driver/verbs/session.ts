import * as os from "node:os";
import { createInterface } from "node:readline/promises";
import { HOLDER_VARIABLE, recordName } from "../../components/record/format";
import type { StackConfig } from "../../components/config";
import { clusterAccess } from "../cluster/client";
import { DriverGoneError, LeaseHeldError, LeaseLostError, UsageError } from "../errors";
import { interruptSignal } from "../interrupts";
import { rolloutLease } from "../record/lease";
import { Ledger } from "../record/ledger";
import { recordStore } from "../record/store";
import { adoptRecord, follow, openLedger } from "./opening";
import { jsonReporter, textReporter } from "../report/reporters";
import type { Reporter } from "../report/events";
import { JOINS } from "../report/joins";
import { Audience } from "../report/listeners";
import type { Ending, RolloutContext } from "../rollout/context";
import { Dependencies } from "../resilience/registry";
import type { ListenAddress } from "../serve/address";
import { CALLING, chooseCluster, readSettings, resilienceOf, type Group, type Settings } from "../settings";
import { commitFile, commitMessage } from "../stack/commit";
import { lazyStack, localFolder, openStack, projectOf } from "../stack/engine";
import { StackFile } from "../stack/file";
import { Updates } from "../stack/updates";

/** The settings of verbs that judge or move a canary by the stages. */
export const ROLLING: readonly Group[] = [...CALLING, "rollout", "deploy"];

/** Options that every verb has. */
export interface CommonOptions {
  readonly stack: string;
  readonly cwd: string;
  readonly json?: boolean;
  readonly yes?: boolean;
  /** Commit the stack file when the verb has done its work, and push the commit. */
  readonly commit?: boolean;
  readonly push?: boolean;
  /** Where the verb's progress is served while it runs. */
  readonly listen?: ListenAddress;
}

async function ask(question: string, signal: AbortSignal): Promise<boolean> {
  const lines = createInterface({ input: process.stdin, output: process.stderr });
  // The prompt reads keys itself, so that Ctrl-C would never become a signal.
  lines.on("SIGINT", () => process.kill(process.pid, "SIGINT"));
  try {
    return /^y(es)?$/i.test((await lines.question(`${question} [y/N] `, { signal })).trim());
  } finally {
    lines.close();
  }
}

/** Who answers the question before a promotion: nobody where there is no terminal. */
export function confirmation({ yes, json }: CommonOptions): RolloutContext["confirm"] {
  if (yes) return async () => true;
  return process.stdin.isTTY && process.stdout.isTTY && !json ? ask : async () => undefined;
}

/** Lines for a person, or for a program with `--json`. */
export const reporterOf = (options: CommonOptions): Reporter => (options.json ? jsonReporter(process.stdout) : textReporter(process.stdout));

/** Who runs this process; a number where the system knows no name for it, as in a container that runs under any user. */
function userName(): string {
  try {
    return os.userInfo().username;
  } catch {
    return `uid-${process.getuid?.()}`;
  }
}

/** How this driver is named to others. */
export const holderName = (verb: string): string => `${userName()}@${os.hostname()} (canary ${verb}, pid ${process.pid})`;

/** One for the process, which may open a stack twice. */
let interrupted: AbortSignal | undefined;
/** The cluster that an environment was told. */
const chosen = new WeakMap<NodeJS.ProcessEnv, string>();

/** Pulumi's processes take the cluster from the environment, of which a process has one. */
function chooseForPulumi(stack: string, env: Readonly<Record<string, string>>): void {
  const choice = JSON.stringify(env);
  if ((chosen.get(process.env) ?? choice) !== choice) throw new UsageError(`The stack ${stack} is reached by another kubeconfig than the others: write kubernetes:context into the stack files, or roll them out one by one.`);
  chosen.set(process.env, choice);
  Object.assign(process.env, env);
}

/** The pieces of a session before anything is asked of anybody. */
export interface Opened {
  readonly context: RolloutContext;
  readonly config: StackConfig;
  /** Tells those who listen how the verb ended; the person at the terminal is told by whoever ran it. */
  ended(ending: Ending | Error): void;
  /** Ends what the session follows, and frees the Lease. */
  close(): Promise<void>;
  /** Lets the listeners finish; nobody else waits for them. */
  leave(): Promise<void>;
}

export interface SessionOptions {
  /** The verb's name, for others to read. */
  readonly verb: string;
  /** The settings that the verb minds. Default: those of the cluster and of the driver's own calls. */
  readonly groups?: readonly Group[];
  readonly report?: Reporter;
  /** Aborted from outside; by default by this process's signals. */
  readonly signal?: AbortSignal;
  readonly confirm?: RolloutContext["confirm"];
  readonly beforeAsking?: RolloutContext["beforeAsking"];
  readonly beforeMove?: RolloutContext["beforeMove"];
  /** Bounds how many updates run at once. */
  readonly limit?: <T>(update: () => Promise<T>) => Promise<T>;
  /** Done before anything is waited for. */
  readonly first?: (context: RolloutContext) => Promise<void>;
  /** Waits for a driver that may have died just now. Default true. */
  readonly patient?: boolean;
  /** Without the Lease nothing may be changed. Default true. */
  readonly lease?: boolean;
}

/** Opens a stack: file, cluster, record and Lease, engine. @throws LeaseHeldError when another driver works on it */
export async function openSession(options: CommonOptions, session: SessionOptions): Promise<Opened> {
  const say = session.report ?? reporterOf(options);
  let audience: Audience | undefined;
  const report: Reporter = (event) => {
    say(event);
    audience?.tell(event);
  };
  const settings = readSettings(options, process.env, session.groups ?? CALLING);
  const file = new StackFile(options.cwd, options.stack, settings);
  // The file first: a wrong config is told at once, before Pulumi is started.
  const config = file.read();
  const stop = new AbortController();
  const signal = AbortSignal.any([session.signal ?? (interrupted ??= interruptSignal()), stop.signal]);
  const place = chooseCluster(options.stack, settings, file.cluster());
  chooseForPulumi(options.stack, place.env);
  const dependencies = new Dependencies(resilienceOf(settings));
  const cluster = clusterAccess(place.choice, { dependencies });
  const at = { access: cluster, namespace: config.namespace, name: recordName(projectOf(options.cwd).name, options.stack) };
  const holder = holderName(session.verb);
  const lost = (said: string): void => {
    const error = new LeaseLostError(said);
    ledger.lose(error);
    stop.abort(error);
  };
  const lease = rolloutLease({ ...at, holder, seconds: config.rollout.leaseSeconds, lost });
  // Opened when it is first needed: somebody who must wait for another driver need not wait for Pulumi too.
  const updates = new Updates(lazyStack(() => openStack(options.cwd, options.stack)), session.limit);
  const ledger: Ledger = new Ledger({ store: recordStore(at.access, at.namespace, at.name), lease, stack: options.stack, holder, folder: localFolder(options.cwd, options.stack), behind: () => updates.inDoubt });
  let approve = (): void => undefined;
  const insisted = new Promise<boolean>((resolve) => (approve = () => resolve(true)));
  const confirm = session.confirm ?? confirmation(options);
  const context: RolloutContext = { file, updates, cluster, ledger, dependencies, settings, report, signal, confirm: (question, asked) => Promise.race([insisted, confirm(question, asked)]), insisted, ...(session.beforeAsking ? { beforeAsking: session.beforeAsking } : {}), ...(session.beforeMove ? { beforeMove: session.beforeMove } : {}) };
  if (session.lease === false) return { context, config, ended: () => undefined, close: async () => undefined, leave: async () => undefined };
  await session.first?.(context);
  // The program, which this process runs or starts, knows its driver by this.
  process.env[HOLDER_VARIABLE] = holder;
  try {
    await openLedger(ledger, updates, report, session.patient ?? true);
    file.continueWith((ledger.rollout?.settings ?? {}) as Settings);
    await adoptRecord(file, ledger, report);
    const note = (message: string): void => say({ event: "note", message });
    audience = await Audience.of(JOINS, { project: projectOf(options.cwd).name, stack: options.stack, folder: options.cwd, flags: options, verb: session.verb, config: file.read(), ledger, dependencies, note });
  } catch (cause) {
    // Otherwise nobody could work on the stack until the Lease has run out.
    await ledger.shut();
    throw cause;
  }
  const unfollow = follow(ledger, stop, approve);
  return {
    context,
    config: file.read(),
    ended: (ending) => audience?.ended(ending),
    close: () => {
      unfollow();
      return ledger.shut();
    },
    leave: async () => audience?.close(),
  };
}

/** Once a verb, not at each weight: what is committed is where a rollout ended. */
export async function commit({ commit: wanted, push, stack }: CommonOptions, { file, report }: Pick<RolloutContext, "file" | "report">): Promise<void> {
  if (!wanted && !push) return;
  const said = await commitFile(file.path, commitMessage(stack, file.keys()), { push: push === true });
  if (said) report({ event: "note", message: said });
}

/** Runs a verb on a stack that is open, tells the listeners how it ended, and frees the stack. */
export async function acted(options: CommonOptions, { context, ended, close }: Opened, act: (context: RolloutContext) => Promise<Ending>): Promise<Ending> {
  try {
    const ending = await act(context);
    await commit(options, context);
    ended(ending);
    return ending;
  } catch (cause) {
    ended(cause as Error);
    throw cause;
  } finally {
    await close();
  }
}

/** Opens the stack, runs a verb on it and reports how it ended; returns the exit code. */
export async function withStack(options: CommonOptions, verb: string, act: (context: RolloutContext) => Promise<Ending>, groups?: readonly Group[], rest: Pick<SessionOptions, "first" | "patient"> = {}): Promise<number> {
  const report = reporterOf(options);
  const opened = await openSession(options, { verb, report, ...(groups ? { groups } : {}), ...rest });
  try {
    const ending = await acted(options, opened, act);
    // When the Lease is free: a script that reads it may go on with the stack.
    report({ event: "end", ...(ending.outcome ? { outcome: ending.outcome } : {}), message: ending.message });
    return ending.exitCode;
  } finally {
    await opened.leave();
  }
}

/** Runs a verb; where a driver holds the Lease, that one is asked to do it, and where that dies meanwhile it is done here. By default nobody is waited for who may have died just now. */
export async function orAsk(options: CommonOptions, verb: string, act: (context: RolloutContext) => Promise<Ending>, askDriver: (context: RolloutContext) => Promise<Ending>, groups?: readonly Group[], rest: Pick<SessionOptions, "first" | "patient"> = {}): Promise<number> {
  try {
    return await withStack(options, verb, act, groups, { patient: false, ...rest });
  } catch (cause) {
    if (!(cause instanceof LeaseHeldError)) throw cause;
    const { context } = await openSession(options, { verb, lease: false });
    const ending = await askDriver(context).catch((error: Error) => {
      if (error instanceof DriverGoneError) return undefined;
      throw error;
    });
    // Nobody is left who could do it: patiently, because it has died only just now.
    if (!ending) return withStack(options, verb, act, groups, rest);
    context.report({ event: "end", ...(ending.outcome ? { outcome: ending.outcome } : {}), message: ending.message });
    return ending.exitCode;
  }
}
