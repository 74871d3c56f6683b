import { expect } from "chai";
import { AutoscalingV2Api, KubeConfig, KubernetesObjectApi, NodeV1Api, PatchStrategy, type KubernetesObject, type V1Deployment } from "@kubernetes/client-node";
import * as pulumi from "@pulumi/pulumi";
import * as fs from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { editStackFile, type StackEdit } from "../../components/config";
import { declare, stack, type Declared, type Raw } from "../unit/components/declare";
import { EVERY_OPTION, EVERY_OPTION_AUTOSCALED } from "../unit/components/every-option";
import { SHOP_IMAGE } from "../../sandbox/demo/images";
import { kubernetes, sharedCluster, shopStack, type Shop } from "./harness";

const RESTRICTED = { "pod-security.kubernetes.io/enforce": "restricted" };
const REQUESTS = { requests: { cpu: "50m" } };
const service = (name: string, workload: Raw): Raw =>
  ({ shop: { image: SHOP_IMAGE, port: 8080, hosts: [`${name}.example`], workload: { drain: "0s", progressDeadline: "20s", terminationGrace: "2s", ...workload } } });

async function configOf(): Promise<KubeConfig> {
  const config = new KubeConfig();
  config.loadFromFile((await sharedCluster()).cluster.files.kubeconfig);
  return config;
}

async function up(shop: Shop): Promise<void> {
  const { code, output } = await shop.pulumi("up", "--yes", "--skip-preview");
  expect(code, output).to.equal(0);
}

/** Changes the rollout keys and updates the stack. */
async function upWith(shop: Shop, edit: StackEdit): Promise<void> {
  fs.writeFileSync(shop.stackFile, editStackFile(fs.readFileSync(shop.stackFile, "utf8"), edit));
  await up(shop);
}

async function deploymentOf(shop: Shop, version: string): Promise<V1Deployment> {
  const { apps } = await kubernetes();
  const { items } = await apps.listNamespacedDeployment({ namespace: shop.namespace, labelSelector: `app.kubernetes.io/version=${version}` });
  expect(items).to.have.length(1);
  return items[0]!;
}

/** Writes the number of pods as an autoscaler does. */
async function scale(shop: Shop, version: string, replicas: number): Promise<void> {
  const { apps } = await kubernetes();
  const key = { name: (await deploymentOf(shop, version)).metadata!.name!, namespace: shop.namespace };
  const now = await apps.readNamespacedDeploymentScale(key);
  await apps.replaceNamespacedDeploymentScale({ ...key, body: { ...now, spec: { replicas } }, fieldManager: "some-autoscaler" });
}

const replicasOf = async (shop: Shop, version: string): Promise<number | undefined> => (await deploymentOf(shop, version)).spec?.replicas;

async function until<T>(read: () => Promise<T>, wanted: T, seconds: number): Promise<T> {
  const deadline = Date.now() + seconds * 1000;
  let value = await read();
  for (; value !== wanted && Date.now() < deadline; value = await read()) await sleep(500);
  return value;
}

/** A declared object as the API server gets it: the mocks mark what is secret, and Pulumi takes the mark away. */
const objectOf = ({ inputs }: Declared): KubernetesObject & { spec?: any } =>
  JSON.parse(JSON.stringify(inputs, (_, value: unknown) => (pulumi.runtime.isRpcSecret(value) ? (value as { value: unknown }).value : value)));

