import * as net from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { CoreV1Api, NetworkingV1Api } from "@kubernetes/client-node";
import { expect } from "chai";
import { GUARD_PREFIX } from "../../driver/record/lease";
import { ImageTable } from "../../sandbox/cluster/images";
import { guardImages } from "../../sandbox/demo/images";
import { Desk, eventually, guardedShop, LEASE_SECONDS, merge, statusOf } from "./guarded";
import { kubernetes, sharedCluster } from "./harness";
import { asAccount } from "./least-privilege";

describe("the guard on the embedded cluster", function () {
  this.timeout(180_000);
  let shop: Awaited<ReturnType<typeof guardedShop>>;
  let desk: Desk;

  before(async () => {
    new ImageTable((await sharedCluster()).cluster.files).add(guardImages());
    shop = await guardedShop("guarded");
    expect(shop.up.code, shop.up.output).to.equal(0);
    desk = await Desk.of(shop);
  });

  it("may touch the objects of its rollout, and is refused everything else", async () => {
    const config = await asAccount(shop.cluster, "guarded", "canary-guarded-guard");
    const [core, networking] = [config.makeApiClient(CoreV1Api), config.makeApiClient(NetworkingV1Api)];
    const namespace = "guarded";
    const ingress = (name: string) => networking.patchNamespacedIngress({ name, namespace, dryRun: "All", body: { metadata: { labels: { touched: "yes" } } } }, merge);
    const service = (name: string) => core.patchNamespacedService({ name, namespace, dryRun: "All", body: { metadata: { labels: { touched: "yes" } } } }, merge);
    const calls = {
      "patch its canary Ingress": ingress("shop-canary"),
      "patch its canary Service": service("shop-canary"),
      "list pods": core.listNamespacedPod({ namespace }),
      "patch the stable Ingress": ingress("shop-stable"),
      "patch the stable Service": service("shop-stable"),
      "read another ConfigMap": core.readNamespacedConfigMap({ name: "kube-root-ca.crt", namespace }),
      "make a ConfigMap": core.createNamespacedConfigMap({ namespace, body: { metadata: { name: "mine" } } }),
      "list Secrets": core.listNamespacedSecret({ namespace }),
      "delete a pod": core.deleteCollectionNamespacedPod({ namespace, dryRun: "All" }),
      "list pods elsewhere": core.listNamespacedPod({ namespace: "default" }),
    };
    const answers = await Promise.all(Object.entries(calls).map(async ([what, call]) => [what, await statusOf(call)]));
    expect(Object.fromEntries(answers)).to.deep.equal({
      "patch its canary Ingress": 200, "patch its canary Service": 200, "list pods": 200, "patch the stable Ingress": 403, "patch the stable Service": 403,
      "read another ConfigMap": 403, "make a ConfigMap": 403, "list Secrets": 403, "delete a pod": 403, "list pods elsewhere": 403,
    });
  });

  it("runs a pod that a namespace at the restricted pod security level accepts", async () => {
    const { core, apps } = await kubernetes();
    await core.createNamespace({ body: { metadata: { name: "strict", labels: { "pod-security.kubernetes.io/enforce": "restricted" } } } });
    const { spec } = await apps.readNamespacedDeployment({ name: "canary-guarded-guard", namespace: "guarded" });
    const pod = (change: object) => ({ namespace: "strict", dryRun: "All", body: { metadata: { name: "guard" }, spec: { ...spec!.template.spec!, serviceAccountName: "default", serviceAccount: "default", ...change } } });
    await eventually(() => core.readNamespacedServiceAccount({ name: "default", namespace: "strict" }), "the namespace's account");
    expect(await statusOf(core.createNamespacedPod(pod({})))).to.equal(200);
    expect(await statusOf(core.createNamespacedPod(pod({ securityContext: {} })))).to.equal(403);
  });

  it("leaves traffic where it is while a driver renews its Lease, and sends it home when that driver dies", async () => {
    const driver = desk.lease("ci@runner");
    await driver.acquire();
    await desk.rollOut({});
    await sleep(2 * LEASE_SECONDS * 1000);
    expect(await desk.live()).to.deep.equal({ weight: "50", home: false });
    expect(Object.keys(await shop.load(100)).sort()).to.deep.equal(["v1", "v2"]);

    driver.abandon();
    await eventually(desk.home, "the way home");
    const book = await eventually(async () => { const now = await desk.book(); return now.record?.rollout?.sentHome ? now : undefined; }, "the record of it");
    expect(book.record?.rollout?.sentHome?.by).to.match(/^guard\/canary-guarded-guard-/);
    expect(book.record?.rollout).to.include({ phase: "observing", reason: `ci@runner has not been heard of for ${LEASE_SECONDS} s` });
    expect(book.rollbacks).to.deep.equal({ guard: 1 });
    expect(book.journal.at(-1)?.message).to.equal(`All traffic is sent home: ci@runner has not been heard of for ${LEASE_SECONDS} s`);
    await eventually(async () => (Object.keys(await shop.load(100)).join() === "v1" ? true : undefined), "requests to stable alone");
  });

  it("sends it home again when an update that was under way raises it afterwards", async () => {
    await desk.setWeight("50");
    await eventually(desk.home, "the way home");
    expect((await desk.book()).rollbacks).to.deep.equal({ guard: 1 });
  });

  it("serves what it did as metrics, which outlive it", async () => {
    const { cluster } = await sharedCluster();
    const query = async (text: string): Promise<string | undefined> => {
      const answer = (await (await fetch(`${cluster.url("prometheus")}/api/v1/query?query=${encodeURIComponent(text)}`)).json()) as { data: { result: { value: [number, string] }[] } };
      return answer.data.result[0]?.value[1];
    };
    const rollbacks = 'canary_rollback_total{stack="guarded",service="shop",reason="guard"}';
    expect(await eventually(async () => ((await query(rollbacks)) === "1" ? "1" : undefined), "the counter")).to.equal("1");
    expect(await query('canary_validation_success{stack="guarded",version="v2"}')).to.equal("0");
    expect(await query('canary_weight{stack="guarded",version="v2"}')).to.equal("0");
    const { core } = await kubernetes();
    const guards = { namespace: "guarded", labelSelector: "app.kubernetes.io/name=canary-guard" };
    const [pod] = (await core.listNamespacedPod(guards)).items;
    await core.deleteCollectionNamespacedPod(guards);
    expect(await eventually(() => query(rollbacks.replace("}", `,pod!="${pod?.metadata?.name}"}`)), "the counter of the next guard")).to.equal("1");
  });

  it("steps back at once for a driver that takes the Lease, and touches nothing as long as it holds it", async () => {
    await desk.rollOut({ id: "v2-again", phase: "held", reason: "a person must decide" });
    const guard = desk.lease("nobody");
    await eventually(async () => ((await guard.state()).holder?.startsWith(GUARD_PREFIX) ? true : undefined), "the guard's watch");
    const driver = desk.lease("you@laptop");
    await driver.acquire();
    await desk.setWeight("50");
    await desk.rollOut({ id: "v2-again", phase: "raising" });
    await sleep(3 * LEASE_SECONDS * 1000);
    expect((await driver.state()).holder).to.equal("you@laptop");
    expect(await desk.live()).to.include({ weight: "50" });
    await desk.rollOut({ id: "v2-again", phase: "held", reason: "a person must decide" });
    await driver.release();
    await eventually(async () => ((await guard.state()).holder?.startsWith(GUARD_PREFIX) ? true : undefined), "the guard's watch");
  });

  it("leaves a promotion that has begun to move where it is, and says so in the journal once", async () => {
    const driver = desk.lease("ci@runner");
    await driver.acquire();
    await desk.setWeight("100");
    await desk.rollOut({ id: "v2-move", phase: "promoting", step: "move", weight: 100 });
    driver.abandon();
    const note = await eventually(async () => (await desk.book()).journal.find((e) => e.rollout === "v2-move"), "the note");
    expect(note).to.include({ kind: "note", step: "move" });
    await sleep(2 * LEASE_SECONDS * 1000);
    expect(await desk.live()).to.include({ weight: "100" });
    const after = await desk.book();
    expect(after.journal.filter((e) => e.rollout === "v2-move")).to.have.length(1);
    expect(after.rollbacks).to.deep.equal({ guard: 1 });
  });
});

