import { Option, type Command } from "commander";
import type { Ending, RolloutContext } from "../rollout/context";
import { deploy } from "../rollout/deploy";
import { undo } from "../rollout/undo";
import { deployOptions, deployVersion, readSettings, rolloutOptions } from "../settings";
import { init } from "../verbs/init";
import { isFleet, onFleet, type FleetOptions } from "../verbs/fleet";
import { cleanUpNow, holdNow, promoteNow, resumeNow, setTraffic, waitFor } from "../verbs/manual";
import { requestOf, rollback, rollbackAbandoned } from "../verbs/rollback";
import { orAsk, ROLLING, withStack, type CommonOptions } from "../verbs/session";
import { sync, type SyncOptions } from "../verbs/sync";
import { duration, percent, positive, weightArgument } from "./arguments";
import { withListen } from "./listen";
import { addVerb, ROLLOUT_EXITS } from "./verb";

type Reason = CommonOptions & { readonly reason?: string };

const withReason = (command: Command): Command => withCommit(command.option("--reason <text>", "why, for the history"));

const withCommit = (command: Command): Command =>
  command.option("--commit", "commit the stack file when the verb has done its work").option("--push", "push the commit");

const withWaves = (command: Command): Command => {
  command
    .option("--wave <stacks>", "stacks that go together, by commas; once for each wave, instead of --stack", (names: string, waves: string[] = []) => [...waves, names])
    .option("--parallel <n>", "how many stacks are updated at once", positive);
  return command.on("option:wave", (names: string) => {
    if (command.getOptionValue("stack") === undefined) command.setOptionValueWithSource("stack", names, "cli");
  });
};

/** A verb that the driver of a running rollout does, where there is one. */
const withRequest = (options: CommonOptions, verb: "hold" | "promote", act: (context: RolloutContext) => Promise<Ending>, reason?: string): Promise<number> =>
  orAsk(options, verb, act, (c) => waitFor(c, requestOf(verb, reason)), ROLLING);

/** A version named by the argument, a flag or the environment. */
const named = (options: CommonOptions, version: string | undefined): string => deployVersion(version, readSettings(options, process.env, ["deploy"]));

