import { spawn } from "node:child_process";
import * as fs from "node:fs";
import * as path from "node:path";
import type { RecordedKeys } from "../../components/record/format";
import { inWords } from "../../components/record/stale";

export interface CommitOptions {
  /** Push the branch afterwards. Default false. */
  readonly push?: boolean;
  /** Milliseconds after which git is stopped, hooks and a push included. Default 60 000. */
  readonly timeout?: number;
}

/** Message of the commit of a stack file, e.g. `canary: v1.3.0 at weight 25 (stack production)`. */
export const commitMessage = (stack: string, keys: RecordedKeys): string => `canary: ${inWords(keys).split(", ").at(-1)} (stack ${stack})`;

/**
 * Commits one file, as it is on disk, to the branch that is checked out, and nothing else: what is staged stays staged. Never rejects:
 * traffic matters more than its bookkeeping.
 *
 * @returns a sentence for a person, what was done or why not; undefined when the file is committed already
 */
export async function commitFile(file: string, message: string, { push = false, timeout = 60_000 }: CommitOptions = {}): Promise<string | undefined> {
  const name = path.basename(file);
  try {
    // Not through a symbolic link: git takes no path beyond one.
    const git = gitIn(fs.realpathSync(path.dirname(path.resolve(file))), timeout);
    const branch = await branchOf(git);
    const state = (await git("status", "--porcelain", "--ignored", "--untracked-files=all", "--", name)).slice(0, 2);
    if (state === "??" || state === "!!") throw new GitTrouble(`git does not track it: run \`git add ${state === "!!" ? "--force " : ""}${name}\` once`);
    if (state === "") return undefined;
    await git("commit", "--quiet", "--only", "--message", message, "--", name);
    const commit = (await git("rev-parse", "--short", "HEAD")).trim();
    if (!push) return `${name} is committed (${commit} on ${branch}).`;
    return `${name} is committed (${commit} on ${branch})${await pushed(git, branch)}`;
  } catch (cause) {
    return `${name} is not committed: ${cause instanceof GitTrouble ? cause.message : `git said "${said(cause as Error)}"`}.`;
  }
}

/** Why git cannot be used here; a clause. */
class GitTrouble extends Error {}

/** A git command that failed; the message is what it wrote. */
class GitFailed extends Error {}

type Git = (...args: string[]) => Promise<string>;

/** The branch that is checked out. @throws GitTrouble where a commit would be lost, or would become part of something else */
async function branchOf(git: Git): Promise<string> {
  const dir = (await git("rev-parse", "--absolute-git-dir").catch((cause: Error) => {
    if (/not a git repository/.test(cause.message)) throw new GitTrouble("it is in no git repository");
    throw cause;
  })).trim();
  const running = Object.entries(UNDER_WAY).find(([trace]) => fs.existsSync(path.join(dir, trace)));
  if (running) throw new GitTrouble(`${running[1]} is under way in this checkout: end it, then run \`canary sync --commit\``);
  const branch = await git("symbolic-ref", "--quiet", "--short", "HEAD").catch(() => "");
  if (branch === "") throw new GitTrouble("this checkout is on no branch, where a commit would be lost: check the branch out (in CI: by its name, not by its commit) and run `canary sync --commit`");
  return branch.trim();
}

const UNDER_WAY: Readonly<Record<string, string>> = {
  MERGE_HEAD: "a merge",
  CHERRY_PICK_HEAD: "a cherry-pick",
  REVERT_HEAD: "a revert",
  "rebase-merge": "a rebase",
  "rebase-apply": "a rebase",
  BISECT_LOG: "a bisection",
};

/** Pushes the branch to where it came from; the end of a sentence. */
async function pushed(git: Git, branch: string): Promise<string> {
  const setting = (key: string): Promise<string> => git("config", `branch.${branch}.${key}`).then((s) => s.trim(), () => "");
  const [remote, merge] = [(await setting("remote")) || "origin", (await setting("merge")) || `refs/heads/${branch}`];
  const target = `${remote}/${merge.replace(/^refs\/heads\//, "")}`;
  try {
    await git("push", "--quiet", "--porcelain", remote, `HEAD:${merge}`);
    return ` and pushed to ${target}.`;
  } catch (cause) {
    const { message } = cause as Error;
    if (/\((fetch first|non-fast-forward|stale info)\)|\[rejected\]/.test(message))
      return `, but not pushed: ${target} has moved on meanwhile; run \`git pull --rebase\` and \`git push\`, or \`canary sync --commit --push\` in a fresh checkout.`;
    return `, but not pushed to ${target}: git said "${said(cause as Error)}".`;
  }
}

/** What a person needs of git's words: the first complaint, without its prefix. */
function said({ message }: Error): string {
  if (/tell me who you are|ident name|no email was given|auto-detect email/i.test(message)) return "who are you? (set user.name and user.email)";
  const lines = message.split("\n").map((line) => line.trim()).filter((line) => line !== "" && !line.startsWith("hint:"));
  const complaint = lines.find((line) => /^(fatal|error|remote: error|!\s)/.test(line)) ?? lines[0] ?? "nothing";
  return complaint.replace(/^(remote: )?(fatal|error): /, "").replace(/\.$/, "").slice(0, 300);
}

/**
 * Runs git in a folder. In a session of its own: a question for a password finds no terminal and fails at once, and Ctrl-C at the
 * terminal does not end a commit half-way.
 */
const gitIn = (cwd: string, timeout: number): Git => (...args) =>
  new Promise((resolve, reject) => {
    const env = { ...process.env, LC_ALL: "C", GIT_TERMINAL_PROMPT: "0", GIT_EDITOR: "true" };
    const child = spawn("git", ["--literal-pathspecs", ...args], { cwd, env, detached: true, stdio: ["ignore", "pipe", "pipe"] });
    let [out, complaints, late] = ["", "", false];
    child.stdout.setEncoding("utf8").on("data", (text: string) => (out += text));
    child.stderr.setEncoding("utf8").on("data", (text: string) => (complaints += text));
    const timer = setTimeout(() => {
      late = true;
      stopGroup(child.pid);
    }, timeout);
    child.on("error", (cause: NodeJS.ErrnoException) => {
      clearTimeout(timer);
      reject(cause.code === "ENOENT" ? new GitTrouble("there is no `git` on PATH") : cause);
    });
    child.on("close", (code) => {
      clearTimeout(timer);
      if (late) reject(new GitTrouble(`\`git ${args[0]}\` took longer than ${timeout / 1000} s and was stopped`));
      else if (code === 0) resolve(out);
      else reject(new GitFailed(`${complaints}\n${out}`));
    });
  });

/** A hook's own processes are of the group too. */
function stopGroup(pid: number | undefined): void {
  try {
    if (pid !== undefined) process.kill(-pid, "SIGTERM");
  } catch {
    // It has ended by itself.
  }
}
