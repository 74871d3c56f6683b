import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { expect } from "chai";
import { parseConfig, type StackConfig } from "../../../components/config";
import type { RolloutRecord } from "../../../components/record/format";
import type { KubernetesClient } from "../../../driver/cluster/client";
import { DriverError } from "../../../driver/errors";
import { Dependencies } from "../../../driver/resilience/registry";
import type { Place } from "../../../driver/view/place";
import { examine } from "../../../driver/view/doctor";
import { backendChecks } from "../../../driver/view/doctor/backend";
import { fail, NotKnown, ok, runChecks, warn, type Check, type Finding } from "../../../driver/view/doctor/check";
import { clusterChecks } from "../../../driver/view/doctor/cluster";
import type { Facts } from "../../../driver/view/doctor/facts";
import { atLeast } from "../../../driver/view/doctor/local";
import { metricChecks } from "../../../driver/view/doctor/metrics";
import { recordChecks } from "../../../driver/view/doctor/record";
import { renderFindings } from "../../../driver/view/doctor/render";
import { deniedRights, inWords, rightsFor } from "../../../driver/view/doctor/rights";
import { json, LocalServers } from "./servers";

const config = (over: object = {}): StackConfig =>
  parseConfig({ namespace: "shop", stable: "v1", services: { shop: { image: "shop", port: 8080, hosts: ["shop.example"] } }, ...over });

const notFound = (): Promise<never> => Promise.reject(Object.assign(new Error("gone"), { code: 404 }));
const client = (apis: object): KubernetesClient => apis as KubernetesClient;

/** Facts of which a test gives what matters; everything else is not known. */
function facts(known: Partial<Facts>): Facts {
  const unknown = (what: string) => () => Promise.reject(new NotKnown(what, new DriverError(`${what} is broken.`)));
  return {
    at: { stack: "prod", cwd: "/nowhere" }, place: async () => ({ dependencies: new Dependencies(), file: { keys: () => ({ stable: "v1", weight: 0 }) } }) as Place,
    cli: unknown("the Pulumi CLI"), project: async () => "canary", config: async () => config(), state: unknown("Pulumi's state"),
    cluster: unknown("the cluster"), book: unknown("the rollout record"), lease: unknown("the rollout's Lease"), ...known,
  };
}

async function found(checks: readonly Check[], name: string): Promise<string[]> {
  const findings = await runChecks(checks.filter((check) => check.name === name), 5000);
  return findings.map(({ health, sentence }) => `${health}: ${sentence}`);
}

describe("a doctor's checks", () => {
  const check = (name: string, run: Check["run"]): Check => ({ name, run });

  it("all run, whatever becomes of one, and are told in their order", async () => {
    const findings = await runChecks([
      check("slow", () => new Promise(() => undefined)),
      check("broken", () => Promise.reject(new Error("boom\nand more"))),
      check("blind", () => Promise.reject(new NotKnown("the record", new NotKnown("the cluster", "x")))),
      check("fine", async () => ok("Fine.")),
      check("two", async () => [ok("One."), warn("Two.", "Look.")]),
      check("none", async () => []),
    ], 20);
    expect(findings.map(({ check: name, health, sentence }) => `${name} ${health} ${sentence}`)).to.deep.equal([
      "slow fail It could not be checked: there was no answer within 0.02 s.",
      "broken fail It could not be checked: boom.",
      "blind warn Not checked, because the cluster is not known.",
      "fine ok Fine.",
      "two ok One.",
      "two warn Two.",
    ]);
  });

  it("stop what they asked when their time is over", async () => {
    let stopped = false;
    await runChecks([check("slow", (signal) => new Promise(() => signal.addEventListener("abort", () => (stopped = true))))], 10);
    expect(stopped).to.equal(true);
  });

  it("are shown with a mark, a sentence and what to do", () => {
    const findings: Finding[] = [{ check: "node", ...ok("Node.js 20.20.2.") }, { check: "services", ...fail("There is no Service shop-stable.", "`pulumi up` declares it.") }, { check: "services", ...warn("There is no Service shop-canary.") }];
    expect(renderFindings(findings)).to.deep.equal([
      "✔  node      Node.js 20.20.2.",
      "✘  services  There is no Service shop-stable.",
      "             → `pulumi up` declares it.",
      "!            There is no Service shop-canary.",
      "",
      "1 in order, 1 to look at, 1 to mend",
    ]);
  });

  it("of a folder that holds no project name what is missing, and end", async () => {
    const cwd = fs.mkdtempSync(path.join(os.tmpdir(), "canary-doctor-"));
    const findings = await examine({ stack: "prod", cwd });
    const of = (name: string): Finding | undefined => findings.find(({ check: c }) => c === name);
    expect(of("project")?.sentence).to.equal(`${path.join(cwd, "Pulumi.yaml")} cannot be read (it is not there): run the driver in the project's folder or name it with --cwd.`);
    expect(of("stack-file")?.health).to.equal("fail");
    expect(of("namespace")).to.deep.include({ health: "warn", sentence: "Not checked, because the stack's config is not known." });
    expect(findings.length).to.be.at.least(15);
  });

  it("compare versions by major and minor", () => {
    expect([atLeast("20.20.2", ">=20.19"), atLeast("20.18.9", ">=20.19"), atLeast("v3.215.0", "3.215.0"), atLeast("v4.0.0", "3.215.0"), atLeast("v3.99.0", "3.215.0")]).to.deep.equal([true, false, true, true, false]);
  });
});

