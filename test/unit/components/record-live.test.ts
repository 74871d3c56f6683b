import * as fs from "node:fs";
import * as http from "node:http";
import type { AddressInfo } from "node:net";
import * as os from "node:os";
import * as path from "node:path";
import * as pulumi from "@pulumi/pulumi";
import { expect } from "chai";
import type { StackConfig } from "../../../components";
import { DATA_KEYS, RecordError } from "../../../components/record/format";
import { readLive, refuseStaleFile, type ClusterChoice, type Live } from "../../../components/record/live";

type Answer = { readonly status: number; readonly body?: object } | "never";

const PATHS = { map: "/api/v1/namespaces/shop/configmaps/canary-dev-rollout", lease: "/apis/coordination.k8s.io/v1/namespaces/shop/leases/canary-dev-rollout" };
const rollout = { id: "v2-1", version: "v2", from: "v1", phase: "observing", stages: [5], weight: 5, startedAt: "2026-03-01T12:00:00Z", since: "2026-03-01T12:00:00Z" };
const record = (more: object = {}) => ({ format: 1, stack: "dev", generation: 7, keys: { stable: "v1", weight: 0 }, ...more });
const map = (text: string): Answer => ({ status: 200, body: { data: { [DATA_KEYS.record]: text } } });
const lease = (spec: object): Answer => ({ status: 200, body: { spec } });

