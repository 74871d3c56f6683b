import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { expect } from "chai";
import { stringify } from "yaml";
import { clusterAccess, urgently, type KubernetesClient } from "../../../driver/cluster/client";
import { UsageError } from "../../../driver/errors";
import { ServiceUnavailable, type CallLimits, type ResilienceSettings } from "../../../driver/resilience/policies";
import { Dependencies } from "../../../driver/resilience/registry";
import { json, LocalServers, reset, silent, type Handler, type LocalServer } from "./servers";

const QUICK: ResilienceSettings = { tries: 3, retryDelay: 0.005, retryFactor: 1, circuitFailures: 100, circuitReset: 60 };
const LIMITS: CallLimits = { timeout: 5, total: 10, parallelism: 2 };
const SERVICE = { apiVersion: "v1", kind: "Service", metadata: { name: "shop" }, spec: { selector: { a: "b" } } };
const AT = { name: "shop", namespace: "canary" };
const PATH = "/api/v1/namespaces/canary/services/shop";

const kubeconfig = (server: string): string => stringify({
  apiVersion: "v1", kind: "Config", "current-context": "here",
  clusters: [{ name: "local", cluster: { server, "insecure-skip-tls-verify": true } }, { name: "other", cluster: { server: "http://127.0.0.1:1", "insecure-skip-tls-verify": true } }],
  users: [{ name: "me", user: { token: "t0ken" } }],
  contexts: [{ name: "here", context: { cluster: "local", user: "me" } }, { name: "there", context: { cluster: "other", user: "me" } }],
});

const failureOf = (answer: Promise<unknown>): Promise<Error> => answer.then(() => expect.fail("it was answered"), (error: Error) => error);

