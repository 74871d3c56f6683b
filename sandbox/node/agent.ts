import * as fs from "node:fs";
import { makeInformer, type V1Pod } from "@kubernetes/client-node";
import { AddressPool } from "../cluster/network";
import { ImageTable } from "../cluster/images";
import { ClusterFiles } from "../cluster/state";
import { connect, type Api } from "./api";
import { serveHealth } from "./health";
import { VIEW } from "./mounts";
import { keepLease, NODE_NAME, registerNode } from "./node";
import { PodRunner, type NodeServices } from "./pod";
import { PODS } from "./volumes";

const WATCH_AGAIN_AFTER = 500;

/** Follows the pods that are bound to this node and keeps one runner for each. */
async function watchPods(api: Api, services: NodeServices): Promise<void> {
  const runners = new Map<string, PodRunner>();
  const selector = `spec.nodeName=${NODE_NAME}`;
  const informer = makeInformer(
    api.config,
    `/api/v1/pods?fieldSelector=${encodeURIComponent(selector)}`,
    () => api.core.listPodForAllNamespaces({ fieldSelector: selector }),
  );
  const seen = (pod: V1Pod): void => {
    const uid = pod.metadata!.uid!;
    if (!runners.has(uid)) runners.set(uid, new PodRunner(pod, services));
    runners.get(uid)!.update(pod);
  };
  informer.on("add", seen);
  informer.on("update", seen);
  informer.on("delete", (pod) => {
    const uid = pod.metadata!.uid!;
    void runners.get(uid)?.kill();
    runners.delete(uid);
  });
  informer.on("error", (error) => {
    console.error(`watching pods: ${error?.message ?? error}`);
    setTimeout(() => void informer.start().catch((e: Error) => console.error(`listing pods: ${e.message}`)), WATCH_AGAIN_AFTER);
  });
  await informer.start();
}

async function main(name: string): Promise<void> {
  const files = new ClusterFiles(name);
  const api = connect(files.innerKubeconfig);
  // What a predecessor named is gone with it; only the empty files of the names and the contents of volumes are left.
  for (const stale of fs.readdirSync("/run/netns")) fs.rmSync(`/run/netns/${stale}`);
  fs.rmSync(PODS, { recursive: true, force: true });
  fs.mkdirSync(VIEW, { recursive: true });
  await registerNode(api);
  keepLease(api);
  await watchPods(api, { api, addresses: new AddressPool(), images: new ImageTable(files), files });
  serveHealth();
}

if (require.main === module)
  main(process.argv[2]!).catch((error: Error) => {
    console.error(error.message);
    process.exit(1);
  });
