import { PatchStrategy, setHeaderOptions, V1MicroTime, type V1Lease, type V1Node } from "@kubernetes/client-node";
import { hasStatus, type Api } from "./api";

export const NODE_NAME = "sandbox";
const LEASE_NAMESPACE = "kube-node-lease";
const LEASE_SECONDS = 40;
const RENEW_EVERY = 10_000;

/** A roomy node: pods are processes of this machine, the kernel shares it out among them. */
export const CAPACITY = { cpu: "64", memory: "256Gi", pods: "500", "ephemeral-storage": "100Gi" };

function nodeObject(): V1Node {
  const now = new Date();
  return {
    metadata: { name: NODE_NAME, labels: { "kubernetes.io/hostname": NODE_NAME, "kubernetes.io/os": "linux", "topology.kubernetes.io/zone": "local" } },
    status: {
      capacity: CAPACITY,
      allocatable: CAPACITY,
      addresses: [{ type: "InternalIP", address: "10.244.0.1" }, { type: "Hostname", address: NODE_NAME }],
      conditions: [{ type: "Ready", status: "True", reason: "AgentReady", message: "pods run as processes", lastHeartbeatTime: now, lastTransitionTime: now }],
    },
  };
}

/** Registers the node; one that is there already, from before a restart of the agent, stays as it is. */
export async function registerNode(api: Api): Promise<void> {
  await api.core.createNode({ body: nodeObject() }).catch((error) => {
    if (!hasStatus(error, 409)) throw error;
  });
}

/** Renews the node's lease as a kubelet does. */
export function keepLease(api: Api): void {
  const renew = async (): Promise<void> => {
    const key = { name: NODE_NAME, namespace: LEASE_NAMESPACE };
    const body: V1Lease = {
      metadata: key,
      spec: { holderIdentity: NODE_NAME, leaseDurationSeconds: LEASE_SECONDS, renewTime: new V1MicroTime() },
    };
    try {
      await api.coordination.patchNamespacedLease({ ...key, body }, setHeaderOptions("Content-Type", PatchStrategy.MergePatch));
    } catch (error) {
      if (hasStatus(error, 404)) await api.coordination.createNamespacedLease({ namespace: LEASE_NAMESPACE, body });
      else throw error;
    }
  };
  const attempt = (): void => void renew().catch((error: Error) => console.error(`renewing the node's lease: ${error.message}`));
  attempt();
  setInterval(attempt, RENEW_EVERY);
}
