import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import * as timers from "node:timers/promises";
import type { KubernetesClient } from "../../../driver/cluster/client";
import { UpdateCancelledError } from "../../../driver/errors";
import type { Reporter, RolloutEvent } from "../../../driver/report/events";
import type { RolloutContext } from "../../../driver/rollout/context";
import type { Lease } from "../../../driver/record/lease";
import { Ledger } from "../../../driver/record/ledger";
import type { Book, RecordStore } from "../../../driver/record/store";
import { Dependencies } from "../../../driver/resilience/registry";
import type { Stale, StackEngine } from "../../../driver/stack/engine";
import { Updates } from "../../../driver/stack/updates";
import { StackFile } from "../../../driver/stack/file";

/** A folder of its own. */
export const folder = (what: string): string => fs.mkdtempSync(path.join(os.tmpdir(), `canary-${what}-`));

/** A stack file with some rollout keys, in a folder of its own. */
export function stackFile(keys: string): StackFile {
  const dir = folder("driver");
  fs.writeFileSync(path.join(dir, "Pulumi.dev.yaml"), `config:
  canary:namespace: shop
${keys}
  canary:services:
    shop: { image: shop, port: 8080, hosts: [shop.example] }
`);
  return new StackFile(dir, "dev");
}

/** What an update sees: its number from 0, its signal, and the live objects, which it may write although it was cancelled. */
export type FakeUpdate = (n: number, signal: AbortSignal | undefined, live: Live) => void | Promise<void>;

/** The live objects of the one service. */
export interface Live {
  weight: string;
  canary: string;
  stable: string;
}

export interface Scene {
  readonly context: RolloutContext;
  readonly file: StackFile;
  readonly live: Live;
  /** What each `pulumi up` found in the file. */
  readonly ups: string[];
  /** What of the state was read anew, of each repair. */
  readonly repairs: Stale[];
  readonly patches: string[];
  readonly events: RolloutEvent[];
  readonly messages: string[];
  readonly store: { book: Book };
  interrupt(reason: Error): void;
}

export interface SceneOptions {
  /** Called before an update counts as done; throws to fail it. */
  readonly up?: FakeUpdate;
  /** Throws to fail the live patches. */
  readonly patch?: () => void;
  /** Throws to fail the writes of the record; told what it would become. */
  readonly record?: (book: Book) => void;
  readonly lease?: Partial<Lease>;
  readonly confirm?: RolloutContext["confirm"];
  /** Called with every event that is reported. */
  readonly seen?: (event: RolloutEvent, scene: Scene) => void;
}

/** A record store in memory, as a cluster of one would keep it. */
export function memoryStore(fail: (book: Book) => void = () => undefined): RecordStore & { book: Book } {
  const store = {
    book: { journal: [], history: [], rollbacks: {} } as Book,
    read: async () => store.book,
    async update(change: (book: Book) => Book) {
      const book = change(store.book);
      fail(book);
      return (store.book = book);
    },
  };
  return store;
}

export const freeLease: Lease = { state: async () => ({ expired: true }), acquire: async () => undefined, confirm: async () => undefined, release: async () => undefined, abandon: () => undefined };

/** An update that runs until it is cancelled, then ends as the engine does. */
export const untilCancelled = (signal: AbortSignal | undefined): Promise<never> =>
  new Promise((_, reject) => {
    const cancelled = (): void => reject(new UpdateCancelledError("pulumi up was cancelled."));
    if (signal?.aborted) cancelled();
    else signal?.addEventListener("abort", cancelled);
  });

const revision = (version: string | undefined): string => `shop-${version}`;

