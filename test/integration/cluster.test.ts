import { spawn } from "node:child_process";
import * as fs from "node:fs";
import * as path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { expect } from "chai";
import type { V1Container, V1Pod, V1Volume } from "@kubernetes/client-node";
import { clusterNames } from "../../sandbox/cluster/control";
import { ImageTable } from "../../sandbox/cluster/images";
import { upCluster } from "../../sandbox/cluster/launch";
import { demoImages } from "../../sandbox/demo/images";
import { startTimeOf } from "../../sandbox/processes";
import { kubernetes, sharedCluster } from "./harness";

const NAMESPACE = "default";

/** Polls until a value is there; fails with what was last seen. */
async function eventually<T>(look: () => Promise<T | undefined>, what: string, seconds = 30): Promise<T> {
  for (const deadline = Date.now() + seconds * 1000; Date.now() < deadline; await sleep(100)) {
    const seen = await look().catch(() => undefined);
    if (seen !== undefined) return seen;
  }
  throw new Error(`${what} did not happen within ${seconds} s`);
}

async function runPod(name: string, container: Omit<V1Container, "name">, volumes?: V1Volume[]): Promise<() => Promise<V1Pod>> {
  const { core } = await kubernetes();
  await core.createNamespacedPod({ namespace: NAMESPACE, body: { metadata: { name }, spec: { containers: [{ name: "main", ...container }], volumes } } });
  return () => core.readNamespacedPod({ name, namespace: NAMESPACE });
}

const mainOf = (pod: V1Pod) => pod.status?.containerStatuses?.[0];

/** Command lines of the processes that mention a text there or in their environment: a Pulumi plugin is told apart by the latter only. */
const processesWith = (text: string): string[] =>
  fs.readdirSync("/proc").filter((f) => /^\d+$/.test(f) && Number(f) !== process.pid).flatMap((pid) => {
    try {
      const line = fs.readFileSync(`/proc/${pid}/cmdline`, "utf8");
      const environment = fs.readFileSync(`/proc/${pid}/environ`, "utf8");
      return line.includes(text) || environment.includes(text) ? [line.replaceAll("\0", " ")] : [];
    } catch {
      return [];
    }
  });

