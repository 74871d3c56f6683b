import * as fs from "node:fs";
import * as path from "node:path";
import { ImageTable, type Images } from "../cluster/images";
import type { Cluster } from "../cluster/launch";
import type { ClusterFiles } from "../cluster/state";
import { runCanary } from "../demo/driver";
import { createProject, DEMO_ROLLOUT, type DemoProject } from "../demo/project";
import { SandboxError } from "../errors";
import type { Toolchain } from "../toolchain";
import { install } from "./install";
import type { GivenImage } from "./source";

/** The stack of a user's own images. */
export const STACK = "sandbox";
const PORT = 8080;
export const hostOf = (service: string): string => `${service}.example`;

/** Stages of seconds, where production looks for minutes; a previous version stays ten minutes, so that `canary undo` can be tried. */
const ROLLOUT = { ...DEMO_ROLLOUT, undoWindow: "10m" };

/** A folder of the version's own, which file servers serve: its page says which version answers. */
function folderOf(files: ClusterFiles, { name, tag }: GivenImage): string {
  const folder = files.file("images", `${name}-${tag}`);
  fs.mkdirSync(folder, { recursive: true, mode: 0o700 });
  fs.writeFileSync(path.join(folder, "index.html"), `${name} ${tag}\n`);
  return folder;
}

/** Adds a user's images to a cluster. @throws SandboxError when a program cannot be had */
export async function addImages(files: ClusterFiles, given: readonly GivenImage[]): Promise<void> {
  const table = new ImageTable(files);
  for (const image of given) {
    const { command, files: parts } = await install(image.source);
    const images: Images = { [image.name]: { command: [...command], tags: { [image.tag]: {} }, programs: { [image.tag]: { command: [...command], workingDir: folderOf(files, image), files: [...parts] } } } };
    table.add(images);
  }
}

const HEADER = `# The stack file of your images in the sandbox: \`canary\` reads it and edits its rollout keys, and so may you.
# Every key: docs/config.md. Stages take seconds here, where production looks for minutes.
`;

/** Writes a stack with a service for each image name, and creates it. @throws SandboxError when Pulumi cannot */
export async function createStack(cluster: Cluster, tools: Toolchain, names: readonly string[]): Promise<DemoProject> {
  const service = (name: string): object => ({
    image: name, port: PORT, hosts: [hostOf(name)], health: "/",
    workload: { replicas: 2, env: { PORT: String(PORT) }, drain: "2s", progressDeadline: "30s" },
  });
  const project = createProject(cluster, tools, STACK, { namespace: STACK, services: Object.fromEntries(names.map((name) => [name, service(name)])), rollout: ROLLOUT });
  fs.writeFileSync(project.stackFile, HEADER + fs.readFileSync(project.stackFile, "utf8"));
  const run = await runCanary(project, ["init"]);
  if (run.exitCode !== 0) throw new SandboxError(`The stack cannot be created: ${run.stderr || run.events.at(-1)?.message}`.trim());
  return project;
}
