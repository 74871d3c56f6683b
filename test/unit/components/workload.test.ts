import { expect } from "chai";
import * as pulumi from "@pulumi/pulumi";
import { z } from "zod";
import { workload as workloadSchema } from "../../../components/config/schema/workload";
import { declare, find, namesOf, stack, type Declared, type Raw } from "./declare";
import { EVERY_OPTION, EVERY_OPTION_AUTOSCALED } from "./every-option";

const withWorkload = (workload: Raw, keys: Raw = {}): Raw => stack({ services: { shop: { image: "shop", port: 8080, hosts: ["a.example"], workload } }, ...keys });
const ofKind = (resources: readonly Declared[], kind: string): any[] => resources.filter(({ type }) => type.endsWith(`:${kind}`)).map(({ inputs }) => inputs);
const deploymentOf = (resources: readonly Declared[], version = "v1"): any =>
  find(resources, "Deployment", namesOf(resources, "Deployment").find((name) => name.startsWith(`shop-${version}-`))!).inputs;
const podOf = (resources: readonly Declared[], version = "v1"): any => deploymentOf(resources, version).spec.template.spec;
const declared = async (workload: Raw, keys: Raw = {}) => (await declare(withWorkload(workload, keys))).resources;
const revisionOf = async (workload: Raw): Promise<string> => (await declare(withWorkload(workload))).outputs.services["shop"]!.revisions.stable;

/** Paths of the keys of a JSON schema's maps; below an open map and a list, those of one entry. */
function keysOf(schema: any, path = ""): string[] {
  const inner = [schema, ...(schema.anyOf ?? []), ...(schema.oneOf ?? []), ...(schema.allOf ?? [])];
  return [...new Set(inner.flatMap(({ properties = {}, items, additionalProperties }) => [
    ...Object.entries(properties).flatMap(([key, value]) => [`${path}.${key}`, ...keysOf(value, `${path}.${key}`)]),
    ...[items, additionalProperties].filter((each) => typeof each === "object").flatMap((each) => keysOf(each, `${path}.*`)),
  ]))];
}

/** Whether a value has a key at a path of {@link keysOf}. */
function has(value: unknown, [key, ...rest]: readonly string[]): boolean {
  if (key === undefined) return value !== undefined;
  if (typeof value !== "object" || value === null) return false;
  return key === "*" ? Object.values(value).some((each) => has(each, rest)) : has((value as Raw)[key], rest);
}

describe("the fixture of every option", () => {
  it("has every key of the workload's schema", () => {
    const schema = z.toJSONSchema(workloadSchema, { io: "input", unrepresentable: "any", reused: "inline" }) as any;
    const inlined = JSON.parse(JSON.stringify(schema), (_, value) => (typeof value?.$ref === "string" ? schema.$defs[value.$ref.split("/").pop()] : value));
    const keys = keysOf(inlined).map((key) => key.slice(1));
    expect(keys.length).to.be.greaterThan(150);
    const found = new Map<string, boolean>();
    for (const key of keys) {
      // What an init container shares with the service, and one probe with another, needs to be there once.
      const shared = key.replace(/^initContainers\.\*\.(?=(env|envFrom|resources|probes)\b)/, "").replace(/^probes\.\w+/, "probes.*");
      found.set(shared, found.get(shared) || has(EVERY_OPTION, key.split(".")) || has(EVERY_OPTION_AUTOSCALED, key.split(".")));
    }
    // {secure} is what the engine opens before a program sees it.
    expect([...found].filter(([key, there]) => !there && !key.endsWith(".secure"))).to.deep.equal([]);
  });
});

