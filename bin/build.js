"use strict";
// Plain JavaScript, because it runs before anything is installed or compiled.
const { spawnSync } = require("node:child_process");
const fs = require("node:fs");
const path = require("node:path");

const root = path.resolve(__dirname, "..");
const sources = ["index.ts", "components", "analysis", "driver", "sandbox", "test", "bench", "tsconfig.json"];
const stamp = path.join(root, "dist", ".built");

/** Newest modification time, in ms since the epoch, of a file or of all TypeScript files below a folder. */
function newest(file) {
  const stat = fs.statSync(file, { throwIfNoEntry: false });
  if (!stat) return 0;
  if (!stat.isDirectory()) return stat.mtimeMs;
  return fs
    .readdirSync(file, { withFileTypes: true })
    .filter((e) => e.isDirectory() || /\.tsx?$/.test(e.name))
    .reduce((max, e) => Math.max(max, newest(path.join(file, e.name))), stat.mtimeMs);
}

function run(what, command, args) {
  const started = Date.now();
  process.stderr.write(`${what} … `);
  const done = spawnSync(command, args, { cwd: root, encoding: "utf8", maxBuffer: 1 << 28 });
  process.stderr.write(`${((Date.now() - started) / 1000).toFixed(1)} s\n`);
  if (done.status !== 0) {
    process.stderr.write(`${done.stdout ?? ""}${done.stderr ?? ""}`);
    process.stderr.write(`${what} failed; mend what is shown above and run the same command again.\n`);
    process.exit(1);
  }
}

/** Fails with one sentence when this Node.js is older than package.json asks for. */
function checkNode() {
  const need = require("../package.json").engines.node.match(/\d+/g).map(Number);
  const have = process.versions.node.split(".").map(Number);
  if (have[0] > need[0] || (have[0] === need[0] && have[1] >= need[1])) return;
  process.stderr.write(`Node.js ${need.join(".")} or newer is needed, this is ${process.versions.node}: install a newer one and try again.\n`);
  process.exit(1);
}

const marker = path.join(root, "node_modules", ".package-lock.json");
const isInstalled = () => newest(marker) >= newest(path.join(root, "package-lock.json"));

/** Installs the packages when package-lock.json is newer than what is installed. */
function install() {
  if (isInstalled()) return;
  run("installing packages", "npm", ["ci", "--no-audit", "--no-fund", "--ignore-scripts"]);
  fs.utimesSync(marker, new Date(), new Date());
}

/** Nothing has changed since the last build; a clone without sources (an installed package) is left alone. */
const isCompiled = () => !fs.existsSync(path.join(root, "tsconfig.json")) || newest(stamp) > sources.reduce((max, s) => Math.max(max, newest(path.join(root, s))), 0);

/** Compiles when a source is newer than the last build. */
function compile() {
  if (isCompiled()) return;
  const started = new Date();
  run("compiling", process.execPath, [path.join(root, "node_modules", "typescript", "bin", "tsc"), "-p", root]);
  prune(path.join(root, "dist"));
  fs.writeFileSync(stamp, "");
  fs.utimesSync(stamp, started, started);
}

/** Removes what was compiled from sources that are gone: `./x.js` of a former `x.ts` would hide `x/index.js`. */
function prune(dir) {
  for (const entry of fs.readdirSync(dir, { withFileTypes: true })) {
    const file = path.join(dir, entry.name);
    if (entry.isDirectory()) prune(file);
    else if (/\.(js|js\.map|d\.ts)$/.test(entry.name) && !hasSource(file)) fs.rmSync(file);
  }
}

const lock = path.join(root, ".build-lock");

/** Whether this process has the lock now; one of a process that is gone is taken over. */
function locked() {
  try {
    fs.writeFileSync(lock, String(process.pid), { flag: "wx" });
    return true;
  } catch (error) {
    if (error.code !== "EEXIST") return true; // A tree that cannot be written to has bigger troubles, which are told by what comes next.
  }
  try {
    process.kill(Number(fs.readFileSync(lock, "utf8")), 0);
  } catch {
    fs.rmSync(lock, { force: true });
  }
  return false;
}

/** Does something while no other command of this checkout does the same: two installations at once would remove each other's packages. */
function alone(act) {
  while (!locked()) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 200);
  const unlock = () => fs.rmSync(lock, { force: true });
  process.once("exit", unlock);
  act();
  process.removeListener("exit", unlock);
  unlock();
}
/** Whether there is a source, of either kind, of a compiled file. */
const hasSource = (file) => [".ts", ".tsx"].some((ending) => fs.existsSync(path.join(root, path.relative(path.join(root, "dist"), file).replace(/\.(js|js\.map|d\.ts)$/, ending))));

/** Brings a checkout to the state in which `dist/` can run: right Node.js, packages, compiled code. */
exports.prepare = () => {
  checkNode();
  if (isInstalled() && isCompiled()) return;
  alone(() => {
    install();
    compile();
  });
};
