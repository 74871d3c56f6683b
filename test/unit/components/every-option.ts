import type { Raw } from "./declare";

/** A workload with every key that there is, and in its lists and volumes every form; all of it within the restricted level of pod security. */
export const EVERY_OPTION: Raw = {
  replicas: 2,
  canarySize: "proportional",
  maxUnavailable: 1,
  command: ["/bin/shop", "--release={{version}}"],
  args: ["--verbose"],
  env: {
    PLAIN: "{{version}}",
    FROM_CONFIG: { config: "app", key: "LOG_LEVEL" },
    FROM_SECRET: { secret: "db", key: "password" },
    FROM_CLUSTER: { configMapName: "shared", key: "region", optional: true },
    FROM_CLUSTER_SECRET: { secretName: "shared", key: "token", optional: true },
    POD_IP: { field: "status.podIP" },
    MEMORY: { resource: "limits.memory" },
  },
  envFrom: [
    { config: "app", prefix: "APP_" }, { secret: "db", prefix: "DB_" },
    { configMapName: "shared", prefix: "SHARED_", optional: true }, { secretName: "shared", prefix: "SHARED_", optional: true },
  ],
  ports: { metrics: 9090 },
  resources: { requests: { cpu: "50m", memory: "64Mi" }, limits: { memory: "128Mi" } },
  mounts: [
    { volume: "settings", path: "/etc/app", readOnly: true }, { volume: "password", path: "/etc/db" },
    { volume: "cache", path: "/cache", subPath: "shop" }, { volume: "disk", path: "/data" },
  ],
  probes: {
    startup: { http: { path: "/started", port: 8081, scheme: "HTTPS", headers: { "X-Probe": "startup" } }, delay: "1s", period: "1s", timeout: "1s", failures: 5 },
    readiness: { tcp: { port: 8080 }, delay: "0s", period: "3s", timeout: "2s", failures: 2 },
    liveness: { exec: ["/bin/alive"], delay: "5s", period: "10s", timeout: "3s", failures: 4 },
  },
  config: { app: { LOG_LEVEL: "debug", limit: 5 } },
  secrets: { db: { password: "hush", user: "shop" } },
  volumes: {
    settings: { config: "app", items: { LOG_LEVEL: "level" }, mode: "0440" },
    password: { secret: "db", items: { password: "password" }, mode: "0400" },
    shared: { configMapName: "shared", items: { region: "region" }, mode: "0444", optional: true },
    hidden: { secretName: "shared", items: { token: "token" }, mode: "0400", optional: true },
    cache: { emptyDir: { sizeLimit: "64Mi", memory: true } },
    disk: { claim: "shop-data", readOnly: true },
    token: { kubernetes: { projected: { sources: [{ serviceAccountToken: { path: "token", audience: "vault", expirationSeconds: 3600 } }] } } },
  },
  initContainers: [
    {
      name: "proxy", image: "proxy:1", sidecar: true, command: ["/proxy"], args: ["--for={{version}}"], env: { MODE: "shop" }, envFrom: [{ config: "app" }],
      ports: { admin: 9901 }, resources: { requests: { cpu: "10m", memory: "16Mi" } }, mounts: [{ volume: "cache", path: "/tmp", subPath: "proxy", readOnly: false }],
      probes: {
        startup: { grpc: { port: 9902, service: "start" }, delay: "0s", period: "1s", timeout: "1s", failures: 30 },
        readiness: { http: { path: "/ready", port: 9901, scheme: "HTTP", headers: {} } },
        liveness: { tcp: { port: 9901 } },
      },
      security: { runAsUser: 1001, runAsGroup: 1001, allowPrivilegeEscalation: false, readOnlyRootFilesystem: true, capabilities: ["NET_BIND_SERVICE"] },
    },
    { name: "migrate", image: "migrate:1", sidecar: false },
  ],
  security: {
    runAsNonRoot: true, runAsUser: 1000, runAsGroup: 1000, fsGroup: 1000, seccomp: "RuntimeDefault",
    allowPrivilegeEscalation: false, readOnlyRootFilesystem: true, capabilities: ["NET_BIND_SERVICE"],
  },
  serviceAccount: { name: "shop-account", create: true, annotations: { "cloud.example/role": "shop" }, token: true },
  imagePullSecrets: ["registry"],
  nodeSelector: { "kubernetes.io/os": "linux" },
  tolerations: [
    { key: "dedicated", operator: "Equal", value: "web", effect: "NoSchedule" },
    { key: "spot", operator: "Exists", effect: "NoExecute", for: "30s" },
  ],
  affinity: {
    nodeAffinity: { preferredDuringSchedulingIgnoredDuringExecution: [{ weight: 1, preference: { matchExpressions: [{ key: "disk", operator: "In", values: ["ssd"] }] } }] },
    podAffinity: { preferredDuringSchedulingIgnoredDuringExecution: [{ weight: 1, podAffinityTerm: { topologyKey: "zone", labelSelector: { matchLabels: { app: "cache" } } } }] },
    podAntiAffinity: { preferredDuringSchedulingIgnoredDuringExecution: [{ weight: 1, podAffinityTerm: { topologyKey: "zone", labelSelector: { matchLabels: { app: "batch" } } } }] },
  },
  spread: [{ topologyKey: "kubernetes.io/hostname", maxSkew: 2, whenUnsatisfiable: "DoNotSchedule" }],
  priorityClass: "system-cluster-critical",
  runtimeClass: "gvisor",
  labels: { team: "web" },
  annotations: { "example.com/owner": "web team" },
  terminationGrace: "40s",
  drain: "7s",
  progressDeadline: "90s",
};

/** The same with an autoscaler of every option in place of a number. */
const { replicas: _replicas, ...rest } = EVERY_OPTION;
export const EVERY_OPTION_AUTOSCALED: Raw = {
  ...rest,
  autoscale: {
    min: 2, max: 6, cpu: "60%", memory: "80%",
    metrics: [{ type: "Pods", pods: { metric: { name: "queue_length" }, target: { type: "AverageValue", averageValue: "10" } } }],
    behavior: { scaleUp: { policies: [{ type: "Pods", value: 4, periodSeconds: 15 }] }, scaleDown: { stabilizationWindowSeconds: 120 } },
  },
};