describe("the pods of a release in a namespace that enforces restricted pod security", function () {
  this.timeout(120_000);
  let objects: KubernetesObjectApi;

  before(async () => {
    const { core } = await kubernetes();
    const config = await configOf();
    objects = KubernetesObjectApi.makeApiClient(config);
    await core.createNamespace({ body: { metadata: { name: "restricted", labels: RESTRICTED } } });
    // The admission of pods wants to find their account, and what their runtime class costs.
    await core.createNamespacedServiceAccount({ namespace: "restricted", body: { metadata: { name: "shop-account" } } });
    await config.makeApiClient(NodeV1Api).createRuntimeClass({ body: { metadata: { name: "gvisor" }, handler: "runsc" } });
  });

  /** Applies it, as Pulumi does, without a trace. */
  const dryRun = (object: KubernetesObject): Promise<unknown> =>
    objects.patch({ ...object, metadata: { ...object.metadata, namespace: "restricted" } }, undefined, "All", "test", true, PatchStrategy.ServerSideApply);

  /** What the API server says against the objects of a stack, and against the pods of its Deployments. */
  async function refusals(workload: Raw): Promise<string[]> {
    const keys: Raw = { namespace: "restricted", createNamespace: false, services: service("restricted", workload), canary: "v2", weight: 50, previous: "v0" };
    const { resources } = await declare(stack(keys));
    const declared = resources.filter(({ type }) => type.startsWith("kubernetes:")).map(objectOf);
    const pods = declared.filter(({ kind }) => kind === "Deployment").map(({ metadata, spec }) => ({ apiVersion: "v1", kind: "Pod", ...spec.template, metadata: { ...spec.template.metadata, name: metadata!.name } }));
    expect(pods).to.have.length(3);
    const said = await Promise.all([...declared, ...pods].map((object) => dryRun(object).then(() => [], (error: Error) => [`${object.kind} ${object.metadata?.name}: ${error.message}`])));
    return said.flat();
  }

  it("are accepted by a dry run with the defaults, with every option at once, and with every option of an autoscaler", async () => {
    expect(await refusals({})).to.deep.equal([]);
    expect(await refusals(EVERY_OPTION)).to.deep.equal([]);
    expect(await refusals(EVERY_OPTION_AUTOSCALED)).to.deep.equal([]);
  });

  it("are refused where a key opts out, so that the acceptance means something", async () => {
    for (const security of [{ allowPrivilegeEscalation: true }, { runAsNonRoot: false }, { seccomp: "Unconfined" }, { capabilities: ["SYS_PTRACE"] }]) {
      const said = await refusals({ security });
      expect(said, JSON.stringify(security)).to.have.length(3);
      expect(said[0]).to.match(/violates PodSecurity \W*restricted/);
    }
  });

  it("run there", async () => {
    const { core } = await kubernetes();
    await core.createNamespace({ body: { metadata: { name: "restricted-run", labels: RESTRICTED } } });
    const shop = await shopStack("restricted-run", { stable: "v1", createNamespace: false });
    await up(shop);
    expect((await deploymentOf(shop, "v1")).status?.readyReplicas).to.equal(2);
  });
});

describe("an autoscaled release on the embedded cluster", function () {
  this.timeout(180_000);
  let shop: Shop;

  before(async () => {
    shop = await shopStack("autoscaled", { stable: "v1", services: service("autoscaled", { autoscale: { min: 2, max: 6 }, resources: REQUESTS }) });
    await up(shop);
  });

  it("starts with the autoscaler's least pods", async () => expect((await deploymentOf(shop, "v1")).status?.readyReplicas).to.equal(2));

  it("is not fought over: a number written through the scale subresource stays, and `pulumi up` finds nothing to change", async () => {
    await scale(shop, "v1", 4);
    for (const flags of [[], ["--refresh"]]) {
      const preview = await shop.pulumi("preview", "--expect-no-changes", ...flags);
      expect(preview.code, preview.output).to.equal(0);
      const update = await shop.pulumi("up", "--yes", "--skip-preview", ...flags);
      expect(update.code, update.output).to.equal(0);
      expect(update.output).to.not.match(/\d+ (created|updated|replaced|deleted)/);
      expect(await replicasOf(shop, "v1")).to.equal(4);
    }
  });

  it("keeps stable's floor in a rollout, and gives the canary as many pods before it gets traffic", async () => {
    await upWith(shop, { stable: { version: "v1", services: { shop: { floor: 4 } } }, canary: "v2" });
    expect((await deploymentOf(shop, "v2")).status?.readyReplicas).to.equal(4);
    const { items } = await (await configOf()).makeApiClient(AutoscalingV2Api).listNamespacedHorizontalPodAutoscaler({ namespace: shop.namespace });
    expect(items.map(({ spec }) => [spec?.minReplicas, spec?.maxReplicas])).to.deep.equal([[4, 6], [4, 6]]);
    await scale(shop, "v1", 2);
    expect(await until(() => replicasOf(shop, "v1"), 4, 60)).to.equal(4);
  });

  it("goes back to the stack's number when the autoscaler is taken away and the stack refreshed", async () => {
    shop.edit(/autoscale:\s+min: 2\s+max: 6/, "replicas: 3");
    await upWith(shop, { stable: "v1", canary: null });
    const { items } = await (await configOf()).makeApiClient(AutoscalingV2Api).listNamespacedHorizontalPodAutoscaler({ namespace: shop.namespace });
    expect(items).to.deep.equal([]);
    // It lived until the end of the update, and its last word may have come after the stack's.
    await scale(shop, "v1", 5);
    const refreshed = await shop.pulumi("up", "--yes", "--skip-preview", "--refresh");
    expect(refreshed.code, refreshed.output).to.equal(0);
    expect(await replicasOf(shop, "v1")).to.equal(3);
  });
});

