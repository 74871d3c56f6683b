import * as fs from "node:fs";
import { AuthorizationV1Api, CoreV1Api, KubeConfig, NetworkingV1Api, RbacAuthorizationV1Api } from "@kubernetes/client-node";
import { expect } from "chai";
import { ImageTable } from "../../sandbox/cluster/images";
import { GUARD_IMAGE, guardImages } from "../../sandbox/demo/images";
import { eventually, statusOf } from "./guarded";
import { kubernetes, sharedCluster, shopStack } from "./harness";
import { leastPrivilege } from "./least-privilege";

describe("a pod with a ServiceAccount", function () {
  this.timeout(60_000);

  it("finds token, certificate and namespace where Kubernetes puts them, and RBAC holds for what it asks", async () => {
    const { cluster } = await sharedCluster();
    const { core } = await kubernetes();
    const config = new KubeConfig();
    config.loadFromFile(cluster.files.kubeconfig);
    const rbac = config.makeApiClient(RbacAuthorizationV1Api);
    const namespace = "accounts";
    const script = `
      const fs = require("fs"), https = require("https"), dir = "/var/run/secrets/kubernetes.io/serviceaccount/";
      const [token, ca, namespace] = ["token", "ca.crt", "namespace"].map((f) => fs.readFileSync(dir + f, "utf8"));
      const ask = (path) => new Promise((resolve) => https.get({ host: process.env.KUBERNETES_SERVICE_HOST, port: process.env.KUBERNETES_SERVICE_PORT, path, ca, headers: { authorization: "Bearer " + token } },
        (r) => { r.resume(); resolve(r.statusCode); }).on("error", (e) => resolve(e.message)));
      Promise.all(["/pods", "/secrets"].map((p) => ask("/api/v1/namespaces/" + namespace + p)).concat(ask("/api/v1/namespaces/default/pods"), ask("/api/v1/nodes")))
        .then((seen) => { console.log(JSON.stringify({ namespace, seen })); setInterval(() => {}, 1000); });`;
    new ImageTable(cluster.files).add({ asker: { command: [process.execPath, "-e", script], tags: { v1: {} } } });
    await core.createNamespace({ body: { metadata: { name: namespace } } });
    const metadata = { name: "reader", namespace };
    await core.createNamespacedServiceAccount({ namespace, body: { metadata } });
    await rbac.createNamespacedRole({ namespace, body: { metadata, rules: [{ apiGroups: [""], resources: ["pods"], verbs: ["get", "list"] }] } });
    await rbac.createNamespacedRoleBinding({ namespace, body: { metadata, roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "Role", name: "reader" }, subjects: [{ kind: "ServiceAccount", name: "reader", namespace }] } });
    await core.createNamespacedPod({ namespace, body: { metadata: { name: "asker" }, spec: { serviceAccountName: "reader", containers: [{ name: "main", image: "asker:v1" }] } } });
    const log = cluster.files.file("logs", "pods", `${namespace}_asker_main.log`);
    const text = await eventually(async () => fs.readFileSync(log, "utf8") || undefined, "the answers");
    expect(JSON.parse(text)).to.deep.equal({ namespace, seen: [200, 403, 403, 403] });
  });
});

describe("the driver's role on the embedded cluster", function () {
  this.timeout(180_000);

  it("is enough to declare, roll out and remove a release with a guard, and for nothing beyond it", async () => {
    const { cluster } = await sharedCluster();
    new ImageTable(cluster.files).add(guardImages());
    const namespace = "least";
    const { file, config } = await leastPrivilege(cluster, namespace, ["budgets", "guard"]);
    const shop = await shopStack(namespace, { stable: "v1", guard: { image: `${GUARD_IMAGE}:v1` } });
    shop.env.KUBECONFIG = file;
    const up = await shop.pulumi("up", "--yes", "--skip-preview");
    expect(up.code, up.output).to.equal(0);
    const deployed = await shop.canary("deploy", "v404", "--yes");
    expect(deployed.exitCode, deployed.stderr).to.equal(2);
    const destroyed = await shop.pulumi("destroy", "--yes", "--skip-preview");
    expect(destroyed.code, destroyed.output).to.equal(0);

    const [core, networking, review] = [config.makeApiClient(CoreV1Api), config.makeApiClient(NetworkingV1Api), config.makeApiClient(AuthorizationV1Api)];
    const refused = {
      "list Secrets": () => core.listNamespacedSecret({ namespace }),
      "list pods elsewhere": () => core.listNamespacedPod({ namespace: "default" }),
      "list Ingresses everywhere": () => networking.listIngressForAllNamespaces(),
      "list nodes": () => core.listNode(),
      "make a namespace": () => core.createNamespace({ dryRun: "All", body: { metadata: { name: "mine" } } }),
    };
    for (const [what, call] of Object.entries(refused)) expect(await statusOf(call()), what).to.equal(403);
    const exec = await review.createSelfSubjectAccessReview({ body: { spec: { resourceAttributes: { namespace, verb: "create", resource: "pods", subresource: "exec" } } } });
    expect(exec.status?.allowed).to.equal(false);
  });
});
