import * as fs from "node:fs";
import { spawn } from "node:child_process";
import * as path from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { PatchStrategy, setHeaderOptions } from "@kubernetes/client-node";
import { expect } from "chai";
import { failures } from "../../sandbox/demo/load";
import { ask, askMany, cookiesOf, tally } from "./requests";
import { leastPrivilege } from "./least-privilege";
import { kubernetes, sharedCluster, shopStack, type Shop } from "./harness";

const merge = setHeaderOptions("Content-Type", PatchStrategy.MergePatch);
const WEIGHT = "nginx.ingress.kubernetes.io/canary-weight";

/** A rollout long enough to break into. */
const LONG = { stages: [{ weight: 20, dwell: "30s" }, { weight: 100, dwell: "1s" }], warmUp: "0s", verifyTimeout: "30s", undoWindow: "1h" };
const SHORT = { ...LONG, stages: [{ weight: 50, dwell: "1s" }, { weight: 100, dwell: "1s" }] };

/** A stack with v1 installed, by an account that has the driver's role and nothing else. */
async function installed(name: string, rollout: object = LONG): Promise<Shop> {
  const { cluster } = await sharedCluster();
  const { file } = await leastPrivilege(cluster, name, ["budgets"]);
  return withV1(await shopStack(name, { rollout }), file);
}

/** The same by the administrator: one command works on two regions, whose accounts differ. */
async function region(name: string, image: string): Promise<Shop> {
  const shop = await shopStack(name, { rollout: LONG });
  shop.edit("registry.example/shop", image);
  return withV1(shop);
}

async function withV1(shop: Shop, kubeconfig?: string): Promise<Shop> {
  if (kubeconfig) shop.env.KUBECONFIG = kubeconfig;
  const install = await shop.canary("deploy", "v1");
  expect(install.exitCode, install.stderr).to.equal(0);
  return shop;
}

async function podUids(shop: Shop): Promise<string[]> {
  const { core } = await kubernetes();
  const { items } = await core.listNamespacedPod({ namespace: shop.namespace });
  return items.map((p) => `${p.metadata?.uid} ${p.status?.containerStatuses?.[0]?.restartCount}`).sort();
}

async function expectNoDrift(shop: Shop): Promise<void> {
  const preview = await shop.pulumi("preview", "--json", "--refresh");
  expect(preview.code, preview.output).to.equal(0);
  const summary = /"changeSummary": (\{[^}]*\})/.exec(preview.output)?.[1];
  expect(JSON.parse(summary ?? "{}"), preview.output.slice(-2000)).to.have.all.keys("same");
}

