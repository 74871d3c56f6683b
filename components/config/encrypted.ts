import { keyPath } from "./problems";

type Path = readonly string[];

const isMap = (value: unknown): value is Readonly<Record<string, unknown>> => typeof value === "object" && value !== null;

/** Paths of what `pulumi config set --secret` wrote. */
function encryptedIn(value: unknown, path: Path): Path[] {
  if (!isMap(value)) return [];
  if (typeof value["secure"] === "string") return [path];
  return Object.entries(value).flatMap(([key, inner]) => encryptedIn(inner, [...path, key]));
}

/** The driver alone reads who is told and who must approve, and it reads the stack file without the key that opens what Pulumi encrypted. */
export function encryptedProblems(data: Readonly<Record<string, unknown>>): string[] {
  const approvals = isMap(data["rollout"]) ? data["rollout"]["approvals"] : undefined;
  return [...encryptedIn(data["notifications"], ["notifications"]), ...encryptedIn(approvals, ["rollout", "approvals"])].map((path) =>
    `${keyPath(path)} is a Pulumi secret, which the driver does not decrypt: put the value into an environment variable and write that variable's name instead, such as urlFrom: SLACK_WEBHOOK_URL.`);
}
