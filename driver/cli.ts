import { Command, Option } from "commander";
import { percent, percentList, positive, time } from "./arguments";
import { EXIT } from "./errors";
import { openStack } from "./stack/engine";
import { StackFile } from "./stack/file";
import { deploy } from "./rollout/deploy";
import { analyze, backtestVerb, type AnalyzeFlags, type BacktestFlags } from "./verbs/analyze";
import { promoteNow, rollbackNow, setTraffic } from "./verbs/manual";
import { reporterOf, withStack, type CommonOptions } from "./verbs/session";
import { status } from "./verbs/status";

function withCommonOptions(command: Command): Command {
  return command
    .addOption(new Option("-s, --stack <name>", "the Pulumi stack").env("PULUMI_STACK").makeOptionMandatory())
    .option("--cwd <dir>", "the Pulumi project's folder", process.cwd())
    .option("--json", "one JSON object a line instead of text")
    .option("--yes", "answer every question with yes")
    .option("--debug", "show stack traces");
}

/**
 * The command line. Parsing never exits by itself: the exit code of the verb that ran is left in `process.exitCode`.
 */
export function commandLine(): Command {
  const program = new Command("canary")
    .description("Progressive delivery as a Pulumi program: weighted canaries, judged by Prometheus, promoted or sent home.")
    .exitOverride()
    .showHelpAfterError("(add --help for the arguments)");
  const verb = (usage: string, description: string, run: (options: CommonOptions, ...args: never[]) => Promise<number>, argument?: (c: Command) => Command): void => {
    const command = withCommonOptions(program.command(usage).description(description));
    (argument?.(command) ?? command).action(async (...given: unknown[]) => {
      const options = given[command.registeredArguments.length] as CommonOptions;
      process.exitCode = await run(options, ...(given.slice(0, command.registeredArguments.length) as never[]));
    });
  };
  verb("init", "create the Pulumi stack of a stack file", async (o) => {
    new StackFile(o.cwd, o.stack).read();
    await openStack(o.cwd, o.stack, true);
    reporterOf(o)({ event: "end", message: `The stack "${o.stack}" is there: install the first version with \`canary deploy VERSION\`.` });
    return EXIT.done;
  });
  verb("deploy", "roll a version out; the first one becomes stable at once", (o, version: string) => withStack(o, (c) => deploy(c, version)), (c) => c.argument("<version>"));
  verb("status", "what is deployed", status);
  verb("traffic", "set the canary's weight by hand", (o, weight: number) => withStack(o, (c) => setTraffic(c, weight)), (c) => c.argument("<weight>", "percent, 0 to 100", percent));
  verb("promote", "make the canary the stable version", (o) => withStack(o, promoteNow));
  verb("rollback", "send all traffic home and remove the canary", (o) => withStack(o, rollbackNow));
  offline(program);
  return program;
}

/** The verbs that need no stack: they judge what was recorded. */
function offline(program: Command): void {
  const gates = (c: Command): Command => c.option("--gates <file>", "YAML with a `gates` section as in the stack file; default: the default gates").option("--json", "print one JSON object").option("--debug", "show stack traces");
  gates(program.command("analyze").description("judge recorded windows (newline-delimited JSON) with your gates; changes nothing").argument("<file>", "the records, or - for standard input"))
    .option("--stages <weights>", "the rollout's weights in percent, e.g. 5,25,50,100", percentList)
    .action(async (file: string, flags: AnalyzeFlags) => void (process.exitCode = await analyze(file, flags)));
  gates(program.command("backtest").description("judge a span of Prometheus' history in which both versions served; changes nothing"))
    .requiredOption("--prometheus <url>", "base URL of the server")
    .requiredOption("--from <time>", "unix seconds or a date", time)
    .requiredOption("--to <time>", "unix seconds or a date", time)
    .requiredOption("--canary <version>", "the version that is judged")
    .requiredOption("--baseline <version>", "the version it is compared with")
    .requiredOption("--service <name>", "the service")
    .option("--namespace <name>", "its namespace", "default")
    .option("--port <n>", "port of its Services", positive, 80)
    .addOption(new Option("--source <name>", "whose counters are read").choices(["ingress-nginx", "traefik", "traefik-gateway", "app"]).default("app"))
    .option("--step <seconds>", "seconds between two looks", positive, 15)
    .option("--weight <percent>", "how much evidence a pass needs; default: the share that the canary served", percent)
    .action(async (flags: BacktestFlags) => void (process.exitCode = await backtestVerb(flags)));
}
