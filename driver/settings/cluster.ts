import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { meaningOf, parseYaml } from "../../components/config/yaml";
import type { ClusterChoice } from "../cluster/client";
import { show } from "../../components/config/problems";
import { UsageError } from "../errors";
import { reasonOf } from "../text-file";
import type { Environment } from "./read";
import type { Given, Settings } from "./table";

/** The cluster that a verb works on. */
export interface ChosenCluster {
  /** For the driver's own calls. */
  readonly choice: ClusterChoice;
  /** For Pulumi: KUBECONFIG, where flags or the environment chose the cluster. */
  readonly env: Readonly<Record<string, string>>;
  /** Removes the files that were written for it; the end of the process does so too. */
  dispose(): void;
}

/** The base64 kubeconfig that belongs to a stack by its name: KUBE_CONFIG_PROD for production and prod, KUBE_CONFIG_STAGING for staging. */
function encodedFor(stack: string, { kubeConfigProd, kubeConfigStaging }: Settings): Given<string> | undefined {
  const name = stack.split("/").pop()!;
  return name === "production" || name === "prod" ? kubeConfigProd : name === "staging" ? kubeConfigStaging : undefined;
}

/** The kubeconfig that a variable holds. Only that of the stack at hand is looked at, and no sentence shows what is in it. */
function decoded({ name, value }: Given<string>): string {
  const compact = value.replace(/\s+/g, "");
  const text = Buffer.from(compact, "base64").toString("utf8");
  // Buffer skips what is no base64; the way back tells.
  if (Buffer.from(text).toString("base64").replace(/=+$/, "") !== compact.replace(/=+$/, "")) throw new UsageError(`${name} is no base64: set it to what \`base64 -w0 < kubeconfig\` writes.`);
  let config: unknown;
  try {
    config = meaningOf(parseYaml(text));
  } catch {
    throw new UsageError(`${name} holds no kubeconfig: its text is no valid YAML.`);
  }
  const { clusters, contexts } = (config ?? {}) as { clusters?: unknown; contexts?: unknown };
  if (!Array.isArray(clusters) || !Array.isArray(contexts)) throw new UsageError(`${name} holds no kubeconfig: it must have clusters and contexts.`);
  return text;
}

function checkFile({ name, value }: Given<string>): string {
  if (value === "") throw new UsageError(`${name} is empty: name a kubeconfig's file.`);
  const file = path.resolve(value);
  try {
    fs.accessSync(file, fs.constants.R_OK);
    if (!fs.statSync(file).isDirectory()) return file;
  } catch (cause) {
    throw new UsageError(`${name} is ${show(value)}, which cannot be read (${reasonOf(cause)}): name a kubeconfig's file.`, { cause });
  }
  throw new UsageError(`${name} is ${show(value)}, which is a folder: name a kubeconfig's file.`);
}

/** Pulumi's provider takes what the stack file says before anything else, so that the driver would watch one cluster and change another. */
function checkAgreement(stack: string, configured: ClusterChoice, file: Given<string> | undefined, context: Given<string> | undefined): void {
  const where = `the stack file of ${stack}`;
  if (file && configured.kubeconfig !== undefined) throw new UsageError(`${file.name} and kubernetes:kubeconfig in ${where} both choose a cluster, and Pulumi would take the latter: leave one of them out.`);
  if (!context) return;
  if (configured.context !== undefined && configured.context !== context.value) throw new UsageError(`${context.name} is ${JSON.stringify(context.value)}, and kubernetes:context in ${where} is ${JSON.stringify(configured.context)}, which Pulumi would take: leave one of them out.`);
  if (configured.context === undefined && configured.kubeconfig !== undefined) throw new UsageError(`${context.name} cannot be told to Pulumi while ${where} has kubernetes:kubeconfig: set kubernetes:context there.`);
}

/** Files in a folder that only their owner can read, gone when the process ends. */
class PrivateFiles {
  private dir: string | undefined;
  private readonly remove = (): void => this.dispose();

  write(name: string, text: string): string {
    if (this.dir === undefined) {
      this.dir = fs.mkdtempSync(path.join(os.tmpdir(), "canary-kube-"));
      process.once("exit", this.remove);
    }
    const file = path.join(this.dir, name);
    fs.writeFileSync(file, text, { mode: 0o600 });
    return file;
  }

  dispose(): void {
    process.removeListener("exit", this.remove);
    if (this.dir !== undefined) fs.rmSync(this.dir, { recursive: true, force: true });
    this.dir = undefined;
  }
}

/**
 * The cluster of a stack: by --kubeconfig, KUBE_CONFIG_PROD or KUBE_CONFIG_STAGING, and --context, or else as the stack file says. Pulumi
 * is told by KUBECONFIG; a context by a first file of it that names nothing else, because of several files the first counts.
 *
 * @param configured what the stack file says of its Kubernetes provider
 * @throws UsageError with one sentence, which never shows what a kubeconfig contains
 */
export function chooseCluster(stack: string, settings: Settings, configured: ClusterChoice, environment: Environment = process.env): ChosenCluster {
  const { context, kubeconfig: named } = settings;
  const encoded = named ? undefined : encodedFor(stack, settings);
  checkAgreement(stack, configured, named ?? encoded, context);
  const contents = encoded && decoded(encoded);
  const given = named && checkFile(named);
  const files = new PrivateFiles();
  const file = given ?? (contents && files.write("kubeconfig", contents));
  const choice: ClusterChoice = { ...configured, ...(file === undefined ? {} : { kubeconfig: file }), ...(context ? { context: context.value } : {}) };
  const usual = file ?? (environment.KUBECONFIG || path.join(os.homedir(), ".kube", "config"));
  const switched = context && configured.context === undefined;
  const first = switched ? [files.write("context", JSON.stringify({ apiVersion: "v1", kind: "Config", "current-context": context.value }))] : [];
  const env: Record<string, string> = file !== undefined || switched ? { KUBECONFIG: [...first, usual].join(path.delimiter) } : {};
  return { choice, env, dispose: () => files.dispose() };
}