describe("calls to the Kubernetes API", () => {
  const servers = new LocalServers();
  afterEach(() => servers.closeAll());

  interface Scene {
    readonly server: LocalServer;
    readonly client: KubernetesClient;
    readonly dependencies: Dependencies;
    patch(body?: object): Promise<unknown>;
  }

  async function scene(handler: Handler, settings: Partial<ResilienceSettings> = {}, limits: Partial<CallLimits> = {}): Promise<Scene> {
    const server = await servers.start(handler);
    const dependencies = new Dependencies({ ...QUICK, ...settings });
    const client = await clusterAccess({ kubeconfig: kubeconfig(server.url) }, { dependencies, limits: { ...LIMITS, ...limits } })();
    const { PatchStrategy, setHeaderOptions } = await import("@kubernetes/client-node");
    const patch = (body: object = { spec: { selector: {} } }): Promise<unknown> => client.core.patchNamespacedService({ ...AT, body }, setHeaderOptions("Content-Type", PatchStrategy.MergePatch));
    return { server, client, dependencies, patch };
  }

  /** Does one thing to the first requests, then answers. */
  const firstly = (times: number, handler: Handler): Handler => {
    let left = times;
    return (request, response) => (left-- > 0 ? handler : json(200, SERVICE))(request, response);
  };

  for (const [what, handler] of [["a broken connection", reset], ["HTTP 503", json(503, {})], ["HTTP 429", json(429, {})]] as const)
    it(`repeat a read after ${what}`, async () => {
      const { client, server } = await scene(firstly(2, handler));
      expect((await client.core.readNamespacedService(AT)).spec?.selector).to.deep.equal({ a: "b" });
      expect(server.seen).to.deep.equal([`GET ${PATH}`, `GET ${PATH}`, `GET ${PATH}`]);
    });

  it("repeat a read that was not answered in time, and one whose answer breaks off", async () => {
    const half: Handler = (_, response) => {
      response.writeHead(200, { "content-type": "application/json", "content-length": "1000" });
      response.write("{", () => response.destroy());
    };
    const { client, server } = await scene(firstly(1, silent), {}, { timeout: 0.5 });
    expect((await client.core.readNamespacedService(AT)).metadata?.name).to.equal("shop");
    server.handler = firstly(1, half);
    expect((await client.core.readNamespacedService(AT)).metadata?.name).to.equal("shop");
    expect(server.seen).to.have.length(4);
  });

  it("name the server that does not answer in time", async () => {
    const { client, server } = await scene(silent, { tries: 1 }, { timeout: 0.05 });
    const error = await failureOf(client.core.readNamespacedService(AT));
    expect(error).to.be.instanceOf(ServiceUnavailable);
    expect(error.message).to.equal(`The API server ${server.url} did not answer within 0.05 s.`);
  });

  it("name the server that is not there", async () => {
    const { client, server } = await scene(silent);
    await server.stop();
    expect((await failureOf(client.core.readNamespacedService(AT))).message).to.equal(`The API server ${server.url} cannot be reached: the connection was refused.`);
  });

  it("give the status of an answer to the caller as ever, after the tries are used up", async () => {
    const { client, server } = await scene(json(404, { kind: "Status", message: "not found" }));
    expect(await failureOf(client.core.readNamespacedService(AT))).to.include({ code: 404 });
    expect(server.seen).to.have.length(1);
    server.handler = json(500, { kind: "Status", message: "broken" });
    expect(await failureOf(client.core.readNamespacedService(AT))).to.include({ code: 500 });
    expect(server.seen).to.have.length(4);
  });

  it("never repeat a write that may have been received", async () => {
    for (const handler of [reset, json(503, {})]) {
      const { client, server } = await scene(handler);
      await failureOf(client.core.replaceNamespacedService({ ...AT, body: { metadata: { name: "shop", resourceVersion: "7" } } }));
      await failureOf(client.core.createNamespacedService({ namespace: "canary", body: {} }));
      await failureOf(client.core.deleteNamespacedService(AT));
      expect(server.seen.map((s) => s.split(" ")[0])).to.deep.equal(["PUT", "POST", "DELETE"]);
    }
  });

  it("repeat a write for which there was no connection", async () => {
    const { client, server, dependencies } = await scene(json(200, SERVICE));
    await server.stop();
    await failureOf(client.core.replaceNamespacedService({ ...AT, body: { metadata: { name: "shop", resourceVersion: "7" } } }));
    expect(dependencies.snapshot()[0]).to.include({ healthy: false, failures: 3 });
  });

  it("repeat a merge patch once, but not one that names a resourceVersion", async () => {
    const { server, patch } = await scene(firstly(1, reset));
    await patch();
    expect(server.seen).to.deep.equal([`PATCH ${PATH}`, `PATCH ${PATH}`]);
    server.handler = reset;
    await failureOf(patch());
    expect(server.seen).to.have.length(4);
    await failureOf(patch({ metadata: { resourceVersion: "7" } }));
    expect(server.seen).to.have.length(5);
  });

  it("open the circuit after the configured failures, and show it", async () => {
    const { client, server, dependencies } = await scene(json(503, {}), { tries: 1, circuitFailures: 2 });
    for (let i = 0; i < 2; i++) expect(await failureOf(client.core.readNamespacedService(AT))).to.include({ code: 503 });
    const error = await failureOf(client.core.readNamespacedService(AT));
    expect(error.message).to.equal(`The API server ${server.url} is left alone for 60 s after 2 failures (last: The API server ${server.url} answered HTTP 503).`);
    expect(server.seen).to.have.length(2);
    expect(dependencies.snapshot()).to.have.length(1);
    expect(dependencies.snapshot()[0]).to.include({ name: "kubernetes", address: server.url, healthy: false, circuit: "open", failures: 2 });
  });

  it("patch, renew Leases and do what is urgent through an open circuit, which closes when they are answered", async () => {
    const { client, server, dependencies, patch } = await scene(json(503, {}), { tries: 1, circuitFailures: 1 });
    const open = async (): Promise<void> => {
      server.handler = json(503, {});
      await failureOf(client.core.readNamespacedService(AT));
      expect(dependencies.snapshot()[0]).to.include({ circuit: "open" });
      server.handler = json(200, SERVICE);
    };
    for (const act of [patch, () => client.coordination.readNamespacedLease(AT), () => urgently(() => client.core.readNamespacedService(AT))]) {
      await open();
      await act();
      expect(dependencies.snapshot()[0]).to.include({ circuit: "closed", healthy: true });
    }
  });

  it("patch while all places are taken by reads that are not answered", async () => {
    const { client, server, patch } = await scene((request, response) => void (request.method === "PATCH" && json(200, SERVICE)(request, response)));
    const reads = [1, 2, 3].map(() => failureOf(client.core.readNamespacedService(AT)));
    await patch();
    expect(server.seen.filter((s) => s.startsWith("PATCH"))).to.have.length(1);
    await server.stop();
    await Promise.all(reads);
  });

  it("go over one connection as long as it is well, but for writes that must not be received twice", async () => {
    const { client, server, patch } = await scene(json(200, SERVICE));
    for (let i = 0; i < 3; i++) await client.core.readNamespacedService(AT);
    await patch();
    expect(server.connections()).to.equal(1);
    await client.core.replaceNamespacedService({ ...AT, body: { metadata: { name: "shop", resourceVersion: "7" } } });
    await client.core.readNamespacedService(AT);
    expect(server.connections()).to.equal(2);
    server.handler = firstly(1, json(503, {}));
    for (let i = 0; i < 2; i++) await client.core.readNamespacedService(AT);
    expect(server.connections(), "a busy answer is no dead connection").to.equal(2);
  });

  it("are repeated over a new connection: where one is dead, the others may be", async () => {
    const { client, server, patch } = await scene(json(200, SERVICE), {}, { timeout: 0.5 });
    await Promise.all([client.core.readNamespacedService(AT), client.core.readNamespacedService(AT)]);
    expect(server.connections()).to.equal(2);
    const dead = new Set<unknown>();
    server.handler = (request, response) => {
      if (dead.size === 0 || dead.has(request.socket)) dead.add(request.socket);
      else json(200, SERVICE)(request, response);
    };
    await patch();
    expect(server.connections()).to.equal(3);
  });

  it("can ask for a sign of life, which an answer of any kind is", async () => {
    const { dependencies, server } = await scene(json(403, {}));
    expect((await dependencies.check())[0]).to.include({ healthy: true });
    expect(server.seen).to.deep.equal(["GET /version"]);
    await server.stop();
    expect((await dependencies.check())[0]).to.include({ healthy: false, failures: 2 });
  });

  it("take the context that the first of several kubeconfigs names, as Pulumi does", async () => {
    const server = await servers.start(json(200, SERVICE));
    const dir = fs.mkdtempSync(path.join(os.tmpdir(), "canary-test-"));
    const before = process.env["KUBECONFIG"];
    try {
      const other = kubeconfig(server.url).replace("current-context: here", "current-context: there");
      fs.writeFileSync(path.join(dir, "first"), JSON.stringify({ apiVersion: "v1", kind: "Config", "current-context": "here" }));
      fs.writeFileSync(path.join(dir, "second"), other);
      process.env["KUBECONFIG"] = [path.join(dir, "first"), path.join(dir, "second")].join(path.delimiter);
      const client = await clusterAccess({})();
      expect((await client.core.readNamespacedService(AT)).metadata?.name).to.equal("shop");
    } finally {
      if (before === undefined) delete process.env["KUBECONFIG"];
      else process.env["KUBECONFIG"] = before;
      fs.rmSync(dir, { recursive: true });
    }
  });

  it("refuse a context that the kubeconfig does not have, and a file that is none, without showing what is in it", async () => {
    const choose = (choice: object): Promise<Error> => failureOf(clusterAccess(choice)());
    const error = await choose({ kubeconfig: kubeconfig("http://127.0.0.1:1"), context: "nowhere" });
    expect(error).to.be.instanceOf(UsageError);
    expect(error.message).to.equal(`The cluster cannot be chosen: the stack's kubernetes:kubeconfig has no context "nowhere" with a cluster; choose one of here, there, by --context or kubernetes:context.`);
    expect((await choose({ kubeconfig: "/nowhere/config" })).message).to.equal("The cluster cannot be chosen: /nowhere/config is not there; name another one by --kubeconfig or KUBECONFIG.");
    expect((await choose({ kubeconfig: "kind: Config\n" })).message).to.equal("The cluster cannot be chosen: the stack's kubernetes:kubeconfig has no current context; choose another kubeconfig, by --context or kubernetes:context.");
    const secretive = kubeconfig("http://me:hush@127.0.0.1:1").replace("insecure-skip-tls-verify: true", "insecure-skip-tls-verify: false");
    expect((await choose({ kubeconfig: secretive })).message).to.equal("The cluster cannot be chosen: the stack's kubernetes:kubeconfig has the server http://127.0.0.1:1, and plain HTTP is used only with insecure-skip-tls-verify: true; mend it, or choose another context by --context or kubernetes:context.");
    expect((await choose({ kubeconfig: "token: [secret\n" })).message).to.equal("The cluster cannot be chosen: the stack's kubernetes:kubeconfig is no kubeconfig; name another one by --kubeconfig or KUBECONFIG.");
  });
});