describe("the embedded cluster's node agent", function () {
  this.timeout(60_000);

  before(async () => {
    const { cluster } = await sharedCluster();
    const sh = (script: string) => ({ command: ["sh", "-c", script], tags: { v1: {} } });
    new ImageTable(cluster.files).add({ crash: sh("sleep 0.3; exit 3"), sleeper: sh("sleep 1000 & sleep 1001"), sh: { command: ["sh", "-c"], tags: { v1: {} } }, envy: sh('echo "$GREETING from $POD_IP on $HOSTNAME"; sleep 1000') });
  });

  it("reports an image that is not in its table as ImagePullBackOff", async () => {
    const read = await runPod("no-image", { image: "nowhere:v1" });
    const reason = await eventually(async () => (mainOf(await read())?.state?.waiting?.reason === "ImagePullBackOff" ? mainOf(await read())?.state?.waiting?.message : undefined), "ImagePullBackOff");
    expect(reason).to.include('failed to pull image "nowhere:v1"');
  });

  it("restarts a crashing container at once, then with a back-off", async () => {
    const read = await runPod("crash", { image: "crash:v1" });
    const status = await eventually(async () => {
      const main = mainOf(await read());
      return main?.state?.waiting?.reason === "CrashLoopBackOff" && main.restartCount === 1 ? main : undefined;
    }, "the back-off");
    expect(status.lastState?.terminated?.exitCode).to.equal(3);
    expect(status.state?.waiting?.message).to.include("back-off 10s");
  });

  it("restarts a container whose liveness probe fails, and keeps one unready whose readiness probe fails", async () => {
    const live = await runPod("not-live", { image: "sleeper:v1", livenessProbe: { tcpSocket: { port: 9 }, periodSeconds: 1, failureThreshold: 2 } });
    const ready = await runPod("not-ready", { image: "sleeper:v1", readinessProbe: { exec: { command: ["false"] }, periodSeconds: 1 } });
    await eventually(async () => ((mainOf(await live())?.restartCount ?? 0) > 0 ? true : undefined), "the restart", 50);
    expect(mainOf(await ready())).to.deep.include({ ready: false, restartCount: 0 });
  });

  it("gives a container its environment, the pod's address and a log", async () => {
    const { cluster } = await sharedCluster();
    const { core } = await kubernetes();
    await core.createNamespacedConfigMap({ namespace: NAMESPACE, body: { metadata: { name: "words" }, data: { greeting: "hello" } } });
    const read = await runPod("envy", {
      image: "envy:v1",
      env: [
        { name: "GREETING", valueFrom: { configMapKeyRef: { name: "words", key: "greeting" } } },
        { name: "POD_IP", valueFrom: { fieldRef: { fieldPath: "status.podIP" } } },
      ],
    });
    await eventually(async () => (mainOf(await read())?.state?.running ? true : undefined), "the start");
    const log = cluster.files.file("logs", "pods", "default_envy_main.log");
    const text = await eventually(async () => fs.readFileSync(log, "utf8") || undefined, "the log");
    expect(text).to.equal(`hello from ${(await read()).status?.podIP} on envy\n`);
  });

  it("shows a container its volumes where it mounts them, and leaves the machine's own files alone", async () => {
    const { cluster } = await sharedCluster();
    const { core } = await kubernetes();
    await core.createNamespacedConfigMap({ namespace: NAMESPACE, body: { metadata: { name: "files" }, data: { "a.txt": "A", "b.txt": "B" } } });
    await core.createNamespacedSecret({ namespace: NAMESPACE, body: { metadata: { name: "hush" }, stringData: { word: "psst" } } });
    const script = [
      "cat /settings/a.txt /settings/b.txt /etc/hush/word /etc/only.txt /scratch/who",
      "echo kept > /scratch/note; cat /scratch/note",
      "(echo no > /settings/a.txt) 2>/dev/null || echo readonly",
      "stat -c %a /etc/hush/word; ls /etc/hosts; pwd",
    ].join("; echo; ");
    const read = await runPod("mounts", {
      image: "sh:v1",
      args: [`${script}; sleep 1000`],
      workingDir: "/scratch",
      volumeMounts: [
        { name: "settings", mountPath: "/settings" }, { name: "hush", mountPath: "/etc/hush", readOnly: true }, { name: "settings", mountPath: "/etc/only.txt", subPath: "b.txt" },
        { name: "scratch", mountPath: "/scratch" }, { name: "who", mountPath: "/scratch/who", subPath: "name" },
      ],
      readinessProbe: { exec: { command: ["cat", "/settings/a.txt"] }, periodSeconds: 1 },
    }, [
      { name: "settings", configMap: { name: "files" } },
      { name: "hush", secret: { secretName: "hush", defaultMode: 0o400 } },
      { name: "scratch", emptyDir: {} },
      { name: "who", downwardAPI: { items: [{ path: "name", fieldRef: { fieldPath: "metadata.name" } }] } },
    ]);
    await eventually(async () => ((await mainOf(await read()))?.ready ? true : undefined), "readiness by a probe that reads a volume");
    const text = fs.readFileSync(cluster.files.file("logs", "pods", "default_mounts_main.log"), "utf8");
    expect(text.split("\n").filter(Boolean)).to.deep.equal(["ABpsstBmounts", "kept", "readonly", "400", "/etc/hosts", "/scratch"]);
    expect(["/settings", "/scratch", "/etc/hush", "/etc/only.txt"].filter((f) => fs.existsSync(f))).to.deep.equal([]);
  });

  it("waits for a volume's ConfigMap and says so, then starts", async () => {
    const { core } = await kubernetes();
    const read = await runPod("later", { image: "sleeper:v1", volumeMounts: [{ name: "v", mountPath: "/v" }] }, [{ name: "v", configMap: { name: "later" } }]);
    const waiting = await eventually(async () => mainOf(await read())?.state?.waiting?.message, "the wait");
    expect(waiting).to.equal('MountVolume.SetUp failed: configmap "later" not found');
    await core.createNamespacedConfigMap({ namespace: NAMESPACE, body: { metadata: { name: "later" } } });
    await eventually(async () => (mainOf(await read())?.state?.running ? true : undefined), "the start");
  });

  it("ends every process of a deleted pod, also those in the background", async () => {
    const { core } = await kubernetes();
    const read = await runPod("leaver", { image: "sleeper:v1" });
    await eventually(async () => (mainOf(await read())?.state?.running ? true : undefined), "the start");
    await core.deleteNamespacedPod({ name: "leaver", namespace: NAMESPACE, gracePeriodSeconds: 1 });
    await eventually(async () => read().then(() => undefined, () => true as const), "the deletion");
    await core.deleteCollectionNamespacedPod({ namespace: NAMESPACE, gracePeriodSeconds: 0 });
    await eventually(async () => (processesWith("sleep\u00001001").length === 0 && processesWith("sleep\u00001000").length === 0 ? true : undefined), "the end of all processes");
  });
});

describe("an embedded cluster's end", function () {
  this.timeout(120_000);

  it("leaves nothing when its outermost process is killed, with another cluster unharmed beside it", async () => {
    const other = (await sharedCluster()).cluster;
    const cluster = await upCluster({ name: "victim", images: demoImages() });
    const { record, files } = cluster;
    process.kill(record.pid, "SIGKILL");
    await eventually(async () => (startTimeOf(record.init) === undefined ? true : undefined), "the end of the namespaces");
    expect(processesWith(files.dir)).to.deep.equal([]);
    await eventually(() => fetch(cluster.url("ingress")).then(() => undefined, () => true as const), "the closed port");
    expect((await fetch(`${other.url("prometheus")}/-/ready`)).status).to.equal(200);
    await cluster.down();
    expect(clusterNames()).to.not.include("victim");
  });

  it("leaves no process and no file when the demo is stopped by Ctrl-C", async () => {
    const demo = spawn(process.execPath, [path.resolve(__dirname, "../../sandbox/demo/main.js")], { stdio: ["ignore", "ignore", "pipe"], detached: true });
    let said = "";
    demo.stderr.on("data", (chunk: Buffer) => (said += chunk.toString()));
    const name = `demo-${demo.pid}`;
    await eventually(async () => (said.includes("canary deploy v2") ? true : undefined), "the demo's first rollout", 60);
    await sleep(3000);
    expect(clusterNames()).to.include(name);
    // The whole foreground group, as a terminal does.
    process.kill(-demo.pid!, "SIGINT");
    await new Promise((resolve) => demo.on("close", resolve));
    expect(said).to.include("nothing of the demo is left");
    expect(clusterNames()).to.not.include(name);
    expect(processesWith(name)).to.deep.equal([]);
  });
});
