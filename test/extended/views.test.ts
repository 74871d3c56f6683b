import { execFile } from "node:child_process";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { PatchStrategy, setHeaderOptions } from "@kubernetes/client-node";
import { expect } from "chai";
import { recordName, type RecordedRollout } from "../../components/record/format";
import { clusterAccess } from "../../driver/cluster/client";
import { rolloutLease } from "../../driver/record/lease";
import { recordStore } from "../../driver/record/store";
import type { Finding } from "../../driver/view/doctor/check";
import type { Note } from "../../driver/view/notes";
import type { Snapshot } from "../../driver/view/snapshot";
import { kubernetes, shopStack, type Shop } from "../integration/harness";

const WEIGHT = "nginx.ingress.kubernetes.io/canary-weight";
const VERBS = path.resolve(__dirname, "../../driver/verbs");

interface Run {
  readonly exitCode: number;
  readonly lines: readonly Record<string, unknown>[];
  readonly stderr: string;
}

/** Runs a verb in a process of its own, as its exported function; a rollback that it asks for is a line of its own. */
function run(shop: Shop, verb: string, flags: object = {}, args: readonly string[] = [], env: NodeJS.ProcessEnv = {}): Promise<Run> {
  const options = { stack: shop.stack, cwd: shop.dir, json: true, ...flags };
  const script = `
    const rollback = async (reason) => (console.log(JSON.stringify({ event: "rollback", reason })), 2);
    const args = ${JSON.stringify(args)};
    require(${JSON.stringify(path.join(VERBS, verb))}).${verb}(${JSON.stringify(options)}, ...(${JSON.stringify(verb)} === "monitor" ? [rollback] : args))
      .then((code) => process.exit(code), (error) => (console.error(error.message), process.exit(error.exitCode ?? 99)));`;
  return new Promise((resolve) => {
    execFile(process.execPath, ["-e", script], { env: { ...shop.env, ...env }, maxBuffer: 1 << 26 }, (error, stdout, stderr) =>
      resolve({ exitCode: typeof error?.code === "number" ? error.code : error ? -1 : 0, stderr, lines: stdout.split("\n").filter(Boolean).map((line) => JSON.parse(line) as Record<string, unknown>) }));
  });
}

type Status = Snapshot & { readonly notes: readonly Note[] };
const statusOf = async (shop: Shop): Promise<Status> => (await run(shop, "status")).lines[0] as unknown as Status;
const eventsOf = ({ lines }: Run, event: string): readonly Record<string, unknown>[] => lines.filter((line) => line.event === event);