describe("a canary in proportion to its weight on the embedded cluster", function () {
  this.timeout(180_000);
  const canary = { version: "v1", config: { app: { VERSION: "second" } } };
  let shop: Shop;

  before(async () => {
    const workload = { replicas: 4, canarySize: "proportional", config: { app: { VERSION: "unnamed" } }, envFrom: [{ config: "app" }] };
    shop = await shopStack("proportional", { stable: { version: "v1", config: { app: { VERSION: "first" } } }, canary, services: service("proportional", workload) });
    await up(shop);
  });

  /** The two revisions of v1, told apart by their ConfigMaps. */
  async function revisions(): Promise<Record<string, V1Deployment>> {
    const { apps, core } = await kubernetes();
    const { items } = await apps.listNamespacedDeployment({ namespace: shop.namespace });
    const entries = await Promise.all(items.map(async (deployment) =>
      [(await core.readNamespacedConfigMap({ name: `${deployment.metadata!.name}-app`, namespace: shop.namespace })).data!["VERSION"]!, deployment] as const));
    return Object.fromEntries(entries);
  }
  const served = async (headers?: Record<string, string>): Promise<string> => Object.keys(await shop.load(20, 100, headers)).join();

  it("has one pod at weight 0, with its own ConfigMap", async () => {
    const { first, second } = await revisions();
    expect([first?.status?.readyReplicas, second?.status?.readyReplicas]).to.deep.equal([4, 1]);
    expect(await until(() => served({ "X-Canary": "always" }), "second", 20)).to.equal("second");
    expect(await served()).to.equal("first");
  });

  it("has all its pods ready before the Ingress raises its weight, in one update", async () => {
    await upWith(shop, { weight: 75 });
    const { networking, core } = await kubernetes();
    const { second } = await revisions();
    expect(second?.status?.readyReplicas).to.equal(3);
    const { items } = await core.listNamespacedPod({ namespace: shop.namespace, labelSelector: `canary.dev/revision=${second!.metadata!.name}` });
    const ready = items.map(({ status }) => status!.conditions!.find(({ type }) => type === "Ready")!.lastTransitionTime!.getTime());
    const ingress = await networking.readNamespacedIngress({ name: "shop-canary", namespace: shop.namespace });
    const written = ingress.metadata!.managedFields!.filter(({ manager }) => manager?.startsWith("pulumi")).map(({ time }) => time!.getTime());
    expect(Math.max(...ready)).to.be.at.most(Math.max(...written));
  });

  it("keeps its pods in the update that lowers the weight, by the floor, and loses them in the next", async () => {
    await upWith(shop, { canary: { ...canary, services: { shop: { floor: 3 } } }, weight: 5 });
    expect((await revisions())["second"]?.spec?.replicas).to.equal(3);
    await upWith(shop, { canary });
    expect((await revisions())["second"]?.spec?.replicas).to.equal(1);
  });

  it("takes its ConfigMap along when it is removed", async () => {
    await upWith(shop, { canary: null, weight: 0 });
    expect(Object.keys(await revisions())).to.deep.equal(["first"]);
    const { items } = await (await kubernetes()).core.listNamespacedConfigMap({ namespace: shop.namespace, labelSelector: "app.kubernetes.io/managed-by=pulumi" });
    expect(items).to.have.length(1);
  });
});
