import { Command } from "commander";
import { lookingVerbs } from "./looking";
import { offlineVerbs } from "./offline";
import { rolloutVerbs } from "./rollouts";

/** The command line. Parsing never exits by itself: the exit code of the verb that ran is left in `process.exitCode`. */
export function commandLine(): Command {
  const program = new Command("canary")
    .description("Progressive delivery as a Pulumi program: weighted canaries, judged by Prometheus, promoted or sent home.")
    .exitOverride()
    .showHelpAfterError("(add --help for the arguments)");
  rolloutVerbs(program);
  lookingVerbs(program);
  offlineVerbs(program);
  return program;
}
