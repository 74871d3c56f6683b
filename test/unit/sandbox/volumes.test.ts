import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { expect } from "chai";
import { planView, withImageFiles, wrapInView } from "../../../sandbox/node/mounts";
import { ContainerConfigError } from "../../../sandbox/node/sources";
import { filesOf, mountsOf, PodVolumes } from "../../../sandbox/node/volumes";
import type { Api } from "../../../sandbox/node/api";

describe("a container's view of the files", () => {
  let machine: string;
  let volume: string;

  beforeEach(() => {
    machine = fs.realpathSync(fs.mkdtempSync(path.join(os.tmpdir(), "canary-machine-")));
    volume = path.join(machine, "..", `${path.basename(machine)}-volume`);
    for (const dir of ["etc/ssl", "usr", "run", "var"]) fs.mkdirSync(path.join(machine, dir), { recursive: true });
    fs.mkdirSync(volume);
    fs.writeFileSync(path.join(machine, "etc/hosts"), "");
    fs.symlinkSync("/run", path.join(machine, "linked"));
    fs.symlinkSync("../run", path.join(machine, "var/run"));
  });
  afterEach(() => [machine, volume].forEach((dir) => fs.rmSync(dir, { recursive: true })));

  const mount = (target: string, source = volume) => ({ source, target, readOnly: true });
  const bound = (view: ReturnType<typeof planView>) => view.mounts.map(({ target, options }) => `${target} ${options}`);

  it("is the machine's own, bound entry by entry, where nothing is mounted", () => {
    const view = planView([], machine);
    expect(bound(view)).to.have.members(["/etc rbind", "/usr rbind", "/run rbind", "/var rbind"]);
    expect(view.folders).to.have.members(["/etc", "/usr", "/run", "/var"]);
    expect(view.links).to.deep.equal([{ path: "/linked", to: "/run" }]);
  });

  it("makes a place for a mount that the machine has none for, and rebuilds only the folders on the way to it", () => {
    const view = planView([mount("/config"), mount("/etc/app/settings")], machine);
    expect(view.folders).to.include.members(["/config", "/etc/app/settings", "/etc/ssl"]);
    expect(view.files).to.deep.equal(["/etc/hosts"]);
    expect(bound(view)).to.have.members(["/usr rbind", "/run rbind", "/var rbind", "/etc/ssl rbind", "/etc/hosts bind", "/config bind,ro", "/etc/app/settings bind,ro"]);
    expect(fs.readdirSync(machine).sort()).to.deep.equal(["etc", "linked", "run", "usr", "var"]);
  });

  it("mounts over a folder that is there, and a file over a file", () => {
    const file = path.join(volume, "hosts");
    fs.writeFileSync(file, "");
    const view = planView([mount("/etc/ssl"), mount("/etc/hosts", file)], machine);
    expect(bound(view).slice(-2)).to.deep.equal(["/etc/ssl bind,ro", "/etc/hosts bind,ro"]);
    expect(view.files).to.deep.equal([]);
  });

  it("follows a link on the way: /var/run is /run", () => {
    expect(bound(planView([mount("/var/run/secrets")], machine))).to.include("/run/secrets bind,ro");
  });

  it("gives a mount inside another mount its place in the outer one's volume", () => {
    const inner = fs.mkdtempSync(path.join(os.tmpdir(), "canary-inner-"));
    const view = planView([mount("/data/sub", inner), mount("/data")], machine);
    expect(bound(view).slice(-2)).to.deep.equal(["/data bind,ro", "/data/sub bind,ro"]);
    expect(fs.existsSync(path.join(volume, "sub"))).to.equal(true);
    fs.rmSync(inner, { recursive: true });
  });

  it("keeps what the images consist of in sight of a mount that would hide it", () => {
    expect(withImageFiles([mount("/tmp")], ["/tmp/checkout", "/usr/local"]).slice(1)).to.deep.equal([{ source: "/tmp/checkout", target: "/tmp/checkout", readOnly: true }]);
    expect(withImageFiles([mount("/tmp/check")], ["/tmp/checkout"])).to.have.length(1);
  });

  it("quotes what a shell or fstab would misread", () => {
    const line = wrapInView(["app", "it's"], { folders: ["/a 'b"], files: [], links: [], mounts: [{ source: "/a b\\c", target: "/a 'b", options: "bind" }] }, "/");
    expect(line.slice(-2)).to.deep.equal(["app", "it's"]);
    expect(line.join("\n")).to.include(`mkdir -p './a '\\''b'`).and.include("/a\\040b\\134c /run/view/a\\040'b none bind 0 0");
  });
});

