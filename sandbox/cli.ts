import { Command, InvalidArgumentError, Option } from "commander";
import { down, env, image, load, logs, status, up } from "./commands";
import { SandboxError } from "./errors";
import { parseGiven, type GivenImage } from "./app/source";

const program = new Command("sandbox")
  .description("The embedded cluster: a real control plane, ingress and Prometheus as plain processes.")
  .enablePositionalOptions()
  .addHelpText("after", `
Examples:
  $ npm run sandbox -- up --image shop:v1=npm:http-server@14.1.0 --image shop:v2=npm:http-server@14.1.1
  $ eval "$(npm run --silent sandbox -- env)"
  $ npx canary deploy v1
  $ npm run sandbox -- load npx canary deploy v2 --yes
  $ npm run sandbox -- down`);
const named = (c: Command): Command => c.option("-n, --name <name>", "the cluster's name", "default");

const positive = (text: string): number => {
  if (!(Number(text) > 0)) throw new InvalidArgumentError("It must be a number above 0.");
  return Number(text);
};
const given = (text: string, others: readonly GivenImage[] = []): GivenImage[] => [...others, parseGiven(text)];

named(program.command("up").description("build what is missing and start a cluster that stays up"))
  .addOption(new Option("-i, --image <image>", "an image of your own, NAME:TAG=npm:PACKAGE@VERSION or NAME:TAG=file:PROGRAM, with arguments after it; once for each version. It listens on $PORT, or on $(PORT) in its arguments").argParser(given))
  .action(up);
named(program.command("image").description("add versions of your image while the cluster runs").argument("<image...>", "as for `up --image`", given)).action(image);
named(program.command("env").description('print shell commands after which canary, pulumi and kubectl work on the cluster: eval "$(npm run --silent sandbox -- env)"')).action(env);
named(program.command("load").description("send requests to your service while a command runs, and count the answers").argument("[command...]", "without one, for --seconds"))
  .option("--rate <n>", "requests a second", positive, 200)
  .option("--seconds <n>", "without a command: how long", positive, 60)
  .option("--host <name>", "the service's host; default: the first of the stack file")
  .passThroughOptions()
  .action(async (command: string[], options: { name: string; rate: number; seconds: number; host?: string }) => void (process.exitCode = await load(command, options)));
named(program.command("down").description("end a cluster and remove everything of it").option("--all", "every cluster of this user")).action(down);
program.command("status").description("list the clusters with their addresses").action(status);
named(program.command("logs").description("print a component's or a pod's log").argument("[component]", "etcd, kube-apiserver, …; without it, what there is").option("-f, --follow", "go on as it grows")).action(logs);

program.parseAsync().catch((error: Error) => {
  process.stderr.write(`${error instanceof SandboxError ? error.message : (error.stack ?? error.message)}\n`);
  process.exitCode = 1;
});
