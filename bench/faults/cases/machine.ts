import { spawn, type ChildProcess } from "node:child_process";
import * as fs from "node:fs";
import * as path from "node:path";
import { pathToFileURL } from "node:url";
import { setTimeout as sleep } from "node:timers/promises";
import { backendFolder, stateFileOf, type DemoProject } from "../../../sandbox/demo/project";
import type { FaultCase } from "../case";
import type { Scene } from "../scene";

const stateFile = ({ project }: Scene): string => stateFileOf(project);

function isWhole(file: string): boolean {
  try {
    return Boolean(JSON.parse(fs.readFileSync(file, "utf8")));
  } catch {
    return false;
  }
}

const locks = ({ project }: Scene): string => path.join(backendFolder(project), "locks", "organization", "canary", project.stack);

function lock(scene: Scene): string {
  const folder = locks(scene);
  fs.mkdirSync(folder, { recursive: true });
  const file = path.join(folder, "a-neighbour.json");
  fs.writeFileSync(file, JSON.stringify({ pid: 4242, username: "ann", hostname: "another-machine", timestamp: new Date().toISOString() }));
  return file;
}

/** Megabytes of the small disk: project, state and nothing else. */
const DISK = 24;
const HOLDERS: ChildProcess[] = [];

/** Moves project and state onto a small disk that only processes see which are started within it. */
async function ownDisk(project: DemoProject): Promise<DemoProject> {
  const mount = path.join(path.dirname(project.dir), `disk-${project.stack}`);
  fs.mkdirSync(mount);
  const script = `mount -t tmpfs -o size=${DISK}m none "$0" && mkdir "$0/project" "$0/state" && cp "$1"/Pulumi.yaml "$2" "$0/project/" && echo ready && exec sleep 600`;
  const holder = spawn("unshare", ["--user", "--map-root-user", "--mount", "sh", "-c", script, mount, project.dir, project.stackFile], { stdio: ["ignore", "pipe", "inherit"] });
  await new Promise((resolve) => holder.stdout.once("data", resolve));
  holder.unref();
  HOLDERS.push(holder);
  const dir = path.join(mount, "project");
  return {
    ...project, dir, stackFile: path.join(dir, path.basename(project.stackFile)),
    env: { ...project.env, PULUMI_BACKEND_URL: pathToFileURL(path.join(mount, "state")).href },
    within: ["nsenter", "--target", String(holder.pid), "--user", "--preserve-credentials", "--mount", "--"],
  };
}

/** Ends what keeps the small disks, where it has not ended by itself. */
export const endDisks = (): void => HOLDERS.splice(0).forEach((holder) => void holder.kill("SIGKILL"));

const inside = ({ project }: Scene, command: string): Promise<number | null> => {
  const [first, ...rest] = [...project.within!, "sh", "-c", command];
  const child = spawn(first!, rest, { stdio: "ignore", env: project.env });
  return new Promise((resolve) => child.on("close", resolve));
};
const historyOf = ({ project }: Scene): string => path.join(backendFolder(project), "history", "canary", project.stack);

/** Pulumi does not write its files in one piece: what a full disk has cut off is put back, or cancelled, as the driver's messages say. */
const PUT_BACK = `const fs = require("fs"), [state, history] = process.argv.slice(1);
  const whole = (file) => { try { return JSON.parse(fs.readFileSync(file)); } catch {} };
  const copies = fs.readdirSync(history).filter((name) => name.endsWith(".checkpoint.json")).sort().reverse().map((name) => history + "/" + name);
  if (!whole(state)) fs.copyFileSync([state + ".bak", ...copies].find(whole), state);`;

const fillerOf = ({ project }: Scene): string => path.join(path.dirname(project.dir), "filler");

/** The driver's own machine, its disk and its state. */
export const MACHINE_CASES: readonly FaultCase[] = [
  {
    name: "the disk of project and state is full", exits: [1, 3], ends: ["v1", "v2"], says: /space|disk|ENOSPC/i, place: ownDisk,
    fault: (s) => inside(s, `dd if=/dev/zero of="${fillerOf(s)}" bs=1M count=${DISK + 1}`),
    mend: (s) => inside(s, `rm -f "${fillerOf(s)}"; node -e '${PUT_BACK}' "${stateFile(s)}" "${historyOf(s)}"; find "${locks(s)}" -type f -empty | grep -q . && pulumi cancel --yes --cwd "${s.project.dir}" --stack ${s.project.stack}`),
  },
  {
    name: "somebody else's update holds the stack", exits: [3], ends: ["v2"], says: /locked by another update \(ann@another-machine \(pid 4242\)/,
    fault: async (s) => lock(s), mend: async (s) => fs.rmSync(lock(s)),
  },
  {
    name: "the passphrase is wrong from the beginning", exits: [1, 3, 64], ends: ["v2"], says: /passphrase/i,
    prepare: async (s) => void Object.assign(s.project.env, { RIGHT: s.project.env.PULUMI_CONFIG_PASSPHRASE, PULUMI_CONFIG_PASSPHRASE: "wrong" }),
    mend: async (s) => void Object.assign(s.project.env, { PULUMI_CONFIG_PASSPHRASE: s.project.env.RIGHT }),
  },
  {
    // An update that is under way writes it anew.
    name: "the state file is cut in half", exits: [0, 1, 3], ends: ["v1", "v2"], says: /state|checkpoint|JSON|unexpected end/i,
    fault: async (s) => {
      fs.copyFileSync(stateFile(s), `${stateFile(s)}.kept`);
      fs.truncateSync(stateFile(s), Math.floor(fs.statSync(stateFile(s)).size / 2));
    },
    mend: async (s) => (isWhole(stateFile(s)) ? undefined : fs.renameSync(`${stateFile(s)}.kept`, stateFile(s))),
  },
  { name: "Ctrl-C", exits: [130], ends: ["v1"], says: /All traffic is back on stable/, next: () => undefined, fault: async (_, pid) => process.kill(pid, "SIGINT") },
  {
    name: "Ctrl-C twice", exits: [131], ends: ["v1"], says: /SIGINT again: left where it was/, next: () => ["rollback"],
    fault: async (_, pid) => {
      process.kill(pid, "SIGINT");
      await sleep(300);
      process.kill(pid, "SIGINT");
    },
  },
];
