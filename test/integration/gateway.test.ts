import * as fs from "node:fs";
import { expect } from "chai";
import { PatchStrategy, setHeaderOptions, type KubernetesObject } from "@kubernetes/client-node";
import { parseConfig, parseStackFile, type StackConfig } from "../../components/config";
import { clusterAccess, type KubernetesClient } from "../../driver/cluster/client";
import { isHome, liveTraffic, sendHome, stableHome } from "../../driver/cluster/traffic";
import { SANDBOX_GATEWAY } from "../../sandbox/cluster/gateway";
import { failures } from "../../sandbox/demo/load";
import type { StackValues } from "../../sandbox/demo/project";
import { sharedCluster, shopStack, type Shop } from "./harness";
import { ask, askMany, eventually, tally, type Answer } from "./requests";

const NGINX_WEIGHT = "nginx.ingress.kubernetes.io/canary-weight";
const merge = setHeaderOptions("Content-Type", PatchStrategy.MergePatch);
const httpRoute = (namespace: string) => ({ group: "gateway.networking.k8s.io", version: "v1", plural: "httproutes", namespace, name: "shop" });

interface OnRouter {
  readonly keys: StackValues;
  readonly source: string;
  readonly object: string;
  /** Sets a weight as somebody else would. */
  weigh(client: KubernetesClient, namespace: string, weight: number): Promise<unknown>;
  annotations(client: KubernetesClient, namespace: string): Promise<Record<string, string> | undefined>;
}

const ROUTERS: Readonly<Record<string, OnRouter>> = {
  "ingress-nginx": {
    keys: { router: "ingress-nginx" },
    source: "traefik",
    object: "Ingress shop-canary",
    weigh: ({ networking }, namespace, weight) => networking.patchNamespacedIngress(
      { name: "shop-canary", namespace, fieldManager: "somebody", body: { metadata: { annotations: { [NGINX_WEIGHT]: String(weight) } } } }, merge),
    annotations: async ({ networking }, namespace) => (await networking.readNamespacedIngress({ name: "shop-canary", namespace })).metadata?.annotations,
  },
  "gateway-api": {
    keys: { router: "gateway-api", gateway: SANDBOX_GATEWAY },
    source: "traefik-gateway",
    object: "HTTPRoute shop",
    weigh: ({ custom }, namespace, weight) => custom.patchNamespacedCustomObject({
      ...httpRoute(namespace), fieldManager: "somebody",
      body: [100 - weight, weight].map((value, index) => ({ op: "replace", path: `/spec/rules/2/backendRefs/${index}/weight`, value })),
    }, setHeaderOptions("Content-Type", PatchStrategy.JsonPatch)),
    annotations: async ({ custom }, namespace) => ((await custom.getNamespacedCustomObject(httpRoute(namespace))) as KubernetesObject).metadata?.annotations,
  },
};