describe("a volume's files", () => {
  const payload = { a: Buffer.from("A"), b: Buffer.from("B") };

  it("are all keys, or those that items names, by their paths and modes", () => {
    expect(filesOf("words", payload, {}).map(({ path: to, mode }) => [to, mode])).to.deep.equal([["a", 0o644], ["b", 0o644]]);
    expect(filesOf("words", payload, { defaultMode: 0o400, items: [{ key: "b", path: "x/y" }, { key: "a", path: "z", mode: 0o600 }] })).to.deep.equal([
      { path: "x/y", data: payload.b, mode: 0o400 }, { path: "z", data: payload.a, mode: 0o600 }]);
  });

  it("of a missing key are refused, unless the source is optional", () => {
    expect(() => filesOf("words", payload, { items: [{ key: "c", path: "c" }] })).to.throw(ContainerConfigError, "couldn't find key c in words");
    expect(filesOf("words", payload, { items: [{ key: "c", path: "c" }], optional: true })).to.deep.equal([]);
  });

  it("stay in their volume: a subPath that leaves it, or that is not there, is refused", () => {
    const dir = fs.mkdtempSync(path.join(os.tmpdir(), "canary-volume-"));
    const volumes = new Map([["v", { dir, readOnly: true }], ["scratch", { dir, readOnly: false }]]);
    const mounts = (mount: object) => mountsOf({ name: "app", volumeMounts: [{ name: "v", mountPath: "/v", ...mount }] }, volumes, { POD: "p1" });
    expect(() => mounts({ subPath: "../../etc" })).to.throw(ContainerConfigError, "leaves its volume");
    expect(() => mounts({ subPath: "none" })).to.throw(ContainerConfigError, "has no none");
    expect(() => mounts({ name: "other" })).to.throw(ContainerConfigError, "which the pod does not have");
    expect(mounts({ name: "scratch", subPathExpr: "$(POD)" })).to.deep.equal([{ source: path.join(dir, "p1"), target: "/v", readOnly: false }]);
    expect(fs.existsSync(path.join(dir, "p1"))).to.equal(true);
    fs.rmSync(dir, { recursive: true });
  });
});

describe("a pod's volumes", () => {
  const ROOT = fs.mkdtempSync(path.join(os.tmpdir(), "canary-pods-"));
  after(() => fs.rmSync(ROOT, { recursive: true }));

  /** An API whose tokens are counted and last so many ms. */
  const api = (lifetime: number, asked: object[] = []): Api => ({
    core: {
      readNamespacedConfigMap: async () => ({ data: { "ca.crt": "CA" } }),
      createNamespacedServiceAccountToken: async ({ name, body }: { name: string; body: { spec: object } }) => {
        asked.push({ name, ...body.spec });
        return { status: { token: `token-${asked.length}`, expirationTimestamp: new Date(Date.now() + lifetime) } };
      },
    },
  }) as unknown as Api;
  const pod = (uid: string) => ({
    metadata: { name: "p", namespace: "shop", uid },
    spec: {
      serviceAccountName: "reader", containers: [],
      volumes: [{ name: "access", projected: { sources: [
        { serviceAccountToken: { path: "token", expirationSeconds: 3607 } }, { configMap: { name: "kube-root-ca.crt", items: [{ key: "ca.crt", path: "ca.crt" }] } },
        { downwardAPI: { items: [{ path: "namespace", fieldRef: { fieldPath: "metadata.namespace" } }] } },
      ] } }],
    },
  });

  it("hold the ServiceAccount's token, bound to the pod, with certificate and namespace", async () => {
    const asked: object[] = [];
    const volumes = new PodVolumes(pod("u1"), "10.0.0.1", api(3_600_000, asked), ROOT);
    await volumes.prepare();
    const { dir, readOnly } = volumes.made.get("access")!;
    expect(fs.readdirSync(dir).map((file) => [file, fs.readFileSync(path.join(dir, file), "utf8")])).to.deep.equal([["ca.crt", "CA"], ["namespace", "shop"], ["token", "token-1"]]);
    expect(readOnly).to.equal(true);
    expect(asked).to.deep.equal([{ name: "reader", audiences: [], expirationSeconds: 3607, boundObjectRef: { kind: "Pod", apiVersion: "v1", name: "p", uid: "u1" } }]);
    volumes.remove();
    expect(fs.existsSync(volumes.dir)).to.equal(false);
  });

  it("get a new token before the old one runs out, until the pod is gone", async () => {
    const asked: object[] = [];
    const volumes = new PodVolumes(pod("u2"), "10.0.0.1", api(50, asked), ROOT);
    await volumes.prepare();
    const token = () => fs.readFileSync(path.join(volumes.made.get("access")!.dir, "token"), "utf8");
    while (token() === "token-1") await sleep(5);
    volumes.remove();
    const { length } = asked;
    await sleep(150);
    expect(asked.length).to.be.at.most(length + 1);
  });

  it("of a kind that the sandbox does not have are refused by name", async () => {
    const volumes = new PodVolumes({ metadata: { name: "p", namespace: "shop", uid: "u3" }, spec: { containers: [], volumes: [{ name: "disk", hostPath: { path: "/" } }] } }, "", api(1), ROOT);
    const refused = await volumes.prepare().then(() => "", (error: Error) => error.message);
    expect(refused).to.equal('volume "disk": this kind of volume is not supported by the sandbox');
  });
});
