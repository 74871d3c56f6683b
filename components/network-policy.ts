import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import { ConfigError, type NetworkPolicyConfig } from "./config";

/** A service as its policy needs it. */
export interface ProtectedService {
  /** Port its container listens on, 1 … 65535. */
  readonly port: number;
  /** Port of its metrics, where that is another one. */
  readonly metricsPort?: number;
}

export interface NetworkPoliciesArgs extends Partial<Omit<NetworkPolicyConfig, "ingressController">>, Pick<NetworkPolicyConfig, "ingressController"> {
  readonly namespace: pulumi.Input<string>;
  /** Services by name, whose pods carry the label `app.kubernetes.io/name: <name>`. */
  readonly services: Readonly<Record<string, ProtectedService>>;
}

/** Every namespace carries its name as a label since Kubernetes 1.22, and nobody can give it another one. */
const inNamespace = (name: string) => ({ namespaceSelector: { matchLabels: { "kubernetes.io/metadata.name": name } } });
const tcp = (...ports: number[]) => [...new Set(ports)].map((port) => ({ protocol: "TCP", port }));

/**
 * Lets nobody open a connection to the services' pods but the ingress controller, Prometheus (to the metrics port only) and whom `also`
 * names: a NetworkPolicy for each service. Outgoing connections are left alone. It holds where the cluster's network plugin enforces
 * NetworkPolicies; a controller on the host's network has its node's address and no namespace, and is not let in by this.
 */
export class NetworkPolicies extends pulumi.ComponentResource {
  /** By the name of the service. */
  readonly policies: Readonly<Record<string, k8s.networking.v1.NetworkPolicy>>;

  /** @throws ConfigError when no source is named: Kubernetes reads an empty list as everybody. */
  constructor(name: string, args: NetworkPoliciesArgs, opts?: pulumi.ComponentResourceOptions) {
    super("canary:network:NetworkPolicies", name, {}, opts);
    const { namespace, services, ingressController, prometheus, also = [], ports = [] } = args;
    if (ingressController.length === 0 || prometheus?.length === 0) throw new ConfigError(["A network policy names no namespace to let in, which Kubernetes would read as everybody: name at least one."]);
    const others = also.map((peer) => ({
      ...(peer.namespace === undefined ? {} : inNamespace(peer.namespace)),
      podSelector: { matchLabels: { ...peer.podLabels } },
    }));
    this.policies = Object.fromEntries(Object.entries(services).map(([service, { port, metricsPort = port }]) => {
      const policy = new k8s.networking.v1.NetworkPolicy(service, {
        metadata: { name: service, namespace, labels: { "app.kubernetes.io/name": service, "app.kubernetes.io/part-of": name, "app.kubernetes.io/managed-by": "pulumi" } },
        spec: {
          podSelector: { matchLabels: { "app.kubernetes.io/name": service } },
          policyTypes: ["Ingress"],
          ingress: [
            { from: [...ingressController.map(inNamespace), ...others], ports: tcp(port, ...ports) },
            ...(prometheus === undefined ? [] : [{ from: prometheus.map(inNamespace), ports: tcp(metricsPort, ...ports) }]),
          ],
        },
      }, { parent: this });
      return [service, policy] as const;
    }));
    this.registerOutputs({});
  }
}