describe("the pods of a revision", () => {
  it("pass the restricted level of pod security by default, and write nowhere but to /tmp", async () => {
    const pod = podOf(await declared({}));
    expect(pod.securityContext).to.deep.equal({ runAsNonRoot: true, seccompProfile: { type: "RuntimeDefault" } });
    expect(pod.containers[0].securityContext).to.deep.equal({ allowPrivilegeEscalation: false, readOnlyRootFilesystem: true, capabilities: { drop: ["ALL"] } });
    expect(pod).to.deep.include({ automountServiceAccountToken: false, enableServiceLinks: false });
    expect(pod.volumes).to.deep.equal([{ name: "canary-tmp", emptyDir: {} }]);
    expect(pod.containers[0].volumeMounts).to.deep.equal([{ name: "canary-tmp", mountPath: "/tmp" }]);
  });

  it("have no /tmp of their own where the image is writable, or where something else is mounted there", async () => {
    expect(podOf(await declared({ security: { readOnlyRootFilesystem: false } }))).to.not.have.property("volumes");
    const pod = podOf(await declared({ volumes: { mine: { emptyDir: {} } }, mounts: [{ volume: "mine", path: "/tmp" }] }));
    expect(pod.volumes).to.deep.equal([{ name: "mine", emptyDir: {} }]);
  });

  it("are spread over nodes and zones where that is possible", async () => {
    const resources = await declared({});
    const [name] = namesOf(resources, "Deployment");
    const labelSelector = { matchLabels: { "app.kubernetes.io/name": "shop", "canary.dev/revision": name } };
    expect(podOf(resources).topologySpreadConstraints).to.deep.equal(["kubernetes.io/hostname", "topology.kubernetes.io/zone"].map((topologyKey) =>
      ({ topologyKey, maxSkew: 1, whenUnsatisfiable: "ScheduleAnyway", labelSelector })));
    expect(podOf(await declared({ spread: [] }))).to.not.have.property("topologySpreadConstraints");
  });

  it("are asked for a start that may outlast the progress deadline by a minute, then for readiness and life", async () => {
    const [container] = podOf(await declared({ progressDeadline: "30s" })).containers;
    const httpGet = { path: "/health", port: 8080 };
    expect(container.startupProbe).to.deep.equal({ httpGet, periodSeconds: 1, timeoutSeconds: 2, failureThreshold: 90 });
    expect(container.readinessProbe).to.deep.equal({ httpGet, periodSeconds: 2, timeoutSeconds: 2, failureThreshold: 3 });
    expect(container.livenessProbe).to.deep.equal({ httpGet, periodSeconds: 10, timeoutSeconds: 2, failureThreshold: 3 });
    const [silent] = podOf(await declared({ probes: { startup: false, readiness: false, liveness: false } })).containers;
    expect(silent).to.not.have.any.keys("startupProbe", "readinessProbe", "livenessProbe");
  });

  it("are what every option says", async () => {
    const resources = await declared(EVERY_OPTION);
    const [name] = namesOf(resources, "Deployment");
    const { spec: pod, metadata } = deploymentOf(resources).spec.template;
    const [container] = pod.containers;
    expect(metadata.labels).to.include({ team: "web", "app.kubernetes.io/name": "shop" });
    expect(metadata.annotations).to.deep.equal({ "example.com/owner": "web team", "canary.dev/version": "v1" });
    expect(container.command).to.deep.equal(["/bin/shop", "--release=v1"]);
    expect(container.args).to.deep.equal(["--verbose"]);
    expect(container.ports).to.deep.equal([{ name: "http", containerPort: 8080 }, { name: "metrics", containerPort: 9090 }]);
    expect(container.env).to.deep.equal([
      { name: "CANARY_BACKEND", valueFrom: { fieldRef: { fieldPath: "metadata.labels['canary.dev/revision']" } } },
      { name: "CANARY_VERSION", valueFrom: { fieldRef: { fieldPath: "metadata.annotations['canary.dev/version']" } } },
      { name: "FROM_CLUSTER", valueFrom: { configMapKeyRef: { name: "shared", key: "region", optional: true } } },
      { name: "FROM_CLUSTER_SECRET", valueFrom: { secretKeyRef: { name: "shared", key: "token", optional: true } } },
      { name: "FROM_CONFIG", valueFrom: { configMapKeyRef: { name: `${name}-app`, key: "LOG_LEVEL" } } },
      { name: "FROM_SECRET", valueFrom: { secretKeyRef: { name: `${name}-db`, key: "password" } } },
      { name: "MEMORY", valueFrom: { resourceFieldRef: { resource: "limits.memory" } } },
      { name: "PLAIN", value: "v1" },
      { name: "POD_IP", valueFrom: { fieldRef: { fieldPath: "status.podIP" } } },
    ]);
    expect(container.envFrom).to.deep.equal([
      { prefix: "APP_", configMapRef: { name: `${name}-app` } }, { prefix: "DB_", secretRef: { name: `${name}-db` } },
      { prefix: "SHARED_", configMapRef: { name: "shared", optional: true } }, { prefix: "SHARED_", secretRef: { name: "shared", optional: true } },
    ]);
    expect(container.volumeMounts).to.deep.equal([
      { name: "settings", mountPath: "/etc/app", readOnly: true }, { name: "password", mountPath: "/etc/db" },
      { name: "cache", mountPath: "/cache", subPath: "shop" }, { name: "disk", mountPath: "/data" }, { name: "canary-tmp", mountPath: "/tmp" },
    ]);
    expect(container.startupProbe).to.deep.equal({
      httpGet: { path: "/started", port: 8081, scheme: "HTTPS", httpHeaders: [{ name: "X-Probe", value: "startup" }] },
      initialDelaySeconds: 1, periodSeconds: 1, timeoutSeconds: 1, failureThreshold: 5 });
    expect(container.readinessProbe).to.deep.equal({ tcpSocket: { port: 8080 }, periodSeconds: 3, timeoutSeconds: 2, failureThreshold: 2 });
    expect(container.livenessProbe).to.deep.equal({ exec: { command: ["/bin/alive"] }, initialDelaySeconds: 5, periodSeconds: 10, timeoutSeconds: 3, failureThreshold: 4 });
    expect(container.securityContext.capabilities).to.deep.equal({ drop: ["ALL"], add: ["NET_BIND_SERVICE"] });
    expect(pod.volumes).to.deep.equal([
      { name: "cache", emptyDir: { sizeLimit: "64Mi", medium: "Memory" } },
      { name: "disk", persistentVolumeClaim: { claimName: "shop-data", readOnly: true } },
      { name: "hidden", secret: { secretName: "shared", items: [{ key: "token", path: "token" }], defaultMode: 0o400, optional: true } },
      { name: "password", secret: { secretName: `${name}-db`, items: [{ key: "password", path: "password" }], defaultMode: 0o400 } },
      { name: "settings", configMap: { name: `${name}-app`, items: [{ key: "LOG_LEVEL", path: "level" }], defaultMode: 0o440 } },
      { name: "shared", configMap: { name: "shared", items: [{ key: "region", path: "region" }], defaultMode: 0o444, optional: true } },
      { name: "token", projected: { sources: [{ serviceAccountToken: { path: "token", audience: "vault", expirationSeconds: 3600 } }] } },
      { name: "canary-tmp", emptyDir: {} }, { name: "canary-tmp-migrate", emptyDir: {} },
    ]);
    expect(pod.initContainers.map((each: any) => [each.name, each.restartPolicy])).to.deep.equal([["proxy", "Always"], ["migrate", undefined]]);
    expect(pod.initContainers[0]).to.deep.include({
      command: ["/proxy"], args: ["--for=v1"], ports: [{ name: "admin", containerPort: 9901 }],
      startupProbe: { grpc: { port: 9902, service: "start" }, periodSeconds: 1, timeoutSeconds: 1, failureThreshold: 30 },
      securityContext: { runAsUser: 1001, runAsGroup: 1001, allowPrivilegeEscalation: false, readOnlyRootFilesystem: true, capabilities: { drop: ["ALL"], add: ["NET_BIND_SERVICE"] } },
    });
    expect(pod).to.deep.include({
      securityContext: { runAsNonRoot: true, runAsUser: 1000, runAsGroup: 1000, fsGroup: 1000, seccompProfile: { type: "RuntimeDefault" } },
      serviceAccountName: "shop-account", automountServiceAccountToken: true, imagePullSecrets: [{ name: "registry" }],
      nodeSelector: { "kubernetes.io/os": "linux" }, affinity: EVERY_OPTION["affinity"], priorityClassName: "system-cluster-critical", runtimeClassName: "gvisor",
      tolerations: [
        { key: "dedicated", operator: "Equal", value: "web", effect: "NoSchedule" },
        { key: "spot", operator: "Exists", effect: "NoExecute", tolerationSeconds: 30 },
      ],
      terminationGracePeriodSeconds: 40,
    });
    expect(ofKind(resources, "ServiceAccount")).to.have.length(1);
    expect(ofKind(resources, "ServiceAccount")[0]).to.deep.include({ automountServiceAccountToken: true });
    expect(ofKind(resources, "ServiceAccount")[0].metadata).to.deep.include({ name: "shop-account", annotations: { "cloud.example/role": "shop" } });
    expect(find(resources, "Revision", name!).waitsFor).to.deep.equal(["shop-account"]);
  });

  it("opt out of restrictions by keys that say so", async () => {
    const pod = podOf(await declared({ security: { runAsNonRoot: false, runAsUser: 0, seccomp: "Unconfined", allowPrivilegeEscalation: true, capabilities: ["SYS_PTRACE"] } }));
    expect(pod.securityContext).to.deep.equal({ runAsNonRoot: false, runAsUser: 0, seccompProfile: { type: "Unconfined" } });
    expect(pod.containers[0].securityContext).to.deep.equal(
      { allowPrivilegeEscalation: true, readOnlyRootFilesystem: true, capabilities: { drop: ["ALL"], add: ["SYS_PTRACE"] } });
  });
});