describe("a held canary that a guard watches", function () {
  this.timeout(180_000);
  let bridge: net.Server;

  /** The sandbox's Prometheus is not in the pods' network; a socket file is in everybody's. */
  async function prometheusForPods(): Promise<string> {
    const { cluster } = await sharedCluster();
    const { core } = await kubernetes();
    const file = cluster.files.file("prometheus.sock");
    const { port } = new URL(cluster.url("prometheus"));
    bridge = net.createServer((client) => {
      const server = net.connect(Number(port), "127.0.0.1");
      client.pipe(server).pipe(client);
      for (const socket of [client, server]) socket.on("error", () => [client, server].forEach((s) => s.destroy()));
    });
    await new Promise<void>((resolve) => bridge.listen(file, resolve));
    const script = 'require("net").createServer((c) => { const s = require("net").connect(process.env.SOCKET); c.pipe(s).pipe(c); for (const x of [c, s]) x.on("error", () => { c.destroy(); s.destroy(); }); }).listen(9090)';
    new ImageTable(cluster.files).add({ bridge: { command: [process.execPath, "-e", script], tags: { v1: { SOCKET: file } } } });
    await core.createNamespacedPod({ namespace: "default", body: { metadata: { name: "bridge" }, spec: { containers: [{ name: "main", image: "bridge:v1" }] } } });
    const ip = await eventually(async () => (await core.readNamespacedPod({ name: "bridge", namespace: "default" })).status?.podIP, "the bridge");
    return `http://${ip}:9090`;
  }

  after(() => bridge?.close());

  it("is sent home when its gates fail, with the gates in the journal; one that is well stays", async () => {
    new ImageTable((await sharedCluster()).cluster.files).add(guardImages());
    const prometheus = await prometheusForPods();
    const [bad, good] = await Promise.all([guardedShop("heldbad", { prometheus }, { canary: "bad" }), guardedShop("heldgood", { prometheus })]);
    for (const { up } of [bad, good]) expect(up.code, up.output).to.equal(0);
    const loads = [bad, good].map((each) => each.background(60));
    const [badDesk, goodDesk] = [await Desk.of(bad), await Desk.of(good)];
    for (const [each, version] of [[badDesk, "bad"], [goodDesk, "v2"]] as const) {
      const driver = each.lease("ci@runner");
      await driver.acquire();
      await each.rollOut({ version, phase: "held", reason: "a person must decide" });
      await driver.release();
    }
    await eventually(badDesk.home, "the way home", 60);
    const entry = await eventually(async () => (await badDesk.book()).journal.at(-1), "the verdict");
    expect(entry).to.include({ kind: "verdict", verdict: "rollback" });
    expect(entry.gates?.filter(({ answer }) => answer === "fail").map(({ metric }) => metric)).to.include("errors");
    expect(await goodDesk.live()).to.include({ weight: "50" });
    expect((await goodDesk.lease("x").state()).holder).to.match(/^guard\//);
    await Promise.all(loads.map((load) => load.stop()));
  });
});
