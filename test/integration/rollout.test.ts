import { expect } from "chai";
import type { Snapshot } from "../../driver/view/snapshot";
import { failures } from "../../sandbox/demo/load";
import { leastPrivilege } from "./least-privilege";
import { kubernetes, sharedCluster, shopStack, type Shop } from "./harness";

/** uid and restarts of every pod of a version. */
async function podsOf(shop: Shop, version: string): Promise<string[]> {
  const { core } = await kubernetes();
  const { items } = await core.listNamespacedPod({ namespace: shop.namespace, labelSelector: `app.kubernetes.io/version=${version}` });
  return items.map((p) => `${p.metadata?.uid} ${p.status?.containerStatuses?.[0]?.restartCount}`).sort();
}

describe("a rollout on the embedded cluster", function () {
  this.timeout(180_000);
  let shop: Shop;

  before(async () => {
    // What it may do is the driver's role and no more.
    const { file } = await leastPrivilege((await sharedCluster()).cluster, "rollout", ["budgets"]);
    shop = await shopStack("rollout");
    shop.env.KUBECONFIG = file;
    const install = await shop.canary("deploy", "v1");
    expect(install.exitCode, install.stderr).to.equal(0);
  });

  it("reverts an image that does not exist and says so in one sentence", async () => {
    const run = await shop.canary("deploy", "v404", "--yes");
    expect(run.exitCode).to.equal(2);
    expect(run.events.at(-1)?.message).to.equal("v404 never got traffic and is removed: its pods are not ready: the image registry.example/shop:v404 cannot be pulled (ImagePullBackOff).");
    expect(await podsOf(shop, "v404")).to.deep.equal([]);
  });

  it("reverts a canary whose pods never become ready and says so in one sentence", async () => {
    const run = await shop.canary("deploy", "sick", "--yes");
    expect(run.exitCode).to.equal(2);
    expect(run.events.at(-1)?.message).to.match(/^sick never got traffic and is removed: its pods are not ready: pod shop-sick-\S+ runs but its readiness probe does not succeed\.$/);
    expect(await podsOf(shop, "sick")).to.deep.equal([]);
  });

  it("reverts a version that fails a fifth of its requests, and leaves stable as the only one that is served", async () => {
    const load = shop.background(200);
    const run = await shop.canary("deploy", "bad", "--yes");
    expect(run.exitCode, run.stderr).to.equal(2);
    expect(run.events.at(-1)).to.include({ outcome: "rolled-back" });
    expect(run.events.at(-1)?.message).to.match(/^bad is rolled back: errors: /);
    await load.stop();
    expect(Object.keys(await shop.load(200))).to.deep.equal(["v1"]);
    const status = await shop.canary("status");
    // The stack, its file and its record are of one generation.
    const { deployed, wanted, recorded } = status.events[0] as unknown as Pick<Snapshot, "deployed" | "wanted" | "recorded">;
    expect(deployed).to.deep.equal({ stable: "v1", canary: "none", previous: "none", weight: 0, generation: recorded });
    expect(wanted).to.deep.equal(deployed);
  });

  it("holds a rollout that nobody sends requests to, with exit code 3 and traffic where it was", async () => {
    const quiet = await shopStack("quiet", { rollout: { stages: [{ weight: 50, dwell: "1s" }], warmUp: "0s", verifyTimeout: "6s" }, stable: "v1" });
    expect((await quiet.pulumi("up", "--yes", "--skip-preview")).code).to.equal(0);
    const run = await quiet.canary("deploy", "v2", "--yes");
    expect(run.exitCode, run.stderr).to.equal(3);
    expect(run.events.at(-1)?.message).to.match(/^v2 is held at weight 50: (Too few requests to verify the split|The split could not be verified, there is no data): /);
    const again = await quiet.canary("deploy", "v1", "--yes");
    expect(again.exitCode).to.equal(4);
    expect((await quiet.canary("rollback")).exitCode).to.equal(2);
  });

  it("promotes a good version without a failed request and without starting or restarting a pod on the way", async () => {
    const load = shop.background(200);
    let before: Promise<string[]> | undefined;
    const run = await shop.canaryWatched(["deploy", "v2", "--yes"], (event) => {
      if (event.event === "promote") before = podsOf(shop, "v2");
    });
    expect(run.exitCode, run.stderr).to.equal(0);
    const counts = await load.stop();
    expect(failures(counts), JSON.stringify(counts)).to.equal(0);
    const pods = await before;
    expect(pods?.map((p) => p.split(" ")[1])).to.deep.equal(["0", "0"]);
    expect(Object.keys(await shop.load(200))).to.deep.equal(["v2"]);
    expect(await podsOf(shop, "v2")).to.deep.equal(pods);
  });
});
