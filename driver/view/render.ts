import pc from "picocolors";
import { duration, percent } from "../../analysis/units";
import { quantity } from "./gates";
import { notesOf, type Note } from "./notes";
import { isDriven, isGuarded, type RevisionView, type Snapshot } from "./snapshot";
import { tableLines } from "./table";
import { ago, moment, secondsBetween, span } from "./times";
import type { ArmTraffic } from "./traffic";

export type Colours = ReturnType<typeof pc.createColors>;

export interface RenderOptions {
  /** Characters of a line; default 80. */
  readonly width?: number;
  /** Lines there are; the last ones are left out where they do not suffice. */
  readonly rows?: number;
  readonly colours?: Colours;
}

const BAR = 20;
const PLAIN = pc.createColors(false);

type Row = readonly [string, string];

/** The canary's share as a bar; a share above zero fills a field, one below one leaves one empty. */
function bar(share: number, c: Colours): string {
  const fields = Math.round(share * BAR);
  const filled = share > 0 && share < 1 ? Math.min(BAR - 1, Math.max(1, fields)) : fields;
  return c.yellow("█".repeat(filled)) + c.green("░".repeat(BAR - filled));
}

function canaryOf(snapshot: Snapshot, c: Colours): string {
  const { deployed, wanted, seen, traffic, rollout, at } = snapshot;
  const { canary, weight } = deployed ?? wanted;
  if (canary === "none" && !rollout) return c.dim("none");
  const name = `${c.bold(canary === "none" ? rollout!.version : canary)}, weight ${rollout?.weight ?? weight}`;
  const share = (served: number, age: string): string => `${name}, served ${percent(served)} ${c.dim(`(${age})`)} ${bar(served, c)}`;
  // One number only for a single service: several would hide each other.
  const counted = traffic?.length === 1 ? traffic[0] : undefined;
  if (counted?.served !== undefined) return share(counted.served, `over ${span(counted.seconds ?? 0)}`);
  // What was seen before this phase began was the weight before.
  const fresh = seen !== undefined && (rollout === undefined || secondsBetween(rollout.since, seen.at) >= 0);
  return fresh && seen.served !== undefined ? share(seen.served, ago(seen.at, at)) : name;
}

function previousOf({ deployed, wanted, undo, at }: Snapshot, c: Colours): string {
  const { previous } = deployed ?? wanted;
  const left = undo ? secondsBetween(at, undo.until) : 0;
  if (undo && left > 0) return `${undo.version}, \`canary undo\` goes back to it for another ${span(left)}`;
  return previous === "none" ? c.dim("none") : `${previous}, kept`;
}

/** The way through the stages: what is done, where it is, what is to come. */
function stagesOf({ rollout }: Snapshot, c: Colours): string {
  return rollout!.stages.map((weight, i) => {
    const { stage = -1, phase } = rollout!;
    const done = i < stage || (phase === "asking" && i === stage) || phase === "promoting";
    return done ? c.green(`${weight} ✔`) : i === stage ? c.bold(c.cyan(`▶ ${weight}`)) : c.dim(String(weight));
  }).join("  ");
}

function rolloutRows(snapshot: Snapshot, c: Colours): Row[] {
  const { rollout, lease, at } = snapshot;
  const rows: Row[] = [];
  if (rollout) {
    const { stage, step, stages, phase, since, startedAt, from, version } = rollout;
    const where = `${phase}${step ? ` (${step})` : ""}${stage === undefined ? "" : `, stage ${stage + 1} of ${stages.length}`}`;
    rows.push(["rollout", `${from} → ${version}: ${c.bold(where)} for ${span(secondsBetween(since, at))}, began ${ago(startedAt, at)}`]);
    rows.push(["stages", stagesOf(snapshot, c)]);
    if (rollout.reason && phase !== "held") rows.push(["reason", rollout.reason]);
  }
  if (lease?.holder !== undefined) {
    const seen = lease.renewedAt ? `renewed ${ago(lease.renewedAt, at)}` : "never renewed";
    rows.push([isGuarded(snapshot) ? "guard" : "driver", lease.expired ? c.red(`${lease.holder}, gone: ${seen}`) : `${lease.holder}, ${seen}`]);
  } else if (rollout) rows.push(["driver", c.dim("none")]);
  return rows;
}

function facts(snapshot: Snapshot, c: Colours): Row[] {
  const { stack, deployed, wanted, services } = snapshot;
  return [
    ["stack", `${stack}, generation ${(deployed ?? wanted).generation}${deployed ? "" : c.red(" by the stack file: what is deployed cannot be read")}`],
    ["stable", c.bold((deployed ?? wanted).stable)],
    ["canary", canaryOf(snapshot, c)],
    ["previous", previousOf(snapshot, c)],
    ...rolloutRows(snapshot, c),
    ...Object.entries(services).map(([name, { url }]): Row => [name, c.dim(url)]),
  ];
}

const MARKS: Record<Note["level"], (c: Colours) => string> = { bad: (c) => c.red("✘"), warn: (c) => c.yellow("!"), info: (c) => c.cyan("i") };