describe("a doctor's look at the backend", () => {
  const record: RolloutRecord = { format: 1, stack: "prod", generation: 7, keys: { stable: "v2", weight: 0 } };
  const book = { journal: [], history: [], rollbacks: {} };
  const state = async () => ({ outputs: { stable: "v1", generation: 0 }, pending: ["creating Deployment shop-v2"] });

  it("finds a stack file that is older than the record", async () => {
    const [sentence] = await found(backendChecks(facts({ book: async () => ({ ...book, record }), state })), "generation");
    expect(sentence).to.match(/^fail: Pulumi\.prod\.yaml is older than the rollout record \(generation 0, the record has 7: v2 stable\)/);
  });

  it("finds a stack file that is not deployed, and one that is", async () => {
    const check = (generation: number) => found(backendChecks(facts({ book: async () => book, state: async () => ({ outputs: { stable: "v1", generation }, pending: [] }) })), "generation");
    expect(await check(4)).to.deep.equal(["warn: The stack file has generation 0, deployed is 4."]);
    expect(await check(0)).to.deep.equal(["ok: The stack file is what is deployed (generation 0)."]);
  });

  it("tells an update that died from one that is at work", async () => {
    const check = (expired: boolean) => found(backendChecks(facts({ state, lease: async () => ({ holder: "ci", expired }) })), "pending-operations");
    expect(await check(true)).to.deep.equal(["fail: An update died and left unfinished: creating Deployment shop-v2."]);
    expect(await check(false)).to.deep.equal(["ok: An update is at work: creating Deployment shop-v2."]);
  });

  it("says why the state cannot be read once, and elsewhere only that it is not known", async () => {
    const checks = backendChecks(facts({ state: () => Promise.reject(new NotKnown("Pulumi's state", new DriverError('There is no stack "prod".'))) }));
    expect(await found(checks, "stack")).to.deep.equal(['fail: There is no stack "prod".']);
    expect(await found(checks, "pending-operations")).to.deep.equal(["warn: Not checked, because Pulumi's state is not known."]);
  });
});

