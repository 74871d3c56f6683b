import * as fs from "node:fs";
import * as path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { expect } from "chai";
import type * as Automation from "@pulumi/pulumi/automation";
import { recordName, type RecordedRollout, type RolloutRecord } from "../../components/record/format";
import { clusterAccess } from "../../driver/cluster/client";
import { rolloutLease, type Lease } from "../../driver/record/lease";
import { recordStore } from "../../driver/record/store";
import { kubernetes, shopStack, type Shop } from "./harness";

/** Stack files as branches keep them: before a promotion, and after it. */
const OLD = "canary:stable: v1 # old\n  canary:weight: 0\n  canary:generation: 3";
const NEW = "canary:stable: v2 # old\n  canary:weight: 0\n  canary:previous: v1\n  canary:generation: 7";
const record: RolloutRecord = { format: 1, stack: "stale", generation: 7, keys: { stable: "v2", previous: "v1", weight: 0 } };
const rollout: RecordedRollout = { id: "v3-1", version: "v3", from: "v2", phase: "observing", stage: 0, stages: [5, 100], weight: 5, startedAt: "2026-01-01T00:00:00Z", since: "2026-01-01T00:00:00Z" };

const STALE = "Pulumi.stale.yaml is older than the rollout record (generation 3, the record has 7: v2 stable) and would undo what the driver did: " +
  "run `canary sync --stack stale` to write the record into the file, or set canary:force: true to override once.";