describe("a version", () => {
  it("may change the command and its arguments, for all services or for one, and is another revision then", async () => {
    const resources = await declared({ command: ["/shop"], args: ["--slow"] }, { canary: { version: "v1", args: ["--fast"], services: { shop: { command: ["/shop-next"] } } } });
    const containers = ofKind(resources, "Deployment").map(({ spec }) => spec.template.spec.containers[0]);
    expect(containers.map(({ command, args }) => [command, args])).to.deep.equal([[["/shop"], ["--slow"]], [["/shop-next"], ["--fast"]]]);
  });

  it("with a value that the engine has not opened is refused with one sentence, which does not show it", async () => {
    const secure = { secure: "v1:ciphertext" };
    for (const [workload, what] of [
      [{ env: { TOKEN: secure } }, "The environment variable TOKEN of shop"], [{ secrets: { db: { password: secure } } }, "The key password of secrets.db of shop"],
      [{ initContainers: [{ name: "proxy", image: "proxy:1", env: { TOKEN: secure } }] }, "The environment variable TOKEN of shop"],
    ] as const) {
      const error = await declared(workload).then(() => undefined, (reason: Error) => reason);
      expect(error?.message).to.equal(`${what} is encrypted: it must be opened by the Pulumi engine before the program runs.`);
    }
  });
});

