import { spawn, type ChildProcess } from "node:child_process";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { parse, parseAllDocuments } from "yaml";

export const CHECKOUT = path.resolve(__dirname, "../../../..");

/** A workflow as a file of GitHub Actions has it, as far as tests look. */
export interface Workflow {
  readonly on: Readonly<Record<string, { readonly inputs?: Readonly<Record<string, { readonly default?: unknown; readonly required?: boolean }>> } | null>>;
  readonly permissions?: unknown;
  readonly jobs: Readonly<Record<string, Job>>;
}

interface Job {
  readonly uses?: string;
  readonly with?: Readonly<Record<string, unknown>>;
  readonly permissions?: Readonly<Record<string, string>>;
  readonly concurrency?: { readonly group: string; readonly "cancel-in-progress": boolean };
  readonly steps?: readonly Step[];
}

export interface Step {
  readonly name?: string;
  readonly id?: string;
  readonly uses?: string;
  readonly if?: string;
  readonly run?: string;
  readonly env?: Readonly<Record<string, string>>;
}

export const GITHUB_FILES = [".github/workflows/canary.yml", "ci/github/deploy.yml", "ci/github/manual.yml"] as const;
export const GITLAB_FILE = "ci/gitlab/canary.gitlab-ci.yml";

const textOf = (file: string): string => fs.readFileSync(path.join(CHECKOUT, file), "utf8");

export const workflow = (file: (typeof GITHUB_FILES)[number]): Workflow => parse(textOf(file)) as Workflow;

/** A step of the reusable workflow by its name. */
export function stepOf(name: string): Step & { readonly run: string } {
  const step = workflow(GITHUB_FILES[0]).jobs["canary"]!.steps!.find((s) => s.name === name);
  if (step?.run === undefined) throw new Error(`There is no step ${name} with a script.`);
  return step as Step & { readonly run: string };
}

/** What whoever includes the GitLab template may say. */
export const gitlabInputs = (): Readonly<Record<string, { readonly type?: string }>> =>
  (parseAllDocuments(textOf(GITLAB_FILE))[0]!.toJS() as { readonly spec: { readonly inputs: Readonly<Record<string, { readonly type?: string }>> } }).spec.inputs;

/** Jobs of the GitLab template as they stand in the file, with their inputs' names in place. */
export const gitlabJobs = (): Readonly<Record<string, Readonly<Record<string, unknown>>>> =>
  parseAllDocuments(textOf(GITLAB_FILE))[1]!.toJS() as Readonly<Record<string, Readonly<Record<string, unknown>>>>;

/** A script of the GitLab template's jobs: the same for all of them. */
export const gitlabScript = (part: "before_script" | "script" | "after_script"): string =>
  (Object.values(gitlabJobs())[0]![part] as readonly string[]).join("\n");

export interface StepRun {
  readonly code: number | null;
  readonly output: string;
  /** What the step wrote into GITHUB_OUTPUT, GITHUB_ENV and GITHUB_STEP_SUMMARY. */
  readonly outputs: string;
  readonly environment: string;
  readonly summary: string;
  /** Arguments of each call of the stand-in for the driver. */
  readonly calls: readonly (readonly string[])[];
}

/** What stands in for the driver: notes its arguments, and ends with the exit code that is asked for, by verb if several are. */
const STAND_IN = `
const fs = require("node:fs");
fs.appendFileSync(process.env.CALLS, JSON.stringify(process.argv.slice(2)) + "\\n");
const [verb] = process.argv.slice(2);
const codes = JSON.parse(process.env.CODES ?? "{}");
const end = (code) => { if (process.env.GITHUB_OUTPUT) fs.appendFileSync(process.env.GITHUB_OUTPUT, "exit-code=" + code + "\\n"); process.exit(code); };
console.log("stand-in: " + verb);
if (process.env.WAITS === verb) { process.on("SIGINT", () => end(130)); process.on("SIGTERM", () => end(130)); setInterval(() => {}, 1000); console.log("driving"); }
else end(codes[verb] ?? 0);
`;

/** A folder in which steps run, as a runner's job has it. */
export class Runner {
  readonly dir = fs.mkdtempSync(path.join(os.tmpdir(), "canary-step-"));
  readonly driver = this.file("driver.js");

  constructor() {
    fs.writeFileSync(this.driver, STAND_IN);
  }

  file(name: string): string {
    return path.join(this.dir, name);
  }

  read(name: string): string {
    return fs.existsSync(this.file(name)) ? fs.readFileSync(this.file(name), "utf8") : "";
  }

  /** Starts a script as GitHub's runner starts one with `shell: bash`: nothing of this process's environment is in it but PATH. */
  start(script: string, env: NodeJS.ProcessEnv, cwd = this.dir): ChildProcess {
    fs.writeFileSync(this.file("script.sh"), script);
    return spawn("bash", ["--noprofile", "--norc", "-eo", "pipefail", this.file("script.sh")], { cwd, env: { ...this.files(), ...env }, stdio: ["ignore", "pipe", "pipe"] });
  }

  async run(script: string, env: NodeJS.ProcessEnv): Promise<StepRun> {
    this.clear();
    return this.end(this.start(script, env));
  }

  /** Empties what steps have written. */
  clear(): void {
    for (const name of ["calls", "outputs", "environment", "summary"]) fs.writeFileSync(this.file(name), "");
  }

  async end(child: ChildProcess): Promise<StepRun> {
    let output = "";
    for (const stream of [child.stdout!, child.stderr!]) stream.on("data", (chunk: Buffer) => (output += chunk.toString()));
    const code = await new Promise<number | null>((resolve) => child.on("close", resolve));
    const calls = this.read("calls").split("\n").filter(Boolean).map((line) => JSON.parse(line) as string[]);
    return { code, output, calls, outputs: this.read("outputs"), environment: this.read("environment"), summary: this.read("summary") };
  }

  remove(): void {
    fs.rmSync(this.dir, { recursive: true, force: true });
  }

  private files(): NodeJS.ProcessEnv {
    return { PATH: process.env.PATH, HOME: this.dir, CALLS: this.file("calls"), RUNNER_TEMP: this.dir, GITHUB_OUTPUT: this.file("outputs"), GITHUB_ENV: this.file("environment"), GITHUB_STEP_SUMMARY: this.file("summary"), DRIVER: this.driver };
  }
}

/** Values that a shell, a workflow command or an option parser could take for something else. */
export const HOSTILE = ["$(touch pwned)", "`touch pwned`", "x; touch pwned", "\" && touch pwned && \"", "' ; touch pwned #", "--abandoned", "-x", "${IFS}touch${IFS}pwned", "a b\tc", "*", "v1\n::set-output name=x::y", "$GITHUB_OUTPUT"];
