import * as path from "node:path";
import { answers, Daemon } from "../cluster/daemon";
import type { ClusterFiles } from "../cluster/state";
import { HEALTH_PORT } from "./health";

/**
 * The node agent in a process namespace of its own: when it dies, however, the kernel ends every pod's processes with it, so a
 * restarted agent never meets a process that it does not know.
 */
export function agentDaemon(files: ClusterFiles): Daemon {
  const agent = path.resolve(__dirname, "agent.js");
  return new Daemon({
    name: "node-agent",
    command: "unshare",
    args: ["--pid", "--mount", "--mount-proc", "--fork", "--kill-child=SIGKILL", "sh", "-c", `"$0" "$1" "$2"; exit $?`, process.execPath, agent, files.name],
    log: files.log("node-agent"),
    ready: () => answers(`http://127.0.0.1:${HEALTH_PORT}/healthz`),
  });
}