function revisionRow({ name, tracks, ready, desired, restarts, trouble }: RevisionView, c: Colours): string[] {
  const pods = `${ready}/${desired}`;
  const role = tracks.length > 0 ? tracks.join(", ") : c.dim("left over");
  return [name, role, ready >= desired ? c.green(pods) : c.red(pods), restarts > 0 ? c.yellow(String(restarts)) : "0", trouble ? c.red(trouble) : ""];
}

const ANSWERS: Readonly<Record<string, (c: Colours, text: string) => string>> = {
  pass: (c, text) => c.green(text),
  fail: (c, text) => c.red(text),
  undecided: (c, text) => c.yellow(text),
  "not-applicable": (c, text) => c.dim(text),
};

function gateRows({ seen }: Snapshot, c: Colours): string[][] {
  return (seen?.gates ?? []).map(({ service, metric, gate, answer, value, limit, unit, logE, logELimit }) => [
    service ? `${service}/${metric}` : metric,
    gate,
    ANSWERS[answer]!(c, answer),
    quantity(value, unit),
    quantity(limit, unit),
    logE === undefined ? "" : logE.toFixed(2),
    logELimit === undefined ? "" : logELimit.toFixed(2),
  ]);
}

const armCells = (arm: ArmTraffic): string[] => [
  arm.rate.toFixed(1),
  arm.errorShare === undefined ? "" : percent(arm.errorShare),
  arm.p95 === undefined ? "" : duration(arm.p95),
];

function trafficRows({ traffic, deployed, wanted }: Snapshot): string[][] {
  const { canary } = deployed ?? wanted;
  return (traffic ?? []).flatMap(({ service, seconds, stable, canary: arm, served }) => {
    if (!stable || !arm) return [];
    const share = (s: number): string => (served === undefined ? "" : `${percent(s)} of ${stable.requests + arm.requests} in ${span(seconds ?? 0)}`);
    return [[service, "stable", ...armCells(stable), share(1 - (served ?? 0))], ...(canary === "none" ? [] : [[service, "canary", ...armCells(arm), share(served ?? 0)]])];
  });
}

/** What is known of nobody is no zero: why there are no numbers. */
function missingRows({ traffic }: Snapshot, c: Colours): string[][] {
  return (traffic ?? []).flatMap(({ service, missing }) => (missing === undefined ? [] : [[service, `${c.yellow("no data:")} ${missing}`]]));
}

/** Where all is well one line each is enough; the circuits are of interest when it is not. */
function dependencyLines({ dependencies }: Snapshot, width: number, c: Colours): string[] {
  if (dependencies.every(({ healthy }) => healthy)) return block(["relies on", ""], dependencies.map(({ name, address }) => [name, `${c.green("✔")} ${c.dim(address)}`]), width, c);
  return block(["relies on", "at", "circuit", "health"], dependencies.map(({ name, address, healthy, circuit, lastError }) => [name, address, circuit, healthy ? c.green("✔") : `${c.red("✘")} ${lastError ?? ""}`]), width, c);
}

/** A table under its heads, or nothing without rows. */
function block(heads: readonly string[], rows: readonly (readonly string[])[], width: number, c: Colours): string[] {
  return rows.length === 0 ? [] : ["", ...tableLines([heads.map((h) => c.dim(h)), ...rows], width)];
}

/** A snapshot for a person, as lines of at most `width` characters. Pure. */
export function render(snapshot: Snapshot, { width = 80, rows = Infinity, colours: c = PLAIN }: RenderOptions = {}): string[] {
  const { revisions, seen, at } = snapshot;
  const notes = notesOf(snapshot).map((note): Row => [MARKS[note.level](c), note.text]);
  const lines = [
    ...tableLines(facts(snapshot, c).map(([label, text]) => [c.dim(label), text]), width),
    ...(notes.length > 0 ? ["", ...tableLines(notes, width)] : []),
    ...block(["revision", "is", "ready", "restarts", revisions.some((r) => r.trouble) ? "trouble" : ""], revisions.map((r) => revisionRow(r, c)), width, c),
    ...block(["service", "track", "req/s", "errors", "P95", "share"], trafficRows(snapshot), width, c),
    ...block(["service", "traffic"], missingRows(snapshot, c), width, c),
    ...block([isDriven(snapshot) || !seen ? "gate" : `gate (${ago(seen.at, at)})`, "rule", "answer", "value", "limit", "ln E", "decides at"], gateRows(snapshot, c), width, c),
    ...dependencyLines(snapshot, width, c),
  ];
  if (lines.length <= rows) return lines;
  return [...lines.slice(0, Math.max(0, rows - 1)), c.dim(`… ${lines.length - rows + 1} more lines: make the window taller`)];
}

/** When the snapshot was taken, for the foot of a view that is drawn again and again. */
export const footer = ({ at }: Snapshot, c: Colours): string => c.dim(`${moment(at)} · Ctrl-C ends this view; the rollout goes on`);
