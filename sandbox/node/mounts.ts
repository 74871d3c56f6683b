import * as fs from "node:fs";
import * as path from "node:path";

/** Where each container's root is mounted: the same empty folder for all, because each does it in a mount namespace of its own. */
export const VIEW = "/run/view";

/** A file or folder that a container sees at a path of its own. */
export interface Mount {
  readonly source: string;
  /** Absolute. */
  readonly target: string;
  readonly readOnly: boolean;
}

/** What every "image" consists of here: this checkout and the Node.js that runs it. */
const CHECKOUT = path.resolve(__dirname, "../../..");
// Its packages may be a link to another checkout's.
export const IMAGE_FILES = [CHECKOUT, ...(fs.existsSync(path.join(CHECKOUT, "node_modules")) ? [fs.realpathSync(path.join(CHECKOUT, "node_modules"))] : []), path.resolve(process.execPath, "../..")];

/** The mounts, and back in its place what of the images' files they would hide: a real container's image is no part of its volumes. */
export function withImageFiles(mounts: readonly Mount[], files: readonly string[] = IMAGE_FILES): Mount[] {
  const hidden = files.filter((file) => mounts.some(({ target }) => `${file}/`.startsWith(`${path.normalize(target).replace(/\/$/, "")}/`)));
  return [...mounts, ...hidden.map((file): Mount => ({ source: file, target: file, readOnly: true }))];
}

/** How a container's own view of the files is made: places for mounts, then the mounts. All paths but the sources are the container's. */
export interface View {
  readonly folders: readonly string[];
  readonly files: readonly string[];
  readonly links: readonly { readonly path: string; readonly to: string }[];
  /** In the order in which they must be made. */
  readonly mounts: readonly { readonly source: string; readonly target: string; readonly options: "bind" | "rbind" | "bind,ro" }[];
}

const kindOf = (file: string): "folder" | "file" | "link" | "none" => {
  const stat = fs.lstatSync(file, { throwIfNoEntry: false });
  if (!stat) return "none";
  return stat.isSymbolicLink() ? "link" : stat.isDirectory() ? "folder" : "file";
};

const depth = (file: string): number => file.split("/").length;
const below = (folder: string, file: string): boolean => file.startsWith(folder === "/" ? "/" : `${folder}/`);

/** A path with the links in its existing part followed: `/var/run/x` is `/run/x` on most machines. */
function followed(machine: string, target: string): string {
  const parts = path.normalize(target).split("/").filter(Boolean);
  for (let known = parts.length; known > 0; known--) {
    const there = path.join(machine, ...parts.slice(0, known));
    if (fs.existsSync(there)) return path.join("/", path.relative(fs.realpathSync(machine), fs.realpathSync(there)), ...parts.slice(known));
  }
  return path.join("/", ...parts);
}

/**
 * Plans a container's view of the machine's files: the same files, with the mounts among them. The machine itself must stay as it is,
 * and has no places for most mounts; so each folder on the way to one that is missing is rebuilt, its entries bound one by one.
 *
 * A mount inside another one gets its place in what is mounted there.
 *
 * @param machine where the machine's files are; another folder in tests
 */
export function planView(mounts: readonly Mount[], machine = "/"): View {
  const view = { folders: [] as string[], files: [] as string[], links: [] as View["links"][number][], mounts: [] as View["mounts"][number][] };
  const wanted = mounts.map((m) => ({ ...m, target: followed(machine, m.target) })).sort((a, b) => depth(a.target) - depth(b.target));
  const around = (mount: Mount): Mount | undefined => wanted.filter((outer) => below(outer.target, mount.target)).at(-1);
  const missing = wanted.filter((m) => !around(m) && kindOf(path.join(machine, m.target)) === "none");

  const rebuild = (folder: string): void => {
    const entries = fs.readdirSync(path.join(machine, folder));
    for (const name of entries) {
      const [target, source] = [path.join(folder, name), path.join(machine, folder, name)];
      const kind = kindOf(source);
      if (kind === "link") view.links.push({ path: target, to: fs.readlinkSync(source) });
      else if (kind === "file") view.mounts.push({ source, target, options: "bind" }) && view.files.push(target);
      else if (kind === "folder") {
        view.folders.push(target);
        if (missing.some((m) => below(target, m.target))) rebuild(target);
        else view.mounts.push({ source, target, options: "rbind" });
      }
    }
    for (const { target, source } of missing)
      if (below(folder, target) && !entries.includes(path.relative(folder, target).split("/")[0]!)) (kindOf(source) === "folder" ? view.folders : view.files).push(target);
  };
  rebuild("/");
  for (const mount of wanted) {
    const outer = around(mount);
    if (outer) makePlace(path.join(outer.source, path.relative(outer.target, mount.target)), kindOf(mount.source));
    view.mounts.push({ source: mount.source, target: mount.target, options: mount.readOnly ? "bind,ro" : "bind" });
  }
  return view;
}

function makePlace(file: string, kind: ReturnType<typeof kindOf>): void {
  fs.mkdirSync(kind === "folder" ? file : path.dirname(file), { recursive: true });
  if (kind !== "folder") fs.closeSync(fs.openSync(file, "a"));
}

const quote = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;
/** A field of fstab(5). */
const field = (text: string): string => text.replace(/[\s\\]/g, (c) => `\\${c.charCodeAt(0).toString(8).padStart(3, "0")}`);

/**
 * Command line that runs a program with a view of its own, in a mount namespace that ends with it. Its root is memory that only this
 * namespace knows: nothing is left to clean up, and nothing of the machine can be deleted through it from outside.
 */
export function wrapInView(command: readonly string[], view: View, workingDir: string): string[] {
  const each = (tool: string, paths: readonly string[]): string[] => (paths.length > 0 ? [`${tool} ${paths.map((p) => quote(`.${p}`)).join(" ")}`] : []);
  const script = [
    `mount -t tmpfs -o mode=755 tmpfs ${VIEW}`,
    `cd ${VIEW}`,
    ...each("mkdir -p", [...view.folders, ...new Set(view.files.map((f) => path.dirname(f)))]),
    ...each("touch", view.files),
    ...view.links.map(({ path: from, to }) => `ln -s ${quote(to)} ${quote(`.${from}`)}`),
    // One process for all of them.
    `printf %s "$1" > .mounts && mount -a -T .mounts && rm .mounts && shift`,
    `exec nsenter --root=${VIEW} -- sh -c 'cd "$0" && exec "$@"' "$@"`,
  ].join(" && ");
  const table = view.mounts.map(({ source, target, options }) => `${field(source)} ${field(VIEW + target)} none ${options} 0 0\n`).join("");
  return ["unshare", "--mount", "--propagation", "private", "sh", "-c", script, "sh", table, workingDir, ...command];
}
