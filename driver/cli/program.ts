import { Command } from "commander";
import { completionVerbs } from "./completion";
import { lookingVerbs } from "./looking";
import { offlineVerbs } from "./offline";
import { printableError } from "./printable";
import { rolloutVerbs } from "./rollouts";

/**
 * The command line. Parsing never exits by itself: the exit code of the verb that ran is left in `process.exitCode`.
 *
 * @param args what will be parsed; errors quote it, and are made fit for a terminal
 */
export function commandLine(args: readonly string[] = process.argv.slice(2)): Command {
  const program = new Command("canary")
    .description("Progressive delivery as a Pulumi program: weighted canaries, judged by Prometheus, promoted or sent home.")
    .exitOverride()
    .configureOutput({ outputError: (text, write) => write(printableError(text, args)) })
    .showHelpAfterError("(add --help for the arguments)")
    .addHelpText("after", `
Examples:
  $ canary deploy v1.3.0 --stack production
  $ canary status --watch --stack production
  $ canary rollback --stack production --reason "customers call"
  $ canary help deploy`);
  program.commandsGroup("Verbs that change a stack:");
  rolloutVerbs(program);
  program.commandsGroup("Verbs that look at a stack:");
  lookingVerbs(program);
  program.commandsGroup("Verbs that need no stack:");
  offlineVerbs(program);
  completionVerbs(program);
  return program;
}
