import type { Command } from "commander";
import { deployVersion, readSettings, rolloutOptions } from "../settings";
import { doctor } from "../verbs/doctor";
import { history, type HistoryFlags } from "../verbs/history";
import { errorThreshold, latencyThreshold, monitor, someTime, type MonitorFlags } from "../verbs/monitor";
import { preview } from "../verbs/preview";
import { report, type ReportFlags } from "../verbs/report";
import { status, type StatusFlags } from "../verbs/status";
import { rollback } from "../verbs/rollback";
import type { CommonOptions } from "../verbs/session";
import { positive } from "./arguments";
import { withAddress } from "./listen";
import { addVerb, LOOKING_EXITS } from "./verb";

/** The verbs that look at a stack and change nothing. */
export function lookingVerbs(program: Command): void {
  addVerb<CommonOptions & StatusFlags>(program, {
    usage: "status",
    description: "versions, pods, the split that is set and served, gates, and who works on it",
    with: (c) => c.option("-w, --watch", "go on looking, once a second").option("--until-end", "with --watch: end with the rollout, with its exit code"),
    examples: ["status --stack production", "status --watch --stack production"],
    exits: "0 done, 1 the stack's state cannot be read, 64 wrong arguments or stack file; with --until-end those of `deploy`",
    run: status,
  });
  addVerb(program, {
    usage: "serve",
    description: "serve status, metrics and a live page of whatever rollout runs, until it is interrupted",
    with: withAddress,
    examples: ["serve --stack production", "serve --stack production --listen 127.0.0.1:9000", "serve --stack eu,us --listen 0.0.0.0:8090"],
    // What draws pages is large, and no other verb here needs it.
    run: async (o) => (await import("../verbs/serve")).serve(o),
  });
  addVerb<CommonOptions & HistoryFlags>(program, {
    usage: "history",
    alias: "list-releases",
    description: "past rollouts, failed ones included, with their reasons",
    with: (c) => c.option("--limit <n>", "how many, latest first", positive),
    examples: ["history --stack production --limit 5"],
    exits: LOOKING_EXITS,
    run: history,
  });
  addVerb<CommonOptions & ReportFlags>(program, {
    usage: "report [id]",
    description: "one HTML file that tells a rollout, by default the latest: timeline, curves, gates, config, journal",
    with: (c) => c.option("--out <file>", "where it goes; default: the folder .canary of the project"),
    examples: ["report --stack production", "report v1.3.0-toveb6 --stack production --out rollback.html"],
    run: report,
  });
  addVerb(program, {
    usage: "doctor",
    description: "check everything that a rollout needs, and say what is missing",
    examples: ["doctor --stack production"],
    exits: "0 all is well, 1 something is missing, 64 wrong arguments",
    run: doctor,
  });
  addVerb(program, {
    usage: "preview [version]",
    description: "what each step of a rollout would change; touches nothing",
    with: (c) => rolloutOptions(c.option("--tag <version>", "the version, when no argument names it")),
    examples: ["preview v1.3.0 --stack production"],
    exits: LOOKING_EXITS,
    run: (o, version) => preview(o, deployVersion(version, readSettings(o, process.env, ["deploy"]))),
  });
  addVerb<CommonOptions & MonitorFlags>(program, {
    usage: "monitor",
    description: "watch error share, latency and pods of the canary, or of stable where no rollout runs",
    with: (c) =>
      c
        .option("--duration <time>", "how long, e.g. 10m; a bare number is seconds; default 10m", someTime)
        .option("--interval <time>", "between two looks; default: the stack's scrape interval", someTime)
        .option("--error-threshold <percent>", "share of failed requests that is reported; default 5", errorThreshold)
        .option("--latency-threshold <ms>", "P95 that is reported; default 1000", latencyThreshold)
        .option("--auto-rollback", "roll the canary back when it exceeds one")
        .option("--alert-on-error", "exit 1 when one was exceeded"),
    examples: ["monitor --stack production --duration 15m --auto-rollback"],
    exits: "0 done, 1 failed, or with --alert-on-error a limit was exceeded or nothing measured, 2 rolled back by --auto-rollback, 64 wrong arguments or stack file",
    run: (o) => monitor(o, (reason) => rollback(o, reason)),
  });
}
