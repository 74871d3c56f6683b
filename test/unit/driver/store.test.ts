import { expect } from "chai";
import type { V1ConfigMap } from "@kubernetes/client-node";
import { DATA_KEYS, type RolloutRecord } from "../../../components/record/format";
import type { KubernetesClient } from "../../../driver/cluster/client";
import { DriverError } from "../../../driver/errors";
import { recordStore, type Book, type RecordStore } from "../../../driver/record/store";
import { rejection } from "./fakes";

const status = (code: number): Error => Object.assign(new Error(`HTTP-Code: ${code}\nBody: …`), { code });
const record = (generation: number): RolloutRecord => ({ format: 1, stack: "dev", generation, keys: { weight: 0 } });
const withGeneration = (generation: number) => (book: Book): Book => ({ ...book, record: record(generation) });

/** An API server with one ConfigMap and its resourceVersion; `meddle` writes between a read and the next write. */
class Server {
  map: V1ConfigMap | undefined;
  writes = 0;
  meddle: ((server: Server) => void) | undefined;
  private version = 0;

  put(map: V1ConfigMap): void {
    this.map = { ...map, metadata: { ...map.metadata, resourceVersion: String(++this.version) } };
  }

  store(): RecordStore {
    const core = {
      readNamespacedConfigMap: async () => {
        if (!this.map) throw status(404);
        return structuredClone(this.map);
      },
      replaceNamespacedConfigMap: async ({ body }: { body: V1ConfigMap }) => this.write(body, () => (this.map ? this.map.metadata!.resourceVersion === body.metadata!.resourceVersion || 409 : 404)),
      createNamespacedConfigMap: async ({ body }: { body: V1ConfigMap }) => this.write(body, () => this.map === undefined || 409),
    };
    return recordStore(async () => ({ core }) as unknown as KubernetesClient, "shop", "shop-dev-rollout");
  }

  private write(body: V1ConfigMap, allowed: () => true | number): V1ConfigMap {
    this.writes++;
    this.meddle?.(this);
    const answer = allowed();
    if (answer !== true) throw status(answer);
    this.put(body);
    return body;
  }
}

const parsed = (server: Server): RolloutRecord => JSON.parse(server.map!.data![DATA_KEYS.record]!) as RolloutRecord;

