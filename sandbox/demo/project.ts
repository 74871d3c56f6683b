import { randomBytes } from "node:crypto";
import * as fs from "node:fs";
import * as path from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { parse, stringify } from "yaml";
import type { Cluster } from "../cluster/launch";
import type { ClusterFiles } from "../cluster/state";
import type { Toolchain } from "../toolchain";
import { SHOP_IMAGE } from "./images";

const CHECKOUT = path.resolve(__dirname, "../../..");

export const SHOP_HOST = "shop.example";

/** A Pulumi project of the checkout's program with a stack of its own, in the cluster's folder: neither the checkout nor the user's Pulumi account is touched. */
export interface DemoProject {
  readonly dir: string;
  readonly stack: string;
  readonly stackFile: string;
  /** Environment for the driver and for the Pulumi CLI. */
  readonly env: NodeJS.ProcessEnv;
  /** Command that runs another where the project is, e.g. on a disk of its own. */
  readonly within?: readonly string[];
}

/** Values of the stack file that a project may replace, by key without the `canary:` prefix. */
export type StackValues = Readonly<Record<string, unknown>>;

/** The rollout of the demo: a dwell of seconds, where production looks for minutes. */
export const DEMO_ROLLOUT: StackValues = {
  stages: [{ weight: 5, dwell: "5s" }, { weight: 25 }, { weight: 50 }, { weight: 100 }],
  warmUp: "0s",
  undoWindow: "0s",
  verifyTimeout: "30s",
};

const shopService = { image: SHOP_IMAGE, port: 8080, hosts: [SHOP_HOST], workload: { drain: "2s", progressDeadline: "30s" } };

/** One for all stacks of a cluster, which one command may work on together. */
function passphrase(home: string): string {
  const file = path.join(home, "passphrase");
  if (!fs.existsSync(file)) fs.writeFileSync(file, randomBytes(12).toString("hex"), { mode: 0o600 });
  return fs.readFileSync(file, "utf8");
}

/** Where a cluster's stack files are. */
export const projectFolder = (files: ClusterFiles): string => files.file("project");

/** Writes the project's files; the values of `overrides` replace the demo's. */
export function createProject(cluster: Cluster, tools: Toolchain, stack = "demo", overrides: StackValues = {}): DemoProject {
  const dir = projectFolder(cluster.files);
  fs.mkdirSync(dir, { recursive: true, mode: 0o700 });
  const project = parse(fs.readFileSync(path.join(CHECKOUT, "Pulumi.yaml"), "utf8")) as Record<string, unknown>;
  // Once: several stacks share the project, and a reader must never see it half written.
  const projectFile = path.join(dir, "Pulumi.yaml");
  if (!fs.existsSync(projectFile)) fs.writeFileSync(projectFile, stringify({ ...project, main: path.join(CHECKOUT, "index.ts") }));
  const values: StackValues = {
    namespace: "shop",
    weight: 0,
    services: { shop: shopService },
    rollout: DEMO_ROLLOUT,
    ingressUrl: cluster.url("ingress"),
    analysis: { prometheus: cluster.url("prometheus"), source: "traefik", scrapeInterval: "1s", gates: { preset: "C" } },
    ...overrides,
  };
  const stackFile = path.join(dir, `Pulumi.${stack}.yaml`);
  fs.writeFileSync(stackFile, stringify({ config: Object.fromEntries(Object.entries(values).map(([k, v]) => [`canary:${k}`, v])) }));
  return { dir, stack, stackFile, env: { ...tools.env(), ...accountOf(cluster.files) } };
}

/** Where Pulumi's backend of files keeps what it knows of a project's stacks. */
export const backendFolder = ({ env }: DemoProject): string => path.join(fileURLToPath(env.PULUMI_BACKEND_URL!), ".pulumi");

/** The state of a project's stack. */
export const stateFileOf = (project: DemoProject): string => path.join(backendFolder(project), "stacks", "canary", `${project.stack}.json`);

/** The cluster and a Pulumi account that is in the cluster's folder and goes with it. */
export function accountOf(files: ClusterFiles): Readonly<Record<string, string>> {
  const home = files.file("pulumi");
  fs.mkdirSync(home, { recursive: true, mode: 0o700 });
  return {
    KUBECONFIG: files.kubeconfig,
    PULUMI_HOME: path.join(home, "home"),
    PULUMI_BACKEND_URL: pathToFileURL(home).href,
    PULUMI_CONFIG_PASSPHRASE: passphrase(home),
    PULUMI_SKIP_UPDATE_CHECK: "true",
  };
}