/** The verbs that change a stack. */
export function rolloutVerbs(program: Command): void {
  addVerb(program, {
    usage: "init",
    description: "create the Pulumi stack of a stack file",
    examples: ["init --stack production"],
    run: init,
  });
  addVerb<FleetOptions & { retry?: boolean }>(program, {
    usage: "deploy [version]",
    description: "roll a version out; the first one becomes stable at once",
    with: (c) => withCommit(withWaves(withListen(deployOptions(c))).option("--retry", "roll a version out that was rolled back before")),
    examples: ["deploy v1.3.0 --stack production", "deploy --tag v1.3.0 --stack production --canary-weight 10 --canary-time 15m --yes", "deploy v1.3.0 --wave eu --wave us,ap --yes", "deploy v1.3.0 --stack production --listen 8090"],
    exits: ROLLOUT_EXITS,
    run: (o, version) => (isFleet(o) ? onFleet : withStack)(o, `deploy ${named(o, version)}`, (c) => deploy(c, named(o, version), o), ROLLING),
  });
  addVerb<CommonOptions & { weight: number; duration: number; retry?: boolean }>(program, {
    usage: "experiment <version>",
    description: "serve a version beside stable at a fixed weight, only measure, and take it away again",
    with: (c) => withCommit(withListen(c).option("--weight <percent>", "its share", percent, 10).addOption(new Option("--duration <time>", "how long, e.g. 30m; a bare number is minutes").argParser(duration).default(900, "15m"))),
    examples: ["experiment v1.3.0 --weight 20 --duration 1h --stack production"],
    exits: "0 measured and taken away, 1 failed, 2 rolled back, 3 held, 4 busy, 64 wrong arguments or stack file, 130 and 131 interrupted and reverted or held",
    run: (o, given) => {
      const version = deployVersion(given, {});
      return withStack(o, `experiment ${version}`, (c) => deploy(c, version, { retry: true, experiment: { weight: o.weight, dwellSeconds: o.duration } }));
    },
  });
  addVerb(program, {
    usage: "traffic <weight>",
    description: "set the canary's weight by hand and wait until it is served; the rollout is held there",
    with: withCommit,
    examples: ["traffic 25 --stack production"],
    exits: "0 set and served, 1 failed, 2 rolled back, 3 set and not seen to be served, 4 busy, 64 wrong arguments or stack file",
    run: (o, given) => {
      const weight = weightArgument(given!);
      return withStack(o, `traffic ${weight}`, (c) => setTraffic(c, weight));
    },
  });
  addVerb<CommonOptions & { full?: boolean }>(program, {
    usage: "promote",
    description: "make the canary the stable version",
    with: (c) => withCommit(withListen(rolloutOptions(c)).option("--full", "whatever the gates say, and also where nobody can see what is served")),
    examples: ["promote --stack production", "promote --full --stack production"],
    exits: ROLLOUT_EXITS,
    run: (o) => withRequest(o, "promote", (c) => promoteNow(c, o.full === true)),
  });
  addVerb<Reason & { abandoned?: boolean; unconfirmed?: boolean }>(program, {
    usage: "rollback",
    description: "send all traffic home at once and remove the canary",
    with: (c) => withReason(c).option("--abandoned", "only a rollout that its driver could not end; one that is held stays. For the last step of a CI job")
      .option("--unconfirmed", "remove the canary's pods also where the counters say that the router still sends them requests"),
    examples: ['rollback --stack production --reason "customers call"', "rollback --abandoned --stack production"],
    exits: "2 rolled back (which is what was asked for), 1 failed, 3 held (the router does not go home, or the stack does not know it yet) or not known how it ended, 4 busy, 64 wrong arguments or stack file, or no rollout is under way",
    run: (o) => (o.abandoned ? rollbackAbandoned(o, o.reason) : rollback(o, o.reason, o.unconfirmed)),
  });
  addVerb(program, {
    usage: "undo",
    description: "go back to the previous revision after a promotion, inside its undo window",
    with: withCommit,
    examples: ["undo --stack production"],
    exits: "0 the previous revision serves again, 1 failed, 4 busy, 64 wrong arguments or stack file, or the undo window is over",
    run: (o) => withStack(o, "undo", undo),
  });
  addVerb<Reason>(program, {
    usage: "hold",
    description: "keep a rollout where it is",
    with: withReason,
    examples: ["hold --stack production --reason lunch", "status --stack production"],
    exits: "0 held, 3 held by the driver that runs (which is what was asked for), 1 failed, 4 busy, 64 wrong arguments or stack file, or no rollout is under way",
    run: (o) => withRequest(o, "hold", (c) => holdNow(c, o.reason), o.reason),
  });
  addVerb(program, {
    usage: "resume",
    description: "go on with a rollout that is held, or whose driver died",
    with: (c) => withCommit(withListen(rolloutOptions(c))),
    examples: ["resume --stack production --yes"],
    exits: ROLLOUT_EXITS,
    run: (o) => withStack(o, "resume", resumeNow, ROLLING),
  });
  addVerb<CommonOptions & { now?: boolean }>(program, {
    usage: "cleanup",
    description: "remove the canary, and a previous revision whose undo window is over",
    with: (c) => withCommit(c.option("--now", "remove the previous revision inside its undo window too")),
    examples: ["cleanup --stack production"],
    run: (o) => withStack(o, "cleanup", (c) => cleanUpNow(c, o.now === true)),
  });
  addVerb<SyncOptions>(program, {
    usage: "sync",
    description: "write the rollout record into a stack file that is older",
    with: withCommit,
    examples: ["sync --stack production --commit"],
    run: sync,
  });
}
