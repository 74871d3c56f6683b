import type { z } from "zod";

export type Node = z.core.JSONSchema.BaseSchema;

const REF = /^#\/definitions\/(.+)$/;

/** What a pattern means to a person; the parser's sentences say the rest. */
const PATTERNS: readonly (readonly [RegExp, string])[] = [
  [/\(ms\|s\|m\|h\)/, "duration"],
  [/^\^https/, "URL"],
  [/kKMGTPE.*eE/, "quantity"],
  [/kKMGTPE/, "bytes"],
  [/^\^\\\/\[\^/, "path"],
  [/%\$$/, "percentage"],
  [/^\^\(existing\|install\)/, "`existing` \\| `install`"],
];

const isObject = (node: unknown): node is Node => typeof node === "object" && node !== null;

/** The definition that a schema stands for, by its name; `allOf` with one entry is how zod adds a description. */
export function referenceOf(node: Node): string | undefined {
  const ref = node.$ref ?? (node.allOf?.length === 1 && isObject(node.allOf[0]) ? node.allOf[0].$ref : undefined);
  return ref === undefined ? undefined : REF.exec(ref)?.[1];
}

/** Alternatives of a schema, itself where there are none. */
export const alternativesOf = (node: Node): Node[] => (node.anyOf ?? node.oneOf ?? [node]).filter(isObject);

const code = (value: unknown): string => `\`${typeof value === "string" ? value : JSON.stringify(value)}\``;

function textType({ pattern }: Node): string {
  return PATTERNS.find(([known]) => typeof pattern === "string" && known.test(pattern))?.[1] ?? "text";
}

function rangeOf({ minimum, maximum, exclusiveMinimum }: Node): string {
  const most = maximum === undefined || maximum >= Number.MAX_SAFE_INTEGER ? undefined : maximum;
  if (exclusiveMinimum !== undefined) return ` above ${exclusiveMinimum}`;
  if (minimum === undefined || minimum <= Number.MIN_SAFE_INTEGER) return most === undefined ? "" : ` up to ${most}`;
  return most === undefined ? ` from ${minimum}` : ` ${minimum} … ${most}`;
}

/** A schema's type in a few words, in Markdown for a table's cell. */
export function typeOf(node: Node): string {
  const reference = referenceOf(node);
  if (reference !== undefined) return `[${reference}](#${reference.toLowerCase()})`;
  if (node.anyOf || node.oneOf) return [...new Set(alternativesOf(node).map(typeOf))].join(" or ");
  if (node.enum) return node.enum.map(code).join(" \\| ");
  if (node.const !== undefined) return code(node.const);
  if (Array.isArray(node.type)) return (node.type as string[]).map((type) => (type === "string" ? "text" : type)).join(" or ");
  switch (node.type) {
    case "string": return textType(node);
    case "integer": return `whole number${rangeOf(node)}`;
    case "number": return `number${rangeOf(node)}`;
    case "boolean": return "true or false";
    case "array": return isObject(node.items) ? `list of ${typeOf(node.items)}` : "list";
    case "object": return "map";
    default: return "anything";
  }
}