describe("a doctor's look at the cluster", () => {
  const services = (ready: Readonly<Record<string, number>>, className = "nginx") => client({
    core: { readNamespacedService: ({ name }: { name: string }) => (name in ready ? Promise.resolve({}) : notFound()) },
    custom: {
      listNamespacedCustomObject: async ({ labelSelector }: { labelSelector: string }) => {
        const n = ready[labelSelector.split("=")[1]!] ?? 0;
        return { items: [{ endpoints: [...Array.from({ length: n }, () => ({})), { conditions: { ready: false } }] }, { endpoints: null }] };
      },
    },
    networking: { readNamespacedIngress: async () => ({ spec: { ingressClassName: className } }) },
  });
  const look = (cluster: KubernetesClient, over: object = {}) => found(clusterChecks(facts({ cluster: async () => cluster, config: async () => config(over) })), "services");

  it("counts the ready endpoints of every Service", async () => {
    expect(await look(services({ "shop-stable": 2, "shop-canary": 1 }))).to.deep.equal(["ok: shop is there, with ready endpoints: shop-stable 2, shop-canary 1."]);
  });

  it("finds a Service without endpoints, which matters on the canary only while it has traffic", async () => {
    expect(await look(services({ "shop-stable": 0, "shop-canary": 0 }))).to.deep.equal(["fail: No pod behind Service shop-stable is ready.", "warn: No pod behind Service shop-canary is ready."]);
    expect((await look(services({ "shop-stable": 1, "shop-canary": 0 }), { canary: "v2", weight: 5 }))[0]).to.equal("fail: No pod behind Service shop-canary is ready.");
  });

  it("finds a Service that is gone, and an Ingress of another class", async () => {
    expect(await look(services({ "shop-canary": 1 }))).to.deep.equal(["fail: There is no Service shop-stable."]);
    expect(await look(services({ "shop-stable": 1, "shop-canary": 1 }, "other"))).to.deep.equal(["fail: Ingress shop-stable has the class other where the stack says nginx.", "fail: Ingress shop-canary has the class other where the stack says nginx."]);
  });

  it("finds an IngressClass that nobody serves, or somebody who may not know canaries", async () => {
    const router = (answer: unknown) => found(clusterChecks(facts({ cluster: async () => client({ networking: { readIngressClass: () => answer } }) })), "router");
    expect((await router(notFound()))[0]).to.equal("fail: There is no IngressClass nginx: no controller takes the Ingresses up.");
    expect((await router(Promise.resolve({ spec: { controller: "haproxy.org/ingress" } })))[0]).to.match(/^warn: The controller of IngressClass nginx is haproxy\.org\/ingress, which may not know/);
    expect(await router(Promise.resolve({ spec: { controller: "k8s.io/ingress-nginx" } }))).to.deep.equal(["ok: IngressClass nginx is served by k8s.io/ingress-nginx."]);
  });

  it("asks for each right by itself, and names those that are denied", async () => {
    const asked: string[] = [];
    const authorization = {
      createSelfSubjectAccessReview: async ({ body }: { body: { spec: { resourceAttributes: { verb: string; resource: string; namespace?: string } } } }) => {
        const { verb, resource, namespace } = body.spec.resourceAttributes;
        asked.push(`${verb} ${resource} ${namespace}`);
        return { status: { allowed: !(verb === "patch" && resource === "ingresses") } };
      },
    };
    const denied = await deniedRights(client({ authorization }), "shop", rightsFor(config()));
    expect(inWords(denied)).to.equal("patch ingresses.networking.k8s.io");
    expect(asked).to.include.members(["patch services shop", "update leases shop", "patch namespaces undefined"]);
    const other = rightsFor(config({ createNamespace: false, router: "gateway-api", gateway: { name: "public" }, analysis: { source: "app" } })).map(({ resource }) => resource);
    expect(other).to.include("httproutes").and.not.include("namespaces").and.not.include("ingresses");
  });

  it("does not take a right for needed that only explains", async () => {
    const authorization = { createSelfSubjectAccessReview: async ({ body }: { body: { spec: { resourceAttributes: { resource: string } } } }) => ({ status: { allowed: body.spec.resourceAttributes.resource !== "ingressclasses" } }) };
    const [explains, has] = await found(clusterChecks(facts({ cluster: async () => client({ authorization }) })), "rights");
    expect(explains).to.equal("warn: This user may not get ingressclasses.networking.k8s.io: a split that is not served is then explained less well.");
    expect(has).to.match(/^ok: This user has the \d+ rights that a rollout needs in shop\.$/);
  });
});