describe("what the cluster knows of a rollout", () => {
  let server: http.Server;
  let dir: string;
  let kubeconfig: string;
  let answers: Partial<Record<keyof typeof PATHS, Answer>>;
  let asked: string[];

  before((done) => {
    dir = fs.mkdtempSync(path.join(os.tmpdir(), "canary-live-"));
    server = http.createServer(({ url }, response) => {
      asked.push(url!);
      const answer = Object.entries(PATHS).flatMap(([key, path]) => (path === url ? [answers[key as keyof typeof PATHS]] : [])).at(0) ?? { status: 404 };
      if (answer === "never") return;
      response.writeHead(answer.status, { "content-type": "application/json" }).end(JSON.stringify(answer.body ?? { kind: "Status", message: "secret details" }));
    }).listen(0, "127.0.0.1", () => {
      const at = (port: number) => ({ server: `http://127.0.0.1:${port}`, "insecure-skip-tls-verify": true });
      const { port } = server.address() as AddressInfo;
      kubeconfig = JSON.stringify({
        apiVersion: "v1", kind: "Config", "current-context": "gone", users: [{ name: "me", user: { token: "t" } }],
        clusters: [{ name: "here", cluster: at(port) }, { name: "gone", cluster: at(1) }],
        contexts: [{ name: "here", context: { cluster: "here", user: "me" } }, { name: "gone", context: { cluster: "gone", user: "me" } }],
      });
      fs.writeFileSync(path.join(dir, "config"), kubeconfig);
      done();
    });
  });
  beforeEach(() => {
    answers = {};
    asked = [];
  });
  after(() => {
    server.closeAllConnections();
    server.close();
    fs.rmSync(dir, { recursive: true });
  });

  const read = (choice: ClusterChoice = { context: "here" }, deadline?: number): Promise<Live | undefined> => readLive({ kubeconfig, ...choice }, "shop", "canary-dev-rollout", deadline);

  it("is nothing where there is no record, and where the ConfigMap has only a journal", async () => {
    expect(await read()).to.deep.equal({});
    answers.map = { status: 200, body: { data: { [DATA_KEYS.journal]: "" } } };
    expect(await read()).to.deep.equal({});
  });

  it("is the record; who holds the Lease is asked only while a rollout is under way", async () => {
    answers.map = map(JSON.stringify(record()));
    expect(await read()).to.deep.equal({ record: record() });
    answers.map = map(JSON.stringify(record({ rollout: { ...rollout, phase: "held" } })));
    await read();
    expect(asked).to.not.include(PATHS.lease);
    answers = { map: map(JSON.stringify(record({ rollout }))), lease: lease({ holderIdentity: "ci", leaseDurationSeconds: 30, renewTime: new Date().toISOString() }) };
    expect(await read()).to.deep.equal({ record: record({ rollout }), lease: { holder: "ci", expired: false } });
    answers.lease = { status: 404 };
    expect(await read()).to.deep.equal({ record: record({ rollout }) });
  });

  it("is read from the cluster that the provider uses: by contents or file, by context or cluster", async () => {
    answers.map = map(JSON.stringify(record()));
    for (const choice of [{ cluster: "here" }, { kubeconfig: path.join(dir, "config"), context: "here" }]) expect(await read(choice), JSON.stringify(choice)).to.deep.equal({ record: record() });
  });

  it("is a sentence for a record that cannot be understood, and tells where it is", async () => {
    const wrong: [string, string][] = [["{", "its key record.json is no JSON"], ['{"format":2}', "its format is 2 where this version reads 1"]];
    for (const [text, why] of wrong) {
      answers.map = map(text);
      const error = await read().then(() => undefined, (cause: Error) => cause);
      expect(error).to.be.instanceOf(RecordError);
      expect(error?.message).to.equal(`The rollout record, ConfigMap canary-dev-rollout in namespace shop, cannot be read (${why}): delete it if nobody needs it, the stack's state is enough to go on.`);
    }
  });

  it("is unknown, with the reason, where the cluster refuses, fails, is not there or does not answer in time", async () => {
    const trouble = async (answer: Answer, choice?: ClusterChoice): Promise<string | undefined> => {
      answers.map = answer;
      return (await read(choice, 200))?.trouble;
    };
    expect(await trouble({ status: 403 })).to.equal("this user may not get the ConfigMap and the Lease of the rollout record");
    expect(await trouble({ status: 401 })).to.equal("the API server does not know this user");
    expect(await trouble({ status: 500 })).to.match(/^HTTP-Code: 500/).and.not.include("\n");
    expect(await trouble("never")).to.equal("the API server did not answer within 0.2 s");
    expect(await trouble({ status: 404 }, { context: "gone" })).to.include("ECONNREFUSED");
    expect(await trouble({ status: 404 }, { context: "nowhere" })).to.include("No active cluster");
    expect(await trouble({ status: 404 }, { kubeconfig: "{" })).to.be.a("string").and.not.include("\n");
  });

  it("keeps the record when only the Lease cannot be read: what is old stays old", async () => {
    answers = { map: map(JSON.stringify(record({ rollout }))), lease: { status: 403 } };
    expect(await read()).to.deep.equal({ record: record({ rollout }), trouble: "this user may not get the ConfigMap and the Lease of the rollout record" });
  });

  describe("is not asked for", () => {
    const environment = { ...process.env };
    const restore = (): void => {
      for (const key of ["KUBECONFIG", "HOME"]) if (environment[key] === undefined) delete process.env[key]; else process.env[key] = environment[key];
    };
    afterEach(() => {
      restore();
      pulumi.runtime.setAllConfig({});
    });

    it("where no kubeconfig is anywhere", async () => {
      process.env.HOME = dir;
      delete process.env.KUBECONFIG;
      expect(await readLive({}, "shop", "canary-dev-rollout")).to.equal(undefined);
    });

    it("under mocks", async () => {
      await pulumi.runtime.setMocks({ newResource: ({ name, inputs }) => ({ id: name, state: inputs }), call: ({ inputs }) => inputs }, "canary", "dev");
      pulumi.runtime.setAllConfig({ "kubernetes:kubeconfig": kubeconfig, "kubernetes:context": "here" });
      await refuseStaleFile({ namespace: "shop", weight: 0, generation: 0, force: false } as StackConfig);
      expect(asked).to.deep.equal([]);
    });
  });
});
