import { stackFileSchema } from "../../components/config/json-schema";
import { CONFIG_EXAMPLES } from "./config-examples";
import { alternativesOf, referenceOf, typeOf, type Node } from "./schema-types";

interface Row {
  readonly key: string;
  readonly node: Node;
  readonly required: boolean;
}

/** Sections of their own, because they are long: from the key's path to the heading. */
const OWN_SECTION = ["canary:services.<name>.workload", "canary:services.<name>.routing", "canary:analysis.gates"];

const isNode = (value: unknown): value is Node => typeof value === "object" && value !== null;
const cell = (text: string): string => text.replaceAll("|", "\\|").replaceAll("\\\\|", "\\|").replace(/\s*\n\s*/g, " ");

/** Keys of a schema and of everything below it; what has a section of its own, or a definition, is only named. */
function rowsOf(node: Node, path: string): Row[] {
  const forms = alternativesOf(node).filter((each) => referenceOf(each) === undefined);
  const maps = forms.filter(({ properties }) => properties);
  const rows = forms.flatMap((each) => rowsOfOne(each, path)).map((row) => {
    // What one of several forms needs is not needed by the others.
    const everywhere = maps.length < 2 || row.key.slice(path.length + 1).includes(".") || maps.every(({ required }) => required?.includes(row.key.slice(path.length + 1)));
    return everywhere ? row : { ...row, required: false };
  });
  // Alternatives have keys in common.
  return rows.filter(({ key, node: { description } }, i) => rows.findIndex((r) => r.key === key && r.node.description === description) === i);
}

function rowsOfOne(node: Node, path: string): Row[] {
  const own = Object.entries(node.properties ?? {}).flatMap(([key, value]): Row[] => {
    if (!isNode(value)) return [];
    const at = path === "" ? key : `${path}.${key}`;
    const below = OWN_SECTION.includes(at) || referenceOf(value) !== undefined ? [] : rowsOf(value, at);
    return [{ key: at, node: value, required: node.required?.includes(key) === true }, ...below];
  });
  const items = isNode(node.items) && referenceOf(node.items) === undefined ? rowsOf(node.items, `${path}[]`) : [];
  const entries = isNode(node.additionalProperties) && !path.endsWith("gates") ? rowsOf(node.additionalProperties, `${path}.<name>`) : [];
  return [...own, ...items, ...entries];
}

function defaultOf({ default: value }: Node): string {
  if (value === undefined || (typeof value === "object" && JSON.stringify(value).length <= 2)) return "";
  return `\`${typeof value === "string" ? value : JSON.stringify(value)}\``;
}

function table(rows: readonly Row[], strip: string): string[] {
  const line = ({ key, node, required }: Row): string => {
    const name = key.startsWith(`${strip}.`) ? key.slice(strip.length + 1) : key.startsWith(strip) ? key.slice(strip.length) : key;
    const meaning = node.description ?? "";
    return `| \`${name}\` | ${typeOf(node)} | ${required ? "needed" : cell(defaultOf(node))} | ${cell(meaning)} |`;
  };
  return rows.length === 0 ? [] : ["| key | type | default | meaning |", "|---|---|---|---|", ...rows.map(line), ""];
}

const example = (key: string): string[] => (CONFIG_EXAMPLES[key] === undefined ? [] : ["```yaml", CONFIG_EXAMPLES[key].trim(), "```", ""]);

function section(path: string, node: Node, level: string): string[] {
  const rows = rowsOf(node, path);
  return [`${level} \`${path}\``, "", ...(node.description === undefined ? [] : [node.description, ""]), ...table(rows, path), ...example(path)];
}

/** The schema below a path such as `canary:services.<name>.workload`. */
function nodeAt(properties: Readonly<Record<string, Node>>, path: string): Node {
  const [first, ...rest] = path.split(".");
  return rest.reduce((node, key): Node => (key === "<name>" ? (node.additionalProperties as Node) : (node.properties![key] as Node)), properties[first!]!);
}

const kindOf = (rule: Node): string => String((rule.properties!["kind"] as Node).const);

function gateSections(gates: Node): string[] {
  const rules = alternativesOf(gates.additionalProperties as Node).filter((rule) => rule.properties?.["kind"]);
  return rules.flatMap((rule) => {
    const { kind: _kind, ...properties } = rule.properties!;
    const what = (rule.properties!["kind"] as Node).description;
    return [`#### A rule of kind \`${kindOf(rule)}\``, "", ...(what === undefined ? [] : [what, ""]), ...table(rowsOfOne({ ...rule, properties }, ""), ""), ...example(`kind ${kindOf(rule)}`)];
  });
}

const HEAD = `<!-- Written by \`npm run docs\` from the parser's schema (components/config/schema, analysis/gates); edit the descriptions there. -->

# Every key of a stack file

A stack file is \`Pulumi.<stack>.yaml\`; its keys stand below \`config:\`. Unknown keys are errors. Types: a *duration* is \`500ms\`, \`90s\`, \`15m\` or
\`1h\`, a *percentage* \`5%\`, a *quantity* what Kubernetes calls so, such as \`250m\` or \`256Mi\`. \`<name>\` is a name of your choice and \`[]\` an entry of a list.
Editors check and complete these keys with [stack.schema.json](stack.schema.json); [Pulumi.production.yaml](../Pulumi.production.yaml) is a worked example. What
rules there are between keys, the parser says in one sentence that names the key.

The driver edits the first five and leaves the others alone, with their comments and their order.
`;

/** docs/config.md. */
export function configPage(): string {
  const schema = stackFileSchema() as Node;
  const config = (schema.properties!["config"] as Node);
  const properties = config.properties as Readonly<Record<string, Node>>;
  const sectioned = (node: Node): boolean => rowsOf(node, "x").length > 0;
  const required = config.required ?? [];
  const rows = Object.entries(properties).map(([key, node]): Row => ({ key, node, required: required.includes(key) }));
  const rolling = ["canary:stable", "canary:canary", "canary:previous", "canary:weight", "canary:generation"];
  const [first, others] = [rows.filter(({ key }) => rolling.includes(key)), rows.filter(({ key }) => !rolling.includes(key))];
  const sections = rows.filter(({ key, node }) => sectioned(node) && (!rolling.includes(key) || key === "canary:canary")).flatMap(({ key, node }) => [
    ...section(key, node, "##"),
    ...OWN_SECTION.filter((path) => path.startsWith(`${key}.`)).flatMap((path) => section(path, nodeAt(properties, path), "###")),
    ...(key === "canary:analysis" ? gateSections(nodeAt(properties, "canary:analysis.gates")) : []),
  ]);
  const shared = Object.entries((schema.definitions ?? {}) as Readonly<Record<string, Node>>).flatMap(([name, node]) => [
    `### ${name}`, "", `${typeOf(node).replaceAll("\\|", "|")}.`, "", ...table(rowsOf(node, ""), ""), ...example(name),
  ]);
  return [
    HEAD,
    "## The keys of a rollout", "", ...table(first, ""), ...example("rollout keys"),
    "## All others", "", ...table(others, ""), ...example("others"),
    ...sections,
    "## What several keys have in common", "", ...shared,
  ].join("\n").replace(/\n{3,}/g, "\n\n").trimEnd() + "\n";
}
