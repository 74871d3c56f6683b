import { Option, type Command } from "commander";
import { UsageError } from "../errors";
import { SETTINGS, type Group, type Setting } from "./table";

/** The help of a flag: what it does, and the variable of the same effect. */
const helpOf = ({ help, names }: Setting<unknown>): string => {
  const variables = names.flatMap(({ env }) => env ?? []);
  return variables.length > 0 ? `${help} (env: ${variables.join(", ")})` : help;
};

/** Values are texts here and parsed by `readSettings`, which knows the environment too. */
function addGroup(command: Command, group: Group): void {
  for (const setting of Object.values(SETTINGS) as Setting<unknown>[]) {
    if (setting.group !== group) continue;
    const flags = setting.names.flatMap(({ flag, help }) => (flag === undefined ? [] : [{ flag, help }]));
    const first = flags[0]?.flag.split(" ")[0];
    flags.forEach(({ flag, help }, i) => command.addOption(new Option(flag, help ?? (i === 0 ? helpOf(setting) : `the same as ${first}`))));
  }
}

/** Adds `--stack`, its alias `--env`, and what chooses the cluster: for every verb that works on a stack. The stack's name is the option `stack`. */
export function stackOptions(command: Command): Command {
  command
    .addOption(new Option("-s, --stack <name>", "the Pulumi stack").env("PULUMI_STACK").makeOptionMandatory())
    .addOption(new Option("--env <name>", "the same as --stack").env("DEPLOYMENT_ENVIRONMENT"));
  const differs = (): void => {
    const { stack, env } = command.opts<{ stack?: string; env?: string }>();
    if (env !== undefined && stack !== env) throw new UsageError(`--stack is ${JSON.stringify(stack)} and --env is ${JSON.stringify(env)}: they name the same, so give one of them.`);
  };
  command.on("option:env", (name: string) => {
    if (command.getOptionValueSource("stack") !== "cli") command.setOptionValueWithSource("stack", name, "cli");
    differs();
  });
  command.on("option:stack", differs);
  // Only a variable: any flag, and PULUMI_STACK, stand over it.
  command.on("optionEnv:env", (name: string) => {
    if (name !== "" && command.getOptionValue("stack") === undefined) command.setOptionValueWithSource("stack", name, "env");
  });
  addGroup(command, "cluster");
  return command;
}

/** Adds what says how a canary is judged and moved: for `deploy`, `resume` and what else goes through stages. */
export function rolloutOptions(command: Command): Command {
  addGroup(command, "rollout");
  return command;
}

/** Adds every option of `deploy` but those of {@link stackOptions}. */
export function deployOptions(command: Command): Command {
  addGroup(command, "deploy");
  return rolloutOptions(command);
}
