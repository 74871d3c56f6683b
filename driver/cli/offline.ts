import { Option, type Command } from "commander";
import { SUCCESS_RULES } from "../../analysis/metering/profiles";
import { analyze, backtestVerb, type AnalyzeFlags, type BacktestFlags } from "../verbs/analyze";
import { percent, percentList, positive, time } from "./arguments";
import { helpBelow } from "./verb";

/** The verbs that need no stack: they judge what was recorded. */
export function offlineVerbs(program: Command): void {
  const gates = (c: Command): Command => c.option("--gates <file>", "YAML with a `gates` section as in the stack file; default: the default gates").option("--json", "print one JSON object").option("--debug", "show stack traces");
  const analyzing = program.command("analyze");
  const backtesting = program.command("backtest");
  gates(analyzing.description("judge recorded windows (newline-delimited JSON) with your gates; changes nothing").argument("<file>", "the records, or - for standard input"))
    .option("--stages <weights>", "the rollout's weights in percent, e.g. 5,25,50,100", percentList)
    .action(async (file: string, flags: AnalyzeFlags) => void (process.exitCode = await analyze(file, flags)));
  gates(backtesting.description("judge a span of Prometheus' history in which both versions served; changes nothing"))
    .requiredOption("--prometheus <url>", "base URL of the server")
    .requiredOption("--from <time>", "unix seconds or a date", time)
    .requiredOption("--to <time>", "unix seconds or a date", time)
    .requiredOption("--canary <version>", "the version that is judged")
    .requiredOption("--baseline <version>", "the version it is compared with")
    .requiredOption("--service <name>", "the service")
    .option("--namespace <name>", "its namespace", "default")
    .option("--port <n>", "port of its Services", positive, 80)
    .addOption(new Option("--source <name>", "whose counters are read").choices(["ingress-nginx", "traefik", "traefik-gateway", "app"]).default("app"))
    .addOption(new Option("--success <rule>", "which answers are no errors").choices(SUCCESS_RULES).default("non-5xx"))
    .option("--step <seconds>", "seconds between two looks", positive, 15)
    .option("--weight <percent>", "how much evidence a pass needs; default: the share that the canary served", percent)
    .action(async (flags: BacktestFlags) => void (process.exitCode = await backtestVerb(flags)));
  helpBelow(analyzing, ["analyze windows.ndjson", "analyze windows.ndjson --gates gates.yaml --stages 5,25,50,100", "analyze - --json < windows.ndjson"], VERDICT_EXITS);
  helpBelow(backtesting, [
    "backtest --prometheus http://127.0.0.1:9090 --service shop --namespace shop --canary v1.3.0 --baseline v1.2.0 --source ingress-nginx --from 2026-03-01T12:00:00Z --to 2026-03-01T12:30:00Z",
  ], VERDICT_EXITS);
}

const VERDICT_EXITS = "0 promote, 2 roll back, 3 hold or undecided, 1 failed, 64 wrong arguments or file";
