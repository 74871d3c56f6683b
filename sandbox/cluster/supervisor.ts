import * as fs from "node:fs";
import type { Server } from "node:net";
import { agentDaemon } from "../node/daemon";
import { ensureToolchain } from "../toolchain";
import { API_PORT, apiServer, controllerManager, etcd, scheduler, writeKubeconfigs } from "./controlPlane";
import type { Daemon } from "./daemon";
import { createGateway, defineGatewayApi } from "./gateway";
import { INGRESS_PORT, ingressController } from "./ingress";
import { routerLine } from "./line";
import { setUpNetwork } from "./network";
import { createIngressClass } from "./objects";
import { prometheus, PROMETHEUS_PORT } from "./prometheus";
import type { ToLauncher, ToSupervisor } from "./protocol";
import { forward } from "./publish";
import { ClusterFiles, type Published } from "./state";

const INNER_PORTS: Record<Published, number> = { api: API_PORT, ingress: INGRESS_PORT, prometheus: PROMETHEUS_PORT };

const tell = (message: ToLauncher): void => void process.send?.(message);

const daemons: Daemon[] = [];

function launch(daemon: Daemon): Promise<void> {
  daemons.push(daemon);
  return daemon.start();
}

/** Starts the whole cluster inside the namespaces, as much at once as the dependencies allow. */
async function start(files: ClusterFiles, publishedApi: number): Promise<void> {
  const tools = await ensureToolchain();
  setUpNetwork();
  tell({ kind: "progress", step: "etcd and the API server" });
  await launch(etcd(tools, files));
  const [definitions] = await Promise.all([defineGatewayApi(tools, files), launch(apiServer(tools, files))]);
  writeKubeconfigs(files, publishedApi);
  tell({ kind: "progress", step: "controllers, scheduler, node agent, ingress, Prometheus" });
  await createIngressClass(files.innerKubeconfig);
  await Promise.all([
    ...[controllerManager(tools, files), scheduler(tools, files), agentDaemon(files), prometheus(tools, files)].map(launch),
    Promise.all([createGateway(files, definitions), launch(routerLine(files))]).then(() => launch(ingressController(tools, files))),
  ]);
}

/** Runs as the only child of the process namespace's first process: when it exits, the kernel ends everything in the cluster. */
export function supervise(): void {
  let detached = false;
  const ports: Partial<Record<Published, number>> = {};
  let files: ClusterFiles | undefined;

  process.on("disconnect", () => {
    if (detached) return;
    // First the processes, so that nobody writes into the folder while it goes.
    daemons.forEach((d) => d.kill());
    files?.remove();
    process.exit(0);
  });
  process.on("message", (message: ToSupervisor, server?: Server) => {
    if (message.kind === "publish") {
      ports[message.service] = message.port;
      forward(server!, INNER_PORTS[message.service]);
      tell({ kind: "published", service: message.service });
    } else if (message.kind === "start") {
      files = new ClusterFiles(message.name);
      fs.mkdirSync(files.file("logs"), { recursive: true, mode: 0o700 });
      start(files, ports.api!).then(
        () => tell({ kind: "ready" }),
        (cause: Error) => tell({ kind: "failed", message: cause.message }),
      );
    } else {
      detached = true;
      tell({ kind: "detached" });
    }
  });
}

if (require.main === module) supervise();