describe("a doctor's look at metrics", () => {
  const servers = new LocalServers();
  afterEach(() => servers.closeAll());

  /** A Prometheus that has series for the queries that match. */
  const prometheus = (has: RegExp) => servers.start((request, response) => {
    const query = new URL(request.url!, "http://x").searchParams.get("query")!;
    json(200, { status: "success", data: { resultType: "vector", result: has.test(query) ? [{ metric: {}, value: [1, "1"] }] : [] } })(request, response);
  });
  const gates = { preset: "C", conf: { kind: "baseline", query: "confidence{version=\"{{version}}\"}", fail: "80%", better: "higher" } };
  const look = async (has: RegExp, name: string) => {
    const { url } = await prometheus(has);
    return found(metricChecks(facts({ config: async () => config({ analysis: { prometheus: url, gates } }) })), name);
  };

  it("names the queries that have no series for the stable version, and what that means", async () => {
    expect(await look(/./, "queries")).to.deep.equal(["ok: shop: 3 of 3 queries return series of v1."]);
    const [latency, own, rest] = await look(/_requests|vector/, "queries");
    expect(latency).to.match(/^fail: shop: Prometheus has no series of v1 for latency \(nginx_ingress_controller_request_duration_seconds_bucket\{.*\}\[60s\] or .*\): a gate on latencies would never pass\.$/);
    expect(own).to.equal('fail: shop: Prometheus has no series of v1 for conf (confidence{version="v1"}[30s]): this critical gate would never pass.');
    expect(rest).to.equal("ok: shop: 1 of 3 queries return series of v1.");
  });

  it("does not ask a server that does not answer", async () => {
    const { url, stop } = await prometheus(/./);
    await stop();
    const checks = metricChecks(facts({ config: async () => config({ analysis: { prometheus: url } }) }));
    expect(await found(checks, "queries")).to.deep.equal(["warn: Not checked, because what Prometheus says is not known."]);
    expect((await found(checks, "prometheus"))[0]).to.equal(`fail: ${url} cannot be reached: ECONNREFUSED.`);
  });

  it("asks the health endpoint through the router", async () => {
    const answers = async (status: number) => {
      const { url } = await servers.start((request, response) => json(request.headers.host === "shop.example" && request.url === "/health" ? status : 404, {})(request, response));
      return (await found(metricChecks(facts({ config: async () => config({ ingressUrl: url }) })), "ingress-url"))[0]!.replace(url, "URL");
    };
    expect(await answers(200)).to.equal("ok: shop: /health on shop.example answers 200 through URL.");
    expect(await answers(503)).to.equal("fail: shop: /health on shop.example answers 503 through URL.");
  });
});

describe("a doctor's look at the record", () => {
  const rollout = { id: "a", version: "v2", from: "v1", phase: "observing" as const, stages: [5], weight: 5, startedAt: "", since: "" };
  const book = (record?: Partial<RolloutRecord>) => async () => ({ journal: [], history: [], rollbacks: {}, ...(record ? { record: { format: 1 as const, stack: "prod", generation: 2, keys: { weight: 0 }, ...record } } : {}) });

  it("finds a rollout whose driver died, and nothing wrong with one that is driven or none", async () => {
    const lease = (state: object, record?: Partial<RolloutRecord>) => found(recordChecks(facts({ lease: async () => state as { expired: boolean }, book: book(record) })), "lease");
    expect((await lease({ holder: "ci", expired: true }, { rollout }))[0]).to.equal("fail: The rollout of v2 is unfinished (observing), and the Lease of ci has run out.");
    expect(await lease({ holder: "ci", expired: false }, { rollout })).to.deep.equal(["ok: ci holds the Lease."]);
    expect(await lease({ expired: true }, {})).to.deep.equal(["ok: The Lease is free."]);
  });

  it("says why a record cannot be read", async () => {
    const unreadable = () => Promise.reject(new NotKnown("the rollout record", new DriverError("The rollout record cannot be read: its key record.json is no JSON.")));
    expect(await found(recordChecks(facts({ book: unreadable })), "record")).to.deep.equal(["fail: The rollout record cannot be read: its key record.json is no JSON."]);
    expect(await found(recordChecks(facts({ book: book() })), "record")).to.deep.equal(["ok: There is no rollout record yet; the first rollout writes it."]);
  });

  it("looks for the guard that the stack declares", async () => {
    const guard = (answer: unknown, over: object) => found(recordChecks(facts({ cluster: async () => client({ apps: { readNamespacedDeployment: () => answer } }), config: async () => config(over) })), "guard");
    expect((await guard(undefined, {}))[0]).to.match(/^warn: The stack declares no guard/);
    expect(await guard(notFound(), { guard: { image: "canary:1" } })).to.deep.equal(["fail: The guard, Deployment canary-prod-guard, is not there."]);
    expect(await guard(Promise.resolve({ status: { readyReplicas: 1 } }), { guard: { image: "canary:1" } })).to.deep.equal(["ok: The guard, Deployment canary-prod-guard, is ready."]);
  });
});