describe("the store of the rollout record", () => {
  it("is an empty book where there is no ConfigMap yet, and makes one with the first write", async () => {
    const server = new Server();
    expect(await server.store().read()).to.deep.equal({ journal: [], history: [], rollbacks: {} });
    await server.store().update((book) => ({ ...book, record: record(1), journal: [{ seq: 1, at: "t", rollout: "v2-1", by: "me", kind: "note", message: "m" }], rollbacks: { verdict: 2 } }));
    expect(server.map!.metadata).to.include({ name: "shop-dev-rollout", namespace: "shop" });
    expect(await server.store().read()).to.deep.equal({ record: record(1), journal: [{ seq: 1, at: "t", rollout: "v2-1", by: "me", kind: "note", message: "m" }], history: [], rollbacks: { verdict: 2 } });
  });

  it("keeps the labels and annotations of a ConfigMap that somebody declares", async () => {
    const server = new Server();
    server.put({ metadata: { name: "shop-dev-rollout", labels: { team: "shop" }, annotations: { "pulumi.com/patchForce": "true" } }, data: {} });
    await server.store().update(withGeneration(1));
    expect(server.map!.metadata).to.deep.include({ labels: { team: "shop", "app.kubernetes.io/managed-by": "pulumi-canary" }, annotations: { "pulumi.com/patchForce": "true" } });
  });

  it("changes what somebody else wrote meanwhile, instead of overwriting it", async () => {
    const server = new Server();
    await server.store().update(withGeneration(1));
    server.meddle = () => {
      server.meddle = undefined;
      server.put({ ...server.map!, data: { ...server.map!.data, [DATA_KEYS.record]: JSON.stringify(record(7)) } });
    };
    const calls: number[] = [];
    const book = await server.store().update((b) => (calls.push(b.record!.generation), withGeneration(b.record!.generation + 1)(b)));
    expect(calls).to.deep.equal([1, 7]);
    expect(book.record!.generation).to.equal(8);
    expect(parsed(server).generation).to.equal(8);
  });

  it("begins anew when somebody creates it first, or deletes it meanwhile", async () => {
    const created = new Server();
    created.meddle = (server) => {
      server.meddle = undefined;
      server.put({ metadata: {}, data: { [DATA_KEYS.record]: JSON.stringify(record(3)) } });
    };
    expect((await created.store().update((b) => withGeneration((b.record?.generation ?? 0) + 1)(b))).record!.generation).to.equal(4);
    const deleted = new Server();
    await deleted.store().update(withGeneration(5));
    deleted.meddle = (server) => {
      server.meddle = undefined;
      server.map = undefined;
    };
    expect((await deleted.store().update((b) => withGeneration((b.record?.generation ?? 0) + 1)(b))).record!.generation).to.equal(1);
  });

  it("gives up when somebody always writes first", async () => {
    const server = new Server();
    await server.store().update(withGeneration(1));
    server.writes = 0;
    server.meddle = () => server.put(server.map!);
    expect(await rejection(server.store().update(withGeneration(2)))).to.include({ code: 409 });
    expect(server.writes).to.be.within(5, 20);
  });

  it("writes nothing when the change throws, and passes that on", async () => {
    const server = new Server();
    await server.store().update(withGeneration(1));
    const bug = new Error("no such rollout");
    expect(await rejection(server.store().update(() => { throw bug; }))).to.equal(bug);
    expect(server.writes).to.equal(1);
  });

  it("passes on what the API server refuses, and a namespace that is not there", async () => {
    const forbidden = new Server();
    forbidden.meddle = () => { throw status(403); };
    expect(await rejection(forbidden.store().update(withGeneration(1)))).to.include({ code: 403 });
    const missing = new Server();
    missing.meddle = () => { throw status(404); };
    expect(await rejection(missing.store().update(withGeneration(1)))).to.include({ code: 404 });
    expect(missing.writes).to.equal(1);
  });

  it("says in one sentence which record cannot be read and what to do, and overwrites none", async () => {
    for (const [text, why] of [["{", "its key record.json is no JSON"], ['{"format": 2}', "its format is 2 where this version reads 1"]] as const) {
      const server = new Server();
      server.put({ data: { [DATA_KEYS.record]: text } });
      const sentence = `The rollout record, ConfigMap shop-dev-rollout in namespace shop, cannot be read: ${why}. Delete it if nobody needs it: the stack's state is enough to go on.`;
      for (const failure of [await rejection(server.store().read()), await rejection(server.store().update(withGeneration(1)))]) {
        expect(failure).to.be.instanceOf(DriverError);
        expect(failure?.message).to.equal(sentence);
      }
      expect(server.writes).to.equal(0);
    }
  });

  it("leaves out a line that was cut short, and keeps the latest lines of a journal that grew too long", async () => {
    const server = new Server();
    const entry = (seq: number) => ({ seq, at: "t", rollout: "r", by: "b", kind: "note", message: "x".repeat(10_000) }) as const;
    server.put({ data: { [DATA_KEYS.journal]: `${JSON.stringify(entry(1))}\n5\n{"seq":2}\n{"seq":3`, [DATA_KEYS.rollbacks]: "" } });
    expect((await server.store().read()).journal).to.deep.equal([entry(1)]);
    await server.store().update((book) => ({ ...book, journal: Array.from({ length: 100 }, (_, i) => entry(i + 1)) }));
    const { journal } = await server.store().read();
    expect(journal.at(-1)!.seq).to.equal(100);
    expect(journal.length).to.be.within(30, 60);
  });
});