/** A context whose engine and cluster only keep account of what they are asked. */
export function scene(keys: string, { up, patch, record, lease, confirm, seen }: SceneOptions = {}): Scene {
  const file = stackFile(keys);
  const [ups, patches, events, messages]: [string[], string[], RolloutEvent[], string[]] = [[], [], [], []];
  const repairs: Stale[] = [];
  const controller = new AbortController();
  const deployed = (): Live => {
    const { stable, canary, weight } = file.read();
    return { weight: String(weight), stable: revision(stable?.version), canary: revision(canary && !canary.withdrawn ? canary.version : stable?.version) };
  };
  const live = deployed();
  const selector = (value: string): object => ({ spec: { selector: { "canary.dev/revision": value } } });
  const annotation = "nginx.ingress.kubernetes.io/canary-weight";
  const cluster = {
    core: {
      readNamespacedService: async ({ name }: { name: string }) => selector(name === "shop-stable" ? live.stable : live.canary),
      patchNamespacedService: async ({ name, body }: { name: string; body: { spec: { selector: Record<string, string> } } }) => {
        patch?.();
        patches.push(`Service ${name}`);
        live[name === "shop-stable" ? "stable" : "canary"] = body.spec.selector["canary.dev/revision"]!;
      },
      listNamespacedPod: async () => ({ items: [] }),
    },
    networking: {
      patchNamespacedIngress: async ({ name, body }: { name: string; body: { metadata: { annotations: Record<string, string> } } }) => {
        patch?.();
        patches.push(`Ingress ${name}`);
        live.weight = body.metadata.annotations[annotation]!;
      },
      readNamespacedIngress: async () => ({ metadata: { annotations: { [annotation]: live.weight }, managedFields: [] } }),
      readIngressClass: async () => ({ spec: { controller: "k8s.io/ingress-nginx" } }),
    },
    // Nobody can tell how its pods are.
    apps: {},
  } as unknown as KubernetesClient;
  const report: Reporter = (event) => {
    events.push(event as RolloutEvent);
    messages.push(event.message);
    seen?.(event as RolloutEvent, all);
  };
  let version = 0;
  const outputs = (): Record<string, unknown> => {
    const { stable, canary, previous } = file.read();
    const named = Object.entries({ stable, canary, previous }).flatMap(([track, spec]) => (spec ? [[track, revision(spec.version)]] : []));
    return { stable: stable?.version, services: { shop: { revisions: Object.fromEntries(named) } } };
  };
  let latest = outputs();
  const engine: StackEngine = {
    async up(_, { signal } = {}) {
      const { stable, canary, previous, weight } = file.read();
      const n = version++;
      await up?.(n, signal, live);
      Object.assign(live, deployed());
      latest = outputs();
      ups.push(`stable ${stable?.version} canary ${canary ? `${canary.version}${canary.withdrawn ? " withdrawn" : ""}` : "none"} previous ${previous?.version ?? "none"} weight ${weight}`);
    },
    outputs: async () => latest,
    version: async () => version,
    repair: async (stale) => (repairs.push(stale), []),
  };
  const store = memoryStore(record);
  const updates = new Updates(engine);
  const ledger = new Ledger({ store, lease: { ...freeLease, ...lease }, stack: "dev", holder: "tester", folder: folder("journal"), behind: () => updates.inDoubt });
  const context: RolloutContext = { file, updates, ledger, dependencies: new Dependencies(), settings: {}, cluster: async () => cluster, report, signal: controller.signal, confirm: confirm ?? (async () => true) };
  const all: Scene = { context, file, live, store, ups, repairs, patches, events, messages, interrupt: (reason) => controller.abort(reason) };
  return all;
}

/** Lets every wait of the code under test pass in a moment; returns what was waited for, in ms, and puts the clock back after each test. */
export function hurried(): number[] {
  const waits: number[] = [];
  const real = timers.setTimeout;
  const quick = ((ms = 0, ...rest: [unknown?, object?]) => {
    waits.push(ms);
    return real(Math.min(ms, 1), ...rest);
  }) as typeof timers.setTimeout;
  const set = (to: typeof timers.setTimeout): void => void Object.assign(require("node:timers/promises") as object, { setTimeout: to });
  beforeEach(() => {
    waits.length = 0;
    set(quick);
  });
  afterEach(() => set(real));
  return waits;
}

/** What a promise was rejected with; undefined when it was not. */
export const rejection = (promise: Promise<unknown>): Promise<Error | undefined> => promise.then(() => undefined, (error: Error) => error);