describe("a stale stack file on the embedded cluster", function () {
  this.timeout(300_000);
  let shop: Shop;
  let text: string;

  const write = (keys: string): void => fs.writeFileSync(shop.stackFile, text.replace("KEYS", keys));
  const at = () => ({ access: clusterAccess({ kubeconfig: shop.cluster.files.kubeconfig }), namespace: shop.namespace, name: recordName("canary", shop.stack) });
  const recorded = async (change: Partial<RolloutRecord> = {}): Promise<void> => {
    const { access, namespace, name } = at();
    await recordStore(access, namespace, name).update((book) => ({ ...book, record: { ...record, ...change } }));
  };
  const leaseOf = (holder: string): Lease => rolloutLease({ ...at(), holder, seconds: 1 });
  /** All errors of a Pulumi command, as its diagnostics list them. */
  const errors = (output: string): string[] => [...output.slice(output.indexOf("Diagnostics:")).matchAll(/^ {4}error: (.*)$/gm)].map((m) => m[1]!);
  const preview = async (): Promise<{ code: number; errors: string[]; output: string }> => {
    const { code, output } = await shop.pulumi("preview");
    return { code, errors: errors(output), output };
  };
  const versions = async (): Promise<string[]> => {
    const { core } = await kubernetes();
    const services = await core.listNamespacedService({ namespace: shop.namespace });
    return services.items.map((s) => `${s.metadata?.name} ${s.metadata?.resourceVersion} ${s.spec?.selector?.["canary.dev/revision"]}`);
  };

  before(async () => {
    shop = await shopStack("stale", { stable: "v1" });
    text = fs.readFileSync(shop.stackFile, "utf8").replace(/^ +canary:weight: .*\n/m, "").replace("canary:stable: v1", "KEYS");
    for (const keys of [OLD, NEW]) {
      write(keys);
      const up = await shop.pulumi("up", "--yes", "--skip-preview");
      expect(up.code, up.output).to.equal(0);
    }
    await recorded();
  });
  beforeEach(() => write(OLD));

  it("fails the preview with the remedy in one sentence, and an update before it has changed anything", async () => {
    const before = await versions();
    const { code, errors: said, output } = await preview();
    expect(said).to.deep.equal([STALE]);
    expect(code).to.not.equal(0);
    expect(output).to.not.match(/\n\s+at .*:\d+:\d+/);
    const up = await shop.pulumi("up", "--yes", "--skip-preview");
    expect(up.code).to.not.equal(0);
    expect(errors(up.output)).to.deep.equal([STALE]);
    expect(await versions()).to.deep.equal(before);
    expect(JSON.parse((await shop.pulumi("stack", "output", "--json")).output)).to.include({ stable: "v2", generation: 7 });
  });

  it("is told once by the Automation API too", async () => {
    const { LocalWorkspace } = require("@pulumi/pulumi/automation") as typeof Automation;
    const program = require("../../index") as Automation.PulumiFn;
    const before = { ...process.env };
    Object.assign(process.env, shop.env);
    try {
      const stack = await LocalWorkspace.selectStack({ stackName: shop.stack, projectName: "canary", program }, { workDir: shop.dir });
      let output = "";
      const failed = await stack.preview({ color: "never", onOutput: (part) => (output += part) }).then(() => undefined, (cause: Error) => cause);
      expect(failed).to.be.an("error");
      expect(errors(output)).to.deep.equal([STALE]);
    } finally {
      for (const key of Object.keys(process.env)) if (!(key in before)) delete process.env[key];
      Object.assign(process.env, before);
    }
  });

  it("passes with canary:force, which is warned of", async () => {
    write(`${OLD}\n  canary:force: true`);
    const { code, output } = await preview();
    expect(code, output).to.equal(0);
    expect(output).to.include("warning: canary:force is true: Pulumi.stale.yaml is deployed whatever the rollout record says");
  });

  it("is brought up to date by `canary sync`, comments kept and canary:force removed; then nothing is left to change", async () => {
    write(`${OLD}\n  canary:force: true`);
    const sync = await shop.canary("sync", "--commit");
    expect(sync.exitCode, sync.stderr).to.equal(0);
    expect(sync.events.map((e) => e.message)).to.deep.equal([
      "canary:stable v1 → v2", "canary:previous none → v1", "canary:generation 3 → 7", "canary:force removed",
      "Pulumi.stale.yaml is not committed: it is in no git repository.",
      "Pulumi.stale.yaml is up to date: v2 stable, generation 7.",
    ]);
    expect(fs.readFileSync(shop.stackFile, "utf8")).to.equal(text.replace("KEYS", NEW));
    const { code, output } = await preview();
    expect(code, output).to.equal(0);
    expect(output).to.match(/\d+ unchanged/).and.not.match(/to (create|update|delete|replace)|warning: .*record/);
    expect((await shop.canary("sync")).events.map((e) => e.message)).to.deep.equal(["Pulumi.stale.yaml was up to date: v2 stable, generation 7; nothing is changed."]);
  });

  it("that was edited by hand is not overwritten by `canary sync`", async () => {
    const edited = NEW.replace("generation: 7", "generation: 8").replace("previous: v1", "previous: v0");
    write(edited);
    const sync = await shop.canary("sync");
    expect(sync.exitCode).to.equal(64);
    expect(sync.stderr).to.equal("canary: Pulumi.stale.yaml is newer than the rollout record (generation 8, 7) and differs from it (previous v1 → v0): deploy it with `pulumi up`, or take the edit back; nothing is written.\n");
    expect(fs.readFileSync(shop.stackFile, "utf8")).to.equal(text.replace("KEYS", edited));
  });

  it("and one of the same age, is refused while another driver's rollout runs, and passes when that driver is dead", async () => {
    const lease = leaseOf("ci@elsewhere (pid 4)");
    const renewing = setInterval(() => void lease.confirm().catch(() => undefined), 300);
    try {
      await recorded({ rollout });
      await lease.acquire();
      write(NEW);
      expect((await preview()).errors).to.deep.equal([
        "A rollout of v3 is under way at weight 5, driven by ci@elsewhere (pid 4): wait for its end, stop it with `canary hold --stack stale` or `canary rollback --stack stale`, or set canary:force: true to override once.",
      ]);
      const sync = await shop.canary("sync");
      expect([sync.exitCode, sync.stderr]).to.deep.equal([4, "canary: A rollout of v3 is under way at weight 5, driven by ci@elsewhere (pid 4): run `canary sync` when it has ended; nothing is written.\n"]);
    } finally {
      clearInterval(renewing);
      lease.abandon();
    }
    while (!(await lease.state()).expired) await sleep(200);
    const dead = await preview();
    expect(dead.code, dead.output).to.equal(0);
    await recorded();
  });

  it("is not judged by a record that nobody can read, which fails with its own sentence", async () => {
    const { core } = await kubernetes();
    const { name, namespace } = at();
    const map = await core.readNamespacedConfigMap({ name, namespace });
    await core.replaceNamespacedConfigMap({ name, namespace, body: { ...map, data: { ...map.data, "record.json": "{" } } });
    try {
      expect((await preview()).errors).to.deep.equal([
        `The rollout record, ConfigMap ${name} in namespace ${namespace}, cannot be read (its key record.json is no JSON): delete it if nobody needs it, the stack's state is enough to go on.`,
      ]);
      await core.deleteNamespacedConfigMap({ name, namespace });
      const without = await preview();
      expect(without.code, without.output).to.equal(0);
      expect(without.output).to.include(`warning: Pulumi.stale.yaml has generation 3, but there is no rollout record (ConfigMap ${name}) in namespace ${namespace}: whether the file is the latest is not known.`);
    } finally {
      await core.deleteNamespacedConfigMap({ name, namespace }).catch(() => undefined);
      await recorded();
    }
  });

  it("is let through with a warning where the cluster cannot be asked", async () => {
    const kubeconfig = path.join(shop.dir, "deaf.yaml");
    fs.writeFileSync(kubeconfig, fs.readFileSync(shop.cluster.files.kubeconfig, "utf8").replace(/(server: https:\/\/127\.0\.0\.1):\d+/, "$1:1"));
    write(`${OLD}\n  kubernetes:kubeconfig: ${kubeconfig}`);
    const { output } = await preview();
    expect(output).to.match(/warning: Whether Pulumi\.stale\.yaml is older than the rollout record is not known \(.*ECONNREFUSED.*\): going on without that check\./);
    expect(output).to.not.include("would undo");
  });
});
