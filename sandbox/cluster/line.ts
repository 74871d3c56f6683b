import { once } from "node:events";
import { connect, createServer } from "node:net";
import { API_PORT } from "./controlPlane";
import { Daemon } from "./daemon";
import { GATEWAY } from "./network";
import { forward } from "./publish";
import type { ClusterFiles } from "./state";

/** Port of the API server as the ingress controller knows it. */
export const LINE_PORT = API_PORT + 1;

async function listens(): Promise<boolean> {
  const socket = connect(LINE_PORT, GATEWAY);
  await once(socket, "connect");
  socket.destroy();
  return true;
}

/** All that the ingress controller hears of the API server comes through this process, so that a fault can make it deaf and stop nobody else. */
export const routerLine = (files: ClusterFiles): Daemon =>
  new Daemon({ name: "router-line", command: process.execPath, args: [__filename], log: files.log("router-line"), ready: listens });

if (require.main === module) {
  const server = createServer().listen(LINE_PORT, GATEWAY);
  forward(server, API_PORT);
}
