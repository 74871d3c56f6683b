import { SETTINGS, type Group, type Setting } from "./table";

const TITLES: Readonly<Record<Group, string>> = {
  deploy: "What `canary deploy` rolls out",
  rollout: "How a canary is moved and judged",
  cluster: "Which cluster",
  calls: "The driver's own calls",
};

const cell = (text: string): string => text.replace(/\|/g, "\\|");

const row = ({ names, help, over, systems }: Setting<unknown>): string => {
  const flags = names.flatMap(({ flag }) => (flag === undefined ? [] : `\`${flag}\``)).join(", ");
  const variables = names.flatMap(({ env }) => (env === undefined ? [] : `\`${env}\``)).join(", ");
  return `| ${[flags, variables, help, over === undefined ? "" : `\`${over}\``, systems].map(cell).join(" | ")} |`;
};

/** The tables of docs/settings.md, below its introduction. `node dist/driver/settings/docs.js` prints them. */
export function settingsTables(): string {
  const all = Object.values(SETTINGS) as Setting<unknown>[];
  return (Object.keys(TITLES) as Group[]).map((group) =>
    [`## ${TITLES[group]}`, "", "| flag | variable | meaning | stands over | system |", "|---|---|---|---|---|", ...all.filter((s) => s.group === group).map(row), ""].join("\n")).join("\n");
}

if (require.main === module) process.stdout.write(settingsTables());
