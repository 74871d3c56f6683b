import pc from "picocolors";
import type { Colours } from "./render";
import type { PropertyChange, ResourceChange } from "./rollout-plan";
import { tableLines } from "./table";

const MARKS: Readonly<Record<ResourceChange["op"], (c: Colours) => string>> = { create: (c) => c.green("+"), update: (c) => c.yellow("~"), replace: (c) => c.red("±"), delete: (c) => c.red("-") };

/** Of a map or a list only that there is one: a line is not the place to read it. */
const value = (v: unknown): string => (typeof v === "object" && v !== null ? (Array.isArray(v) ? "[…]" : "{…}") : String(v));

function property(change: PropertyChange, c: Colours): string {
  const from = "from" in change ? value(change.from) : "nothing";
  const to = "to" in change ? value(change.to) : "nothing";
  return `${change.path}: ${from} ${c.dim("→")} ${to}`;
}

/** One step of a rollout for a person: its name, and the resources that it changes. Pure. */
export function renderStep(index: number, of: number, name: string, changes: readonly ResourceChange[], { width = 80, colours: c = pc.createColors(false) }: { width?: number; colours?: Colours } = {}): string[] {
  const rows = changes.map(({ op, resource, properties }) => [`  ${MARKS[op](c)}`, resource, properties.map((p) => property(p, c)).join("\n")]);
  return [`${c.dim(`${index} of ${of}`)}  ${c.bold(name)}`, ...(rows.length > 0 ? tableLines(rows, width) : [c.dim("  nothing")]), ""];
}