describe("a revision's ConfigMaps and Secrets", () => {
  const base = { config: { app: { LOG: "info", LIMIT: 5 } }, secrets: { db: { password: "hush" } }, envFrom: [{ config: "app" }, { secret: "db" }] };

  it("are its own, bear its name, and cannot be changed", async () => {
    const resources = await declared(base, { canary: { version: "v2", config: { app: { LOG: "debug" } }, secrets: { db: { user: "shop" } } } });
    const [stable, canary] = namesOf(resources, "Deployment");
    expect(ofKind(resources, "ConfigMap").map(({ metadata, data, immutable }) => [metadata.name, data, immutable])).to.deep.equal([
      [`${stable}-app`, { LOG: "info", LIMIT: "5" }, true], [`${canary}-app`, { LOG: "debug", LIMIT: "5" }, true]]);
    expect(namesOf(resources, "Secret")).to.deep.equal([`${stable}-db`, `${canary}-db`]);
    expect(podOf(resources, "v2").containers[0].envFrom).to.deep.equal([{ configMapRef: { name: `${canary}-app` } }, { secretRef: { name: `${canary}-db` } }]);
    expect(find(resources, "ConfigMap", `${canary}-app`).parent).to.equal(canary);
    expect(find(resources, "Deployment", canary!).waitsFor).to.deep.equal([`${canary}-app`, `${canary}-db`]);
  });

  it("make another revision when their contents change, and the same one when only the order of keys does", async () => {
    const plain = await revisionOf(base);
    expect(await revisionOf({ ...base, config: { app: { LIMIT: 5, LOG: "info" } } })).to.equal(plain);
    expect(await revisionOf({ ...base, config: { app: { LOG: "info", LIMIT: 6 } } })).to.not.equal(plain);
    expect(await revisionOf({ ...base, secrets: { db: { password: "other" } } })).to.not.equal(plain);
  });

  it("keep the contents of Secrets encrypted in the state, whatever the stack file does", async () => {
    const secret = ofKind(await declared(base), "Secret")[0];
    expect(pulumi.runtime.isRpcSecret(secret.data)).to.equal(true);
    expect(secret.data.value).to.deep.equal({ password: Buffer.from("hush").toString("base64") });
    const config = ofKind(await declared(base), "ConfigMap")[0];
    expect(pulumi.runtime.isRpcSecret(config.data)).to.equal(false);
  });
});

