import type { Command } from "commander";
import { doctor } from "../verbs/doctor";
import { history, type HistoryFlags } from "../verbs/history";
import { status, type StatusFlags } from "../verbs/status";
import type { CommonOptions } from "../verbs/session";
import { positive } from "./arguments";
import { addVerb } from "./verb";

/** The verbs that look at a stack and change nothing. */
export function lookingVerbs(program: Command): void {
  addVerb<CommonOptions & StatusFlags>(program, {
    usage: "status",
    description: "versions, pods, the split that is set and served, gates, and who works on it",
    with: (c) => c.option("-w, --watch", "go on looking, once a second").option("--until-end", "with --watch: end with the rollout, with its exit code"),
    examples: ["status --stack production", "status --watch --stack production"],
    run: status,
  });
  addVerb<CommonOptions & HistoryFlags>(program, {
    usage: "history",
    alias: "list-releases",
    description: "past rollouts, failed ones included, with their reasons",
    with: (c) => c.option("--limit <n>", "how many, latest first", positive),
    examples: ["history --stack production --limit 5"],
    run: history,
  });
  addVerb(program, {
    usage: "doctor",
    description: "check everything that a rollout needs, and say what is missing",
    examples: ["doctor --stack production"],
    run: doctor,
  });
}
