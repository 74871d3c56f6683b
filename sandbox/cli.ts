import { Command } from "commander";
import { SandboxError } from "./errors";
import { down, logs, status, up } from "./commands";

const program = new Command("sandbox").description("The embedded cluster: a real control plane, ingress and Prometheus as plain processes.");
const named = (c: Command): Command => c.option("-n, --name <name>", "the cluster's name", "default");

named(program.command("up").description("build what is missing and start a cluster that stays up")).action(up);
named(program.command("down").description("end a cluster and remove everything of it").option("--all", "every cluster of this user")).action(down);
program.command("status").description("list the clusters with their addresses").action(status);
named(program.command("logs").description("print a component's or a pod's log").argument("[component]", "etcd, kube-apiserver, …; without it, what there is").option("-f, --follow", "go on as it grows")).action(logs);

program.parseAsync().catch((error: Error) => {
  process.stderr.write(`${error instanceof SandboxError ? error.message : (error.stack ?? error.message)}\n`);
  process.exitCode = 1;
});