for (const [router, { keys, source, object, weigh, annotations }] of Object.entries(ROUTERS))
  describe(`the same rollout, on ${router}`, function () {
    this.timeout(240_000);
    let shop: Shop;
    const to = (headers: Record<string, string> = {}): Promise<Answer> => ask(shop.cluster, shop.host, headers);
    const served = async (count = 60): Promise<Record<string, number>> => tally((await askMany(count, () => to())).map(({ version }) => version));
    const config = (): StackConfig => parseConfig(parseStackFile(fs.readFileSync(shop.stackFile, "utf8")));
    const access = () => clusterAccess({ kubeconfig: shop.cluster.files.kubeconfig });
    const up = async (): Promise<void> => {
      const { code, output } = await shop.pulumi("up", "--yes", "--skip-preview");
      expect(code, output).to.equal(0);
    };

    before(async () => {
      const rollout = { stages: [{ weight: 50, dwell: "3s" }, { weight: 100 }], warmUp: "0s", verifyTimeout: "30s", undoWindow: "1h" };
      const { cluster } = await sharedCluster();
      const analysis = { prometheus: cluster.url("prometheus"), source, scrapeInterval: "1s", gates: { preset: "C" } };
      shop = await shopStack(`on-${router}`, { ...keys, rollout, analysis, stable: "v1", canary: "v2" });
      await up();
    });

    it("sends a request with the canary header to the canary at weight 0, and all others to stable", async () => {
      await eventually(async () => expect((await to({ "X-Canary": "always" })).version).to.equal("v2"));
      expect(await served()).to.deep.equal({ v1: 60 });
    });

    it("serves the weight that is set by hand, as its own counters tell", async () => {
      const load = shop.background(100);
      const set = await shop.canary("traffic", "25");
      await load.stop();
      expect(set.exitCode, set.stderr).to.equal(0);
      expect(set.events.at(-1)?.message).to.match(/^Weight 25 is set and served: /);
      expect((await to({ "X-Canary": "never" })).version).to.equal("v1");
    });

    it("says in a response header who served", async () => {
      const values = [(await to({ "X-Canary": "never" })).headers["x-canary-backend"], (await to({ "X-Canary": "always" })).headers["x-canary-backend"]];
      // Annotations cannot say it for one track alone: there the app does.
      expect(values).to.deep.equal(router === "gateway-api" ? ["shop-stable", "shop-canary"] : ["v1", "v2"]);
    });

    it("tells the weight that somebody else set, and who it was", async () => {
      const [before] = await liveTraffic(access(), config());
      expect(before).to.include({ service: "shop", weight: 25, object });
      await weigh(await access()(), shop.namespace, 10);
      const [after] = await liveTraffic(access(), config());
      expect(after).to.include({ weight: 10, weightManager: "somebody" });
      expect(after?.canaryRevision).to.match(/^shop-v2-/);
      expect(after?.stableRevision).to.match(/^shop-v1-/);
    });

    it("points the stable Service at another revision by a live patch, as an undo does", async () => {
      const [live] = await liveTraffic(access(), config());
      const revisions = JSON.parse((await shop.pulumi("stack", "output", "services", "--json")).output.replace(/^[^{]*/, "")) as Record<string, { revisions: { canary: string } }>;
      await stableHome(access(), config(), { shop: revisions["shop"]!.revisions.canary }, "tried by hand");
      await eventually(async () => expect(await served()).to.deep.equal({ v2: 60 }));
      await stableHome(access(), config(), { shop: live!.stableRevision! }, "and back");
      await eventually(async () => expect(await served()).to.include.keys("v1", "v2"));
    });

    it("goes home by a live patch that says why, and a rollback records it without a conflict", async () => {
      await sendHome(access(), config(), "tried by hand");
      const [live] = await liveTraffic(access(), config());
      expect(live).to.include({ weight: 0, weightManager: "canary-driver", selectorManager: "canary-driver" });
      expect(isHome(live!)).to.equal(true);
      const client = await access()();
      const { metadata } = await client.core.readNamespacedService({ name: "shop-canary", namespace: shop.namespace });
      for (const written of [await annotations(client, shop.namespace), metadata?.annotations]) expect(written).to.include({ "canary.dev/intent": "tried by hand" });
      await eventually(async () => expect(await served()).to.deep.equal({ v1: 60 }));
      const load = shop.background(50);
      const rollback = await shop.canary("rollback", "--yes");
      await load.stop();
      expect(rollback.exitCode, rollback.stderr).to.equal(2);
      expect(await served()).to.deep.equal({ v1: 60 });
      const preview = await shop.pulumi("preview", "--refresh", "--expect-no-changes");
      expect(preview.code, preview.output).to.equal(0);
    });

    it("promotes a good version without a failed request", async () => {
      const load = shop.background(100);
      const run = await shop.canary("deploy", "v2", "--yes", "--retry");
      const counts = await load.stop();
      expect(run.exitCode, run.stderr).to.equal(0);
      expect(failures(counts), JSON.stringify(counts)).to.equal(0);
      expect(await served()).to.deep.equal({ v2: 60 });
    });

    it("sends a bad version home", async () => {
      const load = shop.background(100);
      const run = await shop.canary("deploy", "bad", "--yes");
      await load.stop();
      expect(run.exitCode, run.stderr).to.equal(2);
      expect(await served()).to.deep.equal({ v2: 60 });
    });
  });
