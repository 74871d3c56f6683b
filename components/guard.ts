import { createHash } from "node:crypto";
import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import { guardRules, type RouterName } from "./access";
import { SKIP_AWAIT } from "./annotations";
import type { GuardConfig } from "./config";
import { recordName } from "./record/format";

export interface GuardArgs {
  readonly namespace: pulumi.Input<string>;
  /** Value of `canary:guard`. */
  readonly guard: GuardConfig;
  /** Value of `canary:router`. */
  readonly router: RouterName;
  /** Names of the stack's services. */
  readonly services: readonly string[];
  /** The stack config that the guard judges by: `guardConfig(…)` of its keys as they stand in the stack file, without secrets. */
  readonly config: Readonly<Record<string, unknown>>;
  /** Pulumi's name of the stack that the driver works on. Default the stack that runs. */
  readonly stack?: string;
  /** Name of the rollout record. Default that of the stack that runs. */
  readonly record?: string;
}

const SETTINGS = "/etc/canary-guard";
/** A number, because the restricted level cannot tell a user's name from root's. */
const NOBODY = 65_532;
const PORT = "metrics";

/**
 * A dead-man's switch: sends the traffic of a rollout home when its driver has died, watches a held one, and serves the metrics that must
 * outlive a CI job. One small pod that passes the restricted pod security level, with a Role for just the objects that it needs.
 */
export class Guard extends pulumi.ComponentResource {
  readonly deployment: k8s.apps.v1.Deployment;
  /** How its metrics are found: its Service, labels of this Service alone, and the name of the port. */
  readonly metrics: { readonly service: string; readonly labels: Readonly<Record<string, string>>; readonly port: string };

  constructor(name: string, args: GuardArgs, opts?: pulumi.ComponentResourceOptions) {
    super("canary:guard:Guard", name, {}, opts);
    const { guard, namespace } = args;
    const record = args.record ?? recordName(pulumi.getProject(), pulumi.getStack());
    const own = `${record.replace(/-rollout$/, "")}-guard`;
    const selector = { "app.kubernetes.io/name": "canary-guard", "app.kubernetes.io/instance": own };
    const labels = { ...selector, "app.kubernetes.io/managed-by": "pulumi" };
    const metadata = { name: own, namespace, labels };
    const child = { parent: this };
    const account = new k8s.core.v1.ServiceAccount(own, { metadata, automountServiceAccountToken: false }, child);
    const role = new k8s.rbac.v1.Role(own, { metadata, rules: guardRules(record, args.router, args.services) }, child);
    const binding = new k8s.rbac.v1.RoleBinding(own, {
      metadata,
      roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "Role", name: own },
      subjects: [{ kind: "ServiceAccount", name: own, namespace }],
    }, { ...child, dependsOn: [role, account] });
    const settings = JSON.stringify({ stack: args.stack ?? pulumi.getStack(), record, config: args.config });
    // Named by its contents: a guard with other settings is another pod.
    const settingsName = `${own}-${createHash("sha256").update(settings).digest("hex").slice(0, 8)}`;
    const file = new k8s.core.v1.ConfigMap(settingsName, { metadata: { ...metadata, name: settingsName }, data: { "settings.json": settings } }, child);
    this.deployment = new k8s.apps.v1.Deployment(own, {
      metadata,
      spec: {
        replicas: 1,
        progressDeadlineSeconds: 120,
        selector: { matchLabels: selector },
        template: {
          metadata: { labels, annotations: { "prometheus.io/scrape": "true", "prometheus.io/port": String(guard.metricsPort), "prometheus.io/path": "/metrics" } },
          spec: podSpec(own, settingsName, guard),
        },
      },
    }, { ...child, dependsOn: [binding, file], customTimeouts: { create: "130s", update: "130s" } });
    new k8s.core.v1.Service(own, {
      // Nobody sends it requests: it is there to be scraped.
      metadata: { ...metadata, annotations: SKIP_AWAIT },
      spec: { clusterIP: "None", selector, ports: [{ name: PORT, port: guard.metricsPort, targetPort: PORT }] },
    }, child);
    this.metrics = { service: own, labels: selector, port: PORT };
    this.registerOutputs({ deployment: this.deployment.metadata.name });
  }
}

function podSpec(account: string, settings: string, { image, imagePullSecrets, resources, metricsPort }: GuardConfig) {
  const probe = (path: string) => ({ httpGet: { path, port: PORT } });
  return {
    serviceAccountName: account,
    automountServiceAccountToken: true,
    ...(imagePullSecrets.length > 0 ? { imagePullSecrets: imagePullSecrets.map((name) => ({ name })) } : {}),
    terminationGracePeriodSeconds: 10,
    securityContext: { runAsNonRoot: true, runAsUser: NOBODY, runAsGroup: NOBODY, seccompProfile: { type: "RuntimeDefault" } },
    containers: [{
      name: "guard",
      image,
      env: [
        { name: "CANARY_GUARD_SETTINGS", value: `${SETTINGS}/settings.json` },
        { name: "CANARY_GUARD_POD", valueFrom: { fieldRef: { fieldPath: "metadata.name" } } },
      ],
      ports: [{ name: PORT, containerPort: metricsPort }],
      resources,
      readinessProbe: { ...probe("/ready"), periodSeconds: 2 },
      livenessProbe: { ...probe("/health"), initialDelaySeconds: 30, periodSeconds: 30, timeoutSeconds: 5 },
      securityContext: { allowPrivilegeEscalation: false, readOnlyRootFilesystem: true, capabilities: { drop: ["ALL"] } },
      volumeMounts: [{ name: "settings", mountPath: SETTINGS, readOnly: true }],
    }],
    volumes: [{ name: "settings", configMap: { name: settings } }],
  };
}