describe("the verbs that look, on the embedded cluster", function () {
  this.timeout(300_000);
  let shop: Shop;

  before(async () => {
    shop = await shopStack("views", { rollout: { stages: [{ weight: 50, dwell: "4s" }, { weight: 100, dwell: "1s" }], warmUp: "0s", verifyTimeout: "30s", undoWindow: "1h" } });
    const install = await shop.canary("deploy", "v1");
    expect(install.exitCode, install.stderr).to.equal(0);
  });

  it("show a quiet stack: versions, pods, live objects and what the driver relies on", async () => {
    const status = await statusOf(shop);
    expect(status).to.deep.include({ event: "status", stack: "views", deployed: { stable: "v1", canary: "none", previous: "none", weight: 0, generation: 1 }, pending: [], unknown: [], notes: [] });
    expect(status.revisions.map(({ version, ready, desired, tracks }) => ({ version, ready, desired, tracks }))).to.deep.equal([{ version: "v1", ready: 2, desired: 2, tracks: ["stable"] }]);
    expect(status.live).to.have.length(1);
    expect(status.dependencies.map(({ name, healthy }) => `${name} ${healthy}`).sort()).to.deep.equal(["kubernetes true", "prometheus true", "pulumi true"]);
  });

  it("refuse a stack that is not there in one sentence", async () => {
    const { exitCode, stderr } = await run(shop, "status", { stack: "nowhere" });
    expect(exitCode).to.equal(64);
    expect(stderr).to.match(/Pulumi\.nowhere\.yaml cannot be read: choose another --stack/);
  });

  it("name who changed a live weight", async () => {
    const { networking } = await kubernetes();
    const patch = (weight: string, fieldManager: string) =>
      networking.patchNamespacedIngress({ name: "shop-canary", namespace: shop.namespace, fieldManager, body: { metadata: { annotations: { [WEIGHT]: weight } } } }, setHeaderOptions("Content-Type", PatchStrategy.MergePatch));
    await patch("40", "kubectl-patch");
    const [note] = (await statusOf(shop)).notes;
    await patch("0", "kubectl-patch");
    expect(note?.text).to.match(/^The live weight of Ingress shop-canary is 40 where the stack left 0 \(changed by kubectl-patch\)/);
  });

  it("foresee every step of a rollout by pulumi preview, and touch neither file nor state nor cluster", async () => {
    const { networking, core, apps } = await kubernetes();
    const at = { namespace: shop.namespace };
    const left = async () => ({
      file: fs.readFileSync(shop.stackFile, "utf8"),
      files: fs.readdirSync(shop.dir).sort(),
      state: (await shop.pulumi("stack", "export")).output,
      objects: (await Promise.all([networking.listNamespacedIngress(at), core.listNamespacedService(at), apps.listNamespacedDeployment(at), core.listNamespacedConfigMap(at)]))
        .flatMap(({ items }) => (items as { metadata?: { uid?: string; resourceVersion?: string } }[]).map(({ metadata }) => `${metadata?.uid} ${metadata?.resourceVersion}`)).sort(),
      folders: fs.readdirSync(os.tmpdir()).filter((name) => name.startsWith("canary-preview-")),
      selected: fs.readdirSync(path.join(shop.env.PULUMI_HOME!, "workspaces")).sort(),
    });
    const before = await left();
    const preview = await run(shop, "preview", {}, ["v2"]);
    expect(preview.exitCode, preview.stderr).to.equal(0);
    const steps = eventsOf(preview, "preview") as unknown as { step: string; changes: { op: string; resource: string; properties: { path: string; from: unknown; to: unknown }[] }[] }[];
    const text = steps.map(({ step, changes }) => [step, ...changes.map(({ op, resource, properties }) => [op, resource.replace(/-[0-9a-f]{8}$/, "-HASH"), ...properties.map((p) => `${p.path} ${p.from} ${p.to}`.replace(/-[0-9a-f]{8}/g, "-HASH"))].join(" "))]);
    const weight = (from: number, to: number): string => `update Ingress shop-canary metadata.annotations.canary-weight ${from} ${to}`;
    // What else a stack declares beside these is not what is at stake here.
    const main = text.map((lines) => lines.filter((line, i) => i === 0 || /Deployment|Service |Ingress/.test(line)));
    expect(main).to.deep.equal([
      ["start v2", "create Deployment shop-v2-HASH", "update Service shop-canary spec.selector.revision shop-v1-HASH shop-v2-HASH"],
      ["weight 50", weight(0, 50)],
      ["weight 100", weight(50, 100)],
      ["stable Service to v2", "update Service shop-stable spec.selector.revision shop-v1-HASH shop-v2-HASH"],
      ["weight 0, rollout closed", weight(100, 0)],
      ["v1 removed, when its undo window is over", "delete Deployment shop-v1-HASH"],
    ]);
    expect(await left()).to.deep.equal(before);
  });

  it("refuse to preview what is no version, in the parser's words", async () => {
    const { exitCode, stderr } = await run(shop, "preview", {}, ["no version"]);
    expect({ exitCode, stderr: stderr.trim() }).to.deep.equal({
      exitCode: 64,
      stderr: 'canary:canary is "no version": it must be an image tag: letters, digits, "_", ".", "-" and "+", at most 128 characters, in quotes where YAML would read a number.',
    });
  });

  it("follow a rollout to its end: phase, driver, split and gates meanwhile, and its exit code", async () => {
    const load = shop.background(100);
    const deployed = shop.canary("deploy", "v2", "--yes");
    let observing: Status | undefined;
    for (const deadline = Date.now() + 120_000; Date.now() < deadline && !observing?.seen?.gates.some(({ metric }) => metric === "errors"); await sleep(200)) {
      const status = await statusOf(shop);
      if (status.rollout?.phase === "observing") observing = status;
    }
    const watch = run(shop, "status", { watch: true, untilEnd: true });
    expect((await deployed).exitCode, (await deployed).stderr).to.equal(0);
    const followed = await watch;
    await load.stop();
    expect(observing?.rollout).to.deep.include({ version: "v2", from: "v1", stages: [50, 100] });
    expect(observing?.lease?.holder).to.match(/canary deploy/);
    expect(observing?.lease?.expired).to.equal(false);
    expect(observing?.notes).to.deep.equal([]);
    expect(observing?.revisions.map(({ version, tracks }) => `${version} ${tracks.join()}`).sort()).to.deep.equal(["v1 stable", "v2 canary"]);
    const errors = observing?.seen?.gates.find(({ metric }) => metric === "errors");
    expect(errors).to.deep.include({ limit: 0.05, unit: "share" });
    expect(followed.exitCode).to.equal(0);
    expect(followed.lines.at(-1)).to.deep.include({ event: "end", outcome: "promoted" });
    const stages = eventsOf(followed, "status").map((line) => (line as unknown as Status).rollout?.weight);
    expect(stages).to.include(100);
    expect((eventsOf(followed, "status").at(-1) as unknown as Status).undo?.version).to.equal("v1");
  });

  it("list what was rolled out, the newest first", async () => {
    const releases = (await run(shop, "history")).lines[0]?.releases as { version: string; kind: string; outcome: string; seconds: number }[];
    expect(releases.map(({ version, kind, outcome }) => `${kind} ${version} ${outcome}`)).to.deep.equal(["rollout v2 promoted", "install v1 promoted"]);
    expect(releases[0]?.seconds).to.be.above(0);
    expect(((await run(shop, "history", { limit: 1 })).lines[0]?.releases as unknown[]).length).to.equal(1);
  });

  it("find nothing to mend where nothing is wrong", async () => {
    await shop.load(100);
    const doctor = await run(shop, "doctor");
    const findings = doctor.lines[0]?.findings as Finding[];
    expect(findings.filter(({ health }) => health !== "ok").map(({ check, sentence }) => `${check}: ${sentence}`)).to.deep.equal(["guard: The stack declares no guard: when a driver dies, its rollout waits for the next command."]);
    expect(doctor.exitCode).to.equal(0);
    expect(findings.length).to.be.at.least(18);
  });

  it("find what is wrong, each by itself: a lock whose owner is dead, a dead Prometheus, a class that nobody serves", async () => {
    const locks = path.join(fileURLToPath(shop.env.PULUMI_BACKEND_URL!), ".pulumi", "locks", "organization", "canary", shop.stack);
    fs.mkdirSync(locks, { recursive: true });
    fs.writeFileSync(path.join(locks, "left.json"), JSON.stringify({ pid: 4_194_304, username: "ci", hostname: os.hostname(), timestamp: new Date().toISOString() }));
    const file = fs.readFileSync(shop.stackFile, "utf8");
    shop.edit("canary:namespace:", "canary:ingressClass: nobody\n  canary:namespace:");
    try {
      const doctor = await run(shop, "doctor", {}, [], { PROMETHEUS_URL: "http://127.0.0.1:1" });
      expect(doctor.exitCode).to.equal(1);
      const failed = (doctor.lines[0]?.findings as Finding[]).filter(({ health }) => health === "fail").map(({ check, sentence }) => `${check}: ${sentence}`);
      expect(failed).to.have.length(5);
      expect(failed[0]).to.match(/^lock: The stack is locked for \d+ s by ci@\S+ \(pid 4194304\), whose process is gone\.$/);
      expect(failed.slice(1)).to.deep.equal([
        "router: There is no IngressClass nobody: no controller takes the Ingresses up.",
        "services: Ingress shop-stable has the class nginx where the stack says nobody.",
        "services: Ingress shop-canary has the class nginx where the stack says nobody.",
        "prometheus: http://127.0.0.1:1 cannot be reached: ECONNREFUSED.",
      ]);
    } finally {
      fs.rmSync(locks, { recursive: true });
      fs.writeFileSync(shop.stackFile, file);
    }
  });

  it("say how a rollout goes on whose driver died", async () => {
    const access = clusterAccess({ kubeconfig: shop.cluster.files.kubeconfig });
    const name = recordName("canary", shop.stack);
    const store = recordStore(access, shop.namespace, name);
    const now = new Date().toISOString();
    const rollout: RecordedRollout = { id: "v3-dead", version: "v3", from: "v2", phase: "observing", stage: 0, stages: [50, 100], weight: 50, startedAt: now, since: now };
    const lease = rolloutLease({ access, namespace: shop.namespace, name, holder: "ci@gone (pid 42)", seconds: 1 });
    await store.update((book) => ({ ...book, record: { ...book.record!, rollout } }));
    await lease.acquire();
    lease.abandon();
    try {
      let status = await statusOf(shop);
      for (const deadline = Date.now() + 30_000; Date.now() < deadline && !status.lease?.expired; await sleep(500)) status = await statusOf(shop);
      expect(status.notes[0]).to.deep.include({ level: "bad" });
      expect(status.notes[0]?.text).to.match(/^The rollout of v3 is unfinished \(observing\)\. Its driver, ci@gone \(pid 42\), has said nothing for \d+ s and its Lease has run out: go on with `canary resume`, or send all traffic home with `canary rollback`\.$/);
      const lost = ((await run(shop, "doctor")).lines[0]?.findings as Finding[]).find(({ check }) => check === "lease");
      expect(lost).to.deep.include({ health: "fail" });
    } finally {
      await store.update(({ record, ...book }) => {
        const { rollout: _, ...rest } = record!;
        return { ...book, record: rest };
      });
      await rolloutLease({ access, namespace: shop.namespace, name, holder: "ci@gone (pid 42)", seconds: 1 }).release();
    }
  });

  it("watch a canary that fails: an alert with its numbers, and the rollback that was asked for", async () => {
    shop.edit(/canary:weight: \d+/, "canary:weight: 50\n  canary:canary: bad");
    shop.edit(/canary:generation: (\d+)/, "canary:generation: 50");
    const up = await shop.pulumi("up", "--yes", "--skip-preview");
    expect(up.code, up.output).to.equal(0);
    const load = shop.background(100);
    const [alerting, reverting] = await Promise.all([run(shop, "monitor", { duration: 20, alertOnError: true }), run(shop, "monitor", { duration: 60, autoRollback: true })]);
    await load.stop();
    expect(alerting.exitCode, alerting.stderr).to.equal(1);
    const [alert] = eventsOf(alerting, "alert");
    expect(alert).to.deep.include({ service: "shop", track: "canary", version: "bad", what: "errors", limit: 0.05 });
    expect(alert?.value).to.be.within(0.06, 0.5);
    expect(reverting.exitCode, reverting.stderr).to.equal(2);
    expect(eventsOf(reverting, "rollback")[0]?.reason).to.match(/^canary monitor: shop: .* requests failed in .*, where 5 % may/);
    expect(reverting.lines.at(-1)).to.deep.include({ event: "end", breached: true });
  });

  it("do not take missing data for health", async () => {
    const blind = await run(shop, "monitor", { duration: 4, interval: 1, alertOnError: true, autoRollback: true }, [], { PROMETHEUS_URL: "http://127.0.0.1:1" });
    expect(blind.exitCode, blind.stderr).to.equal(1);
    expect(eventsOf(blind, "alert").concat(eventsOf(blind, "rollback"))).to.deep.equal([]);
    const looks = eventsOf(blind, "look") as unknown as { services: { missing?: string }[] }[];
    expect(looks.every(({ services }) => services[0]?.missing?.includes("cannot be reached: ECONNREFUSED"))).to.equal(true);
    expect(blind.lines.at(-1)?.message).to.match(/^Nothing could be measured, which is no health; \d looks, \d of them without data\.$/);
  });
});
