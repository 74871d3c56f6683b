import type { StackConfig } from "../../../components/config";
import { recordName } from "../../../components/record/format";
import type { KubernetesClient } from "../../cluster/client";
import { DriverError } from "../../errors";
import { rolloutLease, type LeaseState } from "../../record/lease";
import { recordStore, type Book } from "../../record/store";
import { projectOf } from "../../stack/engine";
import { pulumi, readState, type StackState } from "../state";
import { placeOf, type Place, type StackAt } from "../place";
import { clauseOf } from "../../cluster/answers";
import { NotKnown } from "./check";

/** Asked once, whoever needs it first; a failure is the same for all. */
const once = <T>(what: string, ask: () => T | Promise<T>): (() => Promise<T>) => {
  let answer: Promise<T> | undefined;
  return () => (answer ??= Promise.resolve().then(ask).catch((cause: unknown) => {
    throw new NotKnown(what, cause);
  }));
};

/** What several checks need to know of a stack. Each rejects with NotKnown, whose cause is what really happened. */
export interface Facts {
  readonly at: StackAt;
  place(): Promise<Place>;
  /** Version of the Pulumi CLI. */
  cli(): Promise<string>;
  project(): Promise<string>;
  config(): Promise<StackConfig>;
  state(): Promise<StackState>;
  /** Of an API server that has just answered. */
  cluster(): Promise<KubernetesClient>;
  book(): Promise<Book>;
  lease(): Promise<LeaseState>;
}

export function factsOf(at: StackAt): Facts {
  const place = once("the stack's config", () => placeOf(at));
  const project = once("the project's name", () => projectOf(at.cwd).name);
  const config = once("the stack's config", async () => (await place()).file.read());
  const cli = once("the Pulumi CLI", async () => (await pulumi(["version"], process.cwd())).trim());
  const cluster = once("the cluster", async () => {
    const [{ cluster: access, dependencies }] = await Promise.all([place(), config()]);
    const client = await access();
    const { healthy, lastError, address } = (await dependencies.check()).find(({ name }) => name === "kubernetes")!;
    if (!healthy) throw new DriverError(lastError ?? `The API server ${address} does not answer.`);
    return client;
  });
  return {
    at,
    place,
    project,
    config,
    cli,
    cluster,
    state: once("Pulumi's state", () => cli().then(() => readState(at.cwd, at.stack))),
    book: once("the rollout record", async () => recordStore(cluster, (await config()).namespace, recordName(await project(), at.stack)).read()),
    lease: once("the rollout's Lease", async () => {
      const { namespace, rollout } = await config();
      return rolloutLease({ access: cluster, namespace, name: recordName(await project(), at.stack), holder: "", seconds: rollout.leaseSeconds }).state();
    }),
  };
}

/** Why something is not known, in the words of what happened; each line one sentence. */
export function reasonOf(error: unknown): string {
  if (error instanceof NotKnown) return reasonOf(error.cause);
  return error instanceof DriverError ? error.message : `It could not be asked: ${clauseOf(error)}.`;
}

/** The same for a check that is about just this, and not about what it needs in turn. @throws NotKnown when that is what is missing */
export function reasonHere(error: unknown): string {
  if (error instanceof NotKnown && error.cause instanceof NotKnown) throw error;
  return reasonOf(error);
}