describe("the number of pods", () => {
  const autoscale = { min: 3, max: 10 };
  const scaled = { autoscale, resources: { requests: { cpu: "100m" } } };
  const budgets = (resources: readonly Declared[]): unknown[] => ofKind(resources, "PodDisruptionBudget").map(({ spec }) => spec);

  it("is the stack's, with a budget for a revision of more than one pod", async () => {
    const resources = await declared({ replicas: 3 });
    const [name] = namesOf(resources, "Deployment");
    expect(deploymentOf(resources).spec.replicas).to.equal(3);
    expect(deploymentOf(resources).spec.strategy.rollingUpdate.maxUnavailable, "available with fewer pods than declared").to.equal(0);
    expect(deploymentOf(resources).metadata.annotations).to.deep.equal({ "canary.dev/scaled-by": "stack", "pulumi.com/patchForce": "true" });
    expect(budgets(resources)).to.deep.equal([{
      maxUnavailable: "25%", unhealthyPodEvictionPolicy: "AlwaysAllow",
      selector: { matchLabels: { "app.kubernetes.io/name": "shop", "canary.dev/revision": name } } }]);
    expect(ofKind(resources, "HorizontalPodAutoscaler")).to.deep.equal([]);
    expect(budgets(await declared({ replicas: 1 }))).to.deep.equal([]);
    expect(budgets(await declared({ replicas: 3, maxUnavailable: false }))).to.deep.equal([]);
    expect(budgets(await declared({ replicas: 3, maxUnavailable: 2 }))).to.have.nested.property("[0].maxUnavailable", 2);
  });

  it("is the autoscaler's where there is one, each revision's for itself", async () => {
    const resources = await declared(scaled, { canary: "v2" });
    const names = namesOf(resources, "Deployment");
    expect(namesOf(resources, "HorizontalPodAutoscaler")).to.deep.equal(names);
    const { inputs } = find(resources, "HorizontalPodAutoscaler", names[1]!);
    expect(inputs.spec).to.deep.equal({
      scaleTargetRef: { apiVersion: "apps/v1", kind: "Deployment", name: names[1] }, minReplicas: 3, maxReplicas: 10,
      metrics: [{ type: "Resource", resource: { name: "cpu", target: { type: "Utilization", averageUtilization: 70 } } }],
    });
    const deployment = find(resources, "Deployment", names[1]!);
    expect(deployment.ignores).to.deep.equal(["spec.replicas"]);
    expect(deployment.inputs.spec.replicas).to.equal(3);
    expect(deployment.inputs.metadata.annotations).to.deep.equal({ "canary.dev/scaled-by": "autoscaler" });
    expect(ofKind(resources, "PodDisruptionBudget")).to.have.length(2);
  });

  it("follows every option of the autoscaler", async () => {
    const [{ spec }] = ofKind(await declared(EVERY_OPTION_AUTOSCALED), "HorizontalPodAutoscaler");
    const asked = EVERY_OPTION_AUTOSCALED["autoscale"] as { metrics: unknown[]; behavior: unknown };
    expect(spec.metrics.map((each: any) => each.resource?.target.averageUtilization ?? each)).to.deep.equal([60, 80, asked.metrics[0]]);
    expect(spec.behavior).to.deep.equal(asked.behavior);
    const [memoryOnly] = ofKind(await declared({ autoscale: { ...autoscale, memory: "80%" }, resources: { requests: { memory: "1Gi" } } }), "HorizontalPodAutoscaler");
    expect(memoryOnly.spec.metrics).to.have.length(1);
  });

  it("is no part of a revision: another number, an autoscaler or a floor leaves it as it is", async () => {
    const resources = { requests: { cpu: "100m" } };
    const plain = await revisionOf({ replicas: 2, resources });
    expect(await revisionOf({ replicas: 5, resources })).to.equal(plain);
    expect(await revisionOf({ autoscale, resources })).to.equal(plain);
    expect(await revisionOf({ replicas: 2, resources, canarySize: "proportional", maxUnavailable: 1 })).to.equal(plain);
  });
});
