/** What Pulumi says of its own surroundings, and what to do about it. */
const REMEDIES: readonly (readonly [RegExp, string])[] = [
  [/failed to load checkpoint/i, "the stack's state is damaged, as a full disk leaves it: put its latest whole copy back (with a backend of files NAME.json.bak beside NAME.json, or where that is cut off too the newest NAME-*.checkpoint.json in .pulumi/history)"],
  // Of all that Pulumi reads, only a lock's error is told without what it is about.
  [/unexpected end of JSON input/i, "a lock of the stack is cut off, as a full disk leaves it: `pulumi cancel` removes it"],
  [/incorrect passphrase|passphrase must be set/i, "set PULUMI_CONFIG_PASSPHRASE, or PULUMI_CONFIG_PASSPHRASE_FILE, to the passphrase of this stack"],
  [/PULUMI_ACCESS_TOKEN must be set|invalid access token|\b401\b.*unauthorized/i, "set PULUMI_ACCESS_TOKEN, or PULUMI_BACKEND_URL to the backend that you use"],
  [/unable to open bucket|could not (open|list) bucket|unknown (scheme|backend)|no driver registered/i, "set PULUMI_BACKEND_URL to the backend that has the stack, or choose it with `pulumi login`"],
];

/** Pulumi's words as a sentence, and after it what to do where that is known. */
export function withRemedy(said: string): string {
  const remedy = REMEDIES.find(([symptom]) => symptom.test(said))?.[1];
  return remedy === undefined ? said.replace(/\.?$/, ".") : `${said.replace(/\.$/, "")}: ${remedy}.`;
}

/** The sentence for a CLI that is not there, or none that can be driven; undefined where it is something else. */
export function cliProblem(message: string): string | undefined {
  if (/spawn \S*pulumi\S* (ENOENT|EACCES)/.test(message)) return "The Pulumi CLI is not found: install it, or add its folder to PATH.";
  const [, need, have] = /minimum CLI version requirement is (\S+), your current CLI version is (\S+?)\.(?:\s|$)/.exec(message) ?? [];
  if (have) return `The Pulumi CLI is ${have}, and ${need} or newer is needed: install a newer one.`;
  if (/Failed to parse Pulumi CLI version/.test(message)) return "The Pulumi CLI does not tell its version: see what `pulumi version` says, and install it anew.";
  const [, code] = /Command failed with exit code (\d+): \S*pulumi version/.exec(message) ?? [];
  return code === undefined ? undefined : `The Pulumi CLI cannot be used: \`pulumi version\` ends with exit code ${code}.`;
}