describe("the driver on the embedded cluster", function () {
  this.timeout(300_000);

  it("goes back to the previous revision at once: no failed request, no pod started, and the promoted version gets none any more", async () => {
    const shop = await installed("undo", SHORT);
    const load = shop.background(200);
    expect((await shop.canary("deploy", "v2", "--yes")).exitCode).to.equal(0);
    const before = await podUids(shop);
    const run = await shop.canary("undo");
    expect(run.exitCode, run.stderr).to.equal(0);
    expect(failures(await load.stop())).to.equal(0);
    expect(await podUids(shop)).to.deep.equal(before);
    expect(Object.keys(await shop.load(200))).to.deep.equal(["v1"]);
    await expectNoDrift(shop);
    const history = await shop.canary("status");
    expect(history.exitCode).to.equal(0);
    const cleaned = await shop.canary("cleanup", "--now");
    expect(cleaned.events.at(-1)?.message).to.equal("v2 is removed.");
  });

  it("respects an operator's weight 0: it raises nothing more and names who did it", async () => {
    const shop = await installed("operator", { ...LONG, stages: [{ weight: 20, dwell: "4s" }, { weight: 50, dwell: "1s" }] });
    const load = shop.background(200);
    const { networking } = await kubernetes();
    let patched: Promise<unknown> | undefined;
    const run = await shop.canaryWatched(["deploy", "v2", "--yes"], (event) => {
      if (event.event !== "split" || patched) return;
      patched = networking.patchNamespacedIngress({ name: "shop-canary", namespace: shop.namespace, fieldManager: "kubectl-patch", body: { metadata: { annotations: { [WEIGHT]: "0" } } } }, merge);
    });
    await load.stop();
    expect(run.exitCode, run.stderr).to.equal(3);
    expect(run.events.at(-1)?.message).to.match(/the live weight of Ingress shop-canary is 0 where this rollout left 20 \(changed by kubectl-patch\)/);
    const live = await networking.readNamespacedIngress({ name: "shop-canary", namespace: shop.namespace });
    expect(live.metadata?.annotations?.[WEIGHT]).to.equal("0");
    expect((await shop.canary("rollback")).exitCode).to.equal(2);
    await expectNoDrift(shop);
  });

  it("refuses a second driver by the name of the first, does what `hold` asks of it, and goes on with `resume`", async () => {
    const shop = await installed("second");
    const load = shop.background(200);
    let observing!: () => void;
    const seen = new Promise<void>((resolve) => (observing = resolve));
    const first = shop.canaryWatched(["deploy", "v2", "--yes"], (event) => event.event === "observe" && observing());
    await seen;
    const second = await shop.canary("deploy", "v3", "--yes");
    expect(second.exitCode).to.equal(4);
    expect(second.stderr).to.match(/canary deploy v2, pid \d+\) works on this stack/);
    const hold = await shop.canary("hold", "--reason", "lunch");
    expect(hold.events.at(-1)?.message).to.match(/^v2 is held by its driver at weight 20: Hold asked for by .* \(lunch\)\.$/);
    expect((await first).exitCode).to.equal(3);
    shop.edit("dwell: 30s", "dwell: 1s");
    const resumed = await shop.canary("resume", "--yes");
    await load.stop();
    expect(resumed.exitCode, JSON.stringify(resumed.events.at(-1)) + resumed.stderr).to.equal(0);
    await expectNoDrift(shop);
  });

  it("rolls back on the word of a second terminal while its first goes on running", async () => {
    const shop = await installed("terminal");
    const load = shop.background(200);
    let observing!: () => void;
    const seen = new Promise<void>((resolve) => (observing = resolve));
    const first = shop.canaryWatched(["deploy", "v2", "--yes"], (event) => event.event === "observe" && observing());
    await seen;
    const rollback = await shop.canary("rollback", "--reason", "customers call");
    expect(rollback.exitCode, rollback.stderr).to.equal(2);
    expect((await first).exitCode).to.equal(2);
    await load.stop();
    expect(Object.keys(await shop.load(200))).to.deep.equal(["v1"]);
    await expectNoDrift(shop);
  });

  it("reverts while an update of its own is in flight, and no request reaches the canary afterwards", async () => {
    const shop = await installed("inflight", { ...LONG, stages: [{ weight: 20, dwell: "1s" }, { weight: 50, dwell: "30s" }] });
    const load = shop.background(200);
    let raising = 0;
    const child = spawn(process.execPath, [path.resolve(__dirname, "../../../bin/canary.js"), "deploy", "v2", "--yes", "--json", "--stack", shop.stack, "--cwd", shop.dir], { env: shop.env, stdio: ["ignore", "pipe", "inherit"] });
    createInterface({ input: child.stdout }).on("line", (line) => {
      const event = JSON.parse(line) as { event: string; message: string };
      if (event.event === "update" && event.message.includes("weight 50") && raising++ === 0) setTimeout(() => child.kill("SIGINT"), 300);
    });
    const code = await new Promise((resolve) => child.on("close", resolve));
    expect(code).to.equal(130);
    await load.stop();
    expect(Object.keys(await shop.load(200))).to.deep.equal(["v1"]);
    await expectNoDrift(shop);
  });

  it("sends traffic home also when the rollout record cannot be written, and says so", async () => {
    const shop = await installed("unwritable");
    const load = shop.background(200);
    const { core } = await kubernetes();
    const name = `canary-${shop.stack}-rollout`;
    let frozen: Promise<unknown> | undefined;
    const first = shop.canaryWatched(["deploy", "bad", "--yes"], (event) => {
      if (event.event === "update" && event.message.includes("weight 20")) frozen ??= core.patchNamespacedConfigMap({ name, namespace: shop.namespace, body: { immutable: true } }, merge);
    });
    const run = await first;
    await load.stop();
    expect(run.exitCode, run.stderr).to.equal(2);
    expect(run.events.at(-1)?.message).to.include("The rollout record could not be written");
    expect(Object.keys(await shop.load(200))).to.deep.equal(["v1"]);
    await expectNoDrift(shop);
    await core.deleteNamespacedConfigMap({ name, namespace: shop.namespace });
    expect((await shop.canary("status")).exitCode).to.equal(0);
  });

  it("takes sessions home that stick to the canary by cookie", async () => {
    const shop = await installed("sticky");
    shop.edit("progressDeadline: 8s", "progressDeadline: 8s\n      routing: {session: {kind: cookie}}");
    const load = shop.background(200);
    const rollout = shop.canary("deploy", "v2", "--yes");
    let session = "";
    for (const deadline = Date.now() + 90_000; session === "" && Date.now() < deadline; await sleep(50)) {
      const answer = await ask(shop.cluster, shop.host);
      if (answer.version === "v2") session = cookiesOf(answer);
    }
    const stuck = await askMany(20, () => ask(shop.cluster, shop.host, { cookie: session }));
    expect(tally(stuck.map((a) => a.version))).to.deep.equal({ v2: 20 });
    expect((await shop.canary("rollback")).exitCode).to.equal(2);
    expect((await rollout).exitCode).to.equal(2);
    await load.stop();
    const home = await askMany(20, () => ask(shop.cluster, shop.host, { cookie: session }));
    expect(tally(home.map((a) => a.version))).to.deep.equal({ v1: 20 });
    await expectNoDrift(shop);
  });

  it("sends both regions home when one of them is bad", async () => {
    const [eu, us] = await Promise.all([region("eu", "registry.example/shop"), region("us", "registry.example/shop-us")]);
    const loads = [eu.background(100), us.background(100)];
    const run = await eu.canaryOn("eu,us", "deploy", "regional", "--yes");
    const counts = await Promise.all(loads.map((l) => l.stop()));
    expect(run.exitCode, JSON.stringify(run.events.slice(-6))).to.equal(2);
    expect(run.events.at(-1)?.message).to.match(/us: regional is rolled back: /).and.to.match(/eu: regional is rolled back: us is rolled back/);
    expect(counts).to.have.length(2);
    for (const shop of [eu, us]) {
      expect(Object.keys(await shop.load(100))).to.not.include("regional");
      await expectNoDrift(shop);
    }
  });

  it("waits for a locked stack with a deadline and names the owner", async () => {
    const shop = await installed("locked", { ...SHORT, lockWait: "4s" });
    const backend = new URL(shop.env.PULUMI_BACKEND_URL!).pathname;
    const folder = path.join(backend, ".pulumi", "locks", "organization", "canary", shop.stack);
    fs.mkdirSync(folder, { recursive: true });
    fs.writeFileSync(path.join(folder, "0f0f0f0f-0000-4000-8000-000000000000.json"), JSON.stringify({ pid: 4242, username: "somebody", hostname: "elsewhere", timestamp: new Date().toISOString() }));
    const run = await shop.canary("deploy", "v2", "--yes");
    expect(run.events.some((e) => e.message.includes("somebody@elsewhere (pid 4242)")), JSON.stringify(run.events) + run.stderr).to.equal(true);
    expect(run.exitCode, run.stderr).to.be.oneOf([3, 4]);
    expect(fs.readdirSync(folder)).to.have.length(1);
    fs.rmSync(folder, { recursive: true });
    await sleep(100);
    await shop.canary("rollback");
    expect(Object.keys(await shop.load(100))).to.deep.equal(["v1"]);
  });
});
