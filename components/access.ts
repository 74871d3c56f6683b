import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import type { StackConfig } from "./config";
import { trackName } from "./names";

/** A rule of a Kubernetes Role. */
export type PolicyRule = pulumi.Unwrap<k8s.types.input.rbac.v1.PolicyRule>;
export type RouterName = StackConfig["router"];

/** The objects that hold a split's weights, by the value of `canary:router`. */
export const SPLIT_OBJECTS: Readonly<Record<RouterName, { readonly apiGroup: string; readonly resource: string; readonly nameOf: (service: string) => string }>> = {
  "ingress-nginx": { apiGroup: "networking.k8s.io", resource: "ingresses", nameOf: (service) => trackName(service, "canary") },
  "gateway-api": { apiGroup: "gateway.networking.k8s.io", resource: "httproutes", nameOf: (service) => service },
};

/**
 * What a guard may do, by name where Kubernetes can limit by name: patch the canary objects, read the stable Services, and write the record
 * and its Lease. It creates nothing, because a right to create cannot be limited so.
 */
export function guardRules(record: string, router: RouterName, services: readonly string[]): PolicyRule[] {
  const { apiGroup, resource, nameOf } = SPLIT_OBJECTS[router];
  const tracks = (track: "stable" | "canary"): string[] => services.map((service) => trackName(service, track));
  return [
    { apiGroups: [apiGroup], resources: [resource], resourceNames: services.map(nameOf), verbs: ["get", "patch"] },
    { apiGroups: [""], resources: ["services"], resourceNames: tracks("canary"), verbs: ["get", "patch"] },
    { apiGroups: [""], resources: ["services"], resourceNames: tracks("stable"), verbs: ["get"] },
    { apiGroups: [""], resources: ["configmaps"], resourceNames: [record], verbs: ["get", "update"] },
    { apiGroups: ["coordination.k8s.io"], resources: ["leases"], resourceNames: [record], verbs: ["get", "update"] },
    { apiGroups: [""], resources: ["pods"], verbs: ["list"] },
    { apiGroups: ["apps"], resources: ["deployments"], verbs: ["list"] },
  ];
}

/** What a stack may declare beyond what every stack does; each takes rights of its own. */
export type Declared = "secrets" | "serviceAccounts" | "autoscalers" | "budgets" | "networkPolicies" | "operatorResources" | "guard";

const OWN = ["get", "list", "watch", "create", "patch", "delete"];
const owned = (apiGroup: string, ...resources: string[]): PolicyRule => ({ apiGroups: [apiGroup], resources, verbs: OWN });

const DECLARED: Readonly<Record<Declared, readonly PolicyRule[]>> = {
  secrets: [owned("", "secrets")],
  serviceAccounts: [owned("", "serviceaccounts")],
  autoscalers: [owned("autoscaling", "horizontalpodautoscalers")],
  budgets: [owned("policy", "poddisruptionbudgets")],
  networkPolicies: [owned("networking.k8s.io", "networkpolicies")],
  operatorResources: [owned("monitoring.coreos.com", "servicemonitors", "prometheusrules")],
  guard: [owned("", "serviceaccounts"), owned("rbac.authorization.k8s.io", "roles", "rolebindings")],
};

/**
 * What the driver and the `pulumi up` that it runs may do in the stack's namespace. docs/permissions.md says of each verb who needs it.
 * It holds every right of {@link guardRules}: Kubernetes lets nobody declare a Role with more than they have themselves.
 */
export function driverRules(router: RouterName, declares: readonly Declared[]): PolicyRule[] {
  const { apiGroup, resource } = SPLIT_OBJECTS[router];
  return [
    owned("apps", "deployments"),
    owned("", "services"),
    owned(apiGroup, resource),
    { ...owned("", "configmaps"), verbs: [...OWN, "update"] },
    { apiGroups: ["coordination.k8s.io"], resources: ["leases"], verbs: ["get", "create", "update"] },
    { apiGroups: [""], resources: ["pods", "persistentvolumeclaims"], verbs: ["list", "watch"] },
    { apiGroups: ["apps"], resources: ["replicasets"], verbs: ["list", "watch"] },
    ...[...new Set(declares)].flatMap((what) => DECLARED[what]),
  ];
}

/** What a stack with this config declares. */
export function declaredBy({ services, networkPolicy, monitoring, guard }: Pick<StackConfig, "services" | "networkPolicy" | "monitoring" | "guard">): Declared[] {
  const workloads = Object.values(services).map(({ workload }) => workload);
  const declares: Readonly<Record<Declared, boolean>> = {
    secrets: workloads.some(({ secrets }) => Object.keys(secrets).length > 0),
    serviceAccounts: workloads.some(({ serviceAccount }) => serviceAccount.create),
    autoscalers: workloads.some(({ autoscale }) => autoscale !== undefined),
    budgets: workloads.some(({ maxUnavailable }) => maxUnavailable !== false),
    networkPolicies: networkPolicy !== undefined,
    operatorResources: monitoring !== undefined && monitoring.operator !== false,
    guard: guard !== undefined,
  };
  return (Object.keys(declares) as Declared[]).filter((what) => declares[what]);
}
