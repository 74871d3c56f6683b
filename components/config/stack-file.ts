import { isDeepStrictEqual } from "node:util";
import { Document, isMap, isScalar, isCollection, visit, type Pair, type ParsedNode, type YAMLMap } from "yaml";
import { ConfigError, show } from "./problems";
import type { Overrides, ServiceOverrides } from "./types";
import { meaningOf, parseYaml, YamlError } from "./yaml";

/** A version as the stack file holds it: the version alone, or with overrides, or (canary only) withdrawn. */
export type VersionValue =
  | string
  | (Overrides & {
      readonly version: string;
      readonly withdrawn?: boolean;
      readonly services?: Readonly<Record<string, ServiceOverrides>>;
    });

/** The rollout keys to change. Keys left out stay as they are; null removes a key. */
export interface StackEdit {
  readonly stable?: VersionValue;
  readonly canary?: VersionValue | null;
  readonly previous?: VersionValue | null;
  readonly weight?: number;
  readonly generation?: number;
  /** It overrides once, so that it is only ever removed. */
  readonly force?: null;
}

const ROLLOUT_KEYS = ["stable", "canary", "weight", "previous", "generation", "force"] as const;

type BlockPair = Pair<ParsedNode, ParsedNode | null>;

/**
 * The raw config of a `Pulumi.<stack>.yaml`, as {@link parseConfig} takes it: the keys of one project without its prefix.
 * Encrypted values stay `{secure: …}`.
 *
 * @param project prefix of the keys. Default canary.
 * @throws ConfigError with one sentence when the text is no YAML or `config` is no map.
 */
export function parseStackFile(text: string, project = "canary"): Record<string, unknown> {
  const content = yaml(() => meaningOf(parseYaml(text))) ?? {};
  if (!isRecord(content)) throw new ConfigError([`the stack file is ${show(content)}: it must be a map with the key config.`]);
  const config = content.config ?? {};
  if (!isRecord(config)) throw new ConfigError([`config in the stack file is ${show(config)}: it must map keys such as canary:weight to values.`]);
  const prefix = `${project}:`;
  return Object.fromEntries(
    Object.entries(config).filter(([key]) => key.startsWith(prefix)).map(([key, value]) => [key.slice(prefix.length), value as unknown]),
  );
}

/**
 * The text of a stack file with some rollout keys changed. Every other byte stays: comments, order, quotes, line ends.
 * A new key goes below the rollout keys that are there already.
 *
 * @throws ConfigError with one sentence when the text is no YAML, or when a key cannot be changed without changing another one
 *   (YAML anchors).
 */
export function editStackFile(text: string, edit: StackEdit, project = "canary"): string {
  const before = parseStackFile(text, project);
  let edited = text;
  // Removals last: a config that is empty in between would lose the comments of what it had.
  for (const removing of [false, true]) {
    for (const key of ROLLOUT_KEYS) {
      const value = edit[key];
      if (value !== undefined && (value === null) === removing) edited = editKey(edited, `${project}:${key}`, value, project);
    }
  }
  const wanted = { ...before, ...Object.fromEntries(Object.entries(edit).filter(([, value]) => value !== undefined)) };
  const kept = Object.entries(wanted).filter(([key, value]) => !(key in edit && value === null));
  if (!isDeepStrictEqual(Object.fromEntries(kept), parseStackFile(edited, project))) {
    throw new ConfigError(["the stack file uses YAML anchors in its rollout keys: they must be written out before a rollout can edit them."]);
  }
  return edited;
}

const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === "object" && value !== null && !Array.isArray(value);

/** Says what is no YAML as a problem of the config. */
function yaml<T>(read: () => T): T {
  try {
    return read();
  } catch (cause) {
    throw cause instanceof YamlError ? new ConfigError([`the stack file is no valid YAML: ${cause.message}.`]) : cause;
  }
}

const parse = (text: string): Document.Parsed => yaml(() => parseYaml(text));

function editKey(text: string, key: string, value: VersionValue | number | null, project: string): string {
  const document = parse(text);
  const config: unknown = document.get("config", true);
  if (!isMap(config) || config.flow === true || config.items.length === 0) {
    // Nothing to keep in place: `config` is missing, empty, or on one line, and becomes an ordinary map.
    if (!isMap(config)) document.set("config", document.createNode({}));
    if (value === null) document.deleteIn(["config", key]);
    else document.setIn(["config", key], node(value));
    const map: unknown = document.get("config", true);
    if (isMap(map)) map.flow = false;
    return document.toString({ lineWidth: 0 });
  }
  const items = (config as YAMLMap.Parsed).items as BlockPair[];
  const pair = items.find((item) => keyOf(item) === key);
  if (value === null) return pair === undefined ? text : removeLines(text, pair);
  return pair === undefined ? insertLine(text, items, key, value, project) : replaceValue(text, pair, value);
}

const keyOf = (pair: BlockPair): string => (isScalar(pair.key) ? String(pair.key.value) : "");

function replaceValue(text: string, pair: BlockPair, value: VersionValue | number): string {
  const colon = text.indexOf(":", pair.key.range[1]);
  const written = write(value);
  const end = Math.max(contentEnd(pair), colon + 1);
  // A map in block style begins on a later line, and an empty value nowhere: their place is behind the colon.
  const start = pair.value === null || end === colon + 1 ? colon + 1 : pair.value.range[0];
  const sameLine = start > colon + 1 && !text.slice(colon + 1, start).includes("\n");
  return sameLine ? text.slice(0, start) + written + text.slice(end) : `${text.slice(0, colon + 1)} ${written}${text.slice(end)}`;
}

function removeLines(text: string, pair: BlockPair): string {
  const start = text.lastIndexOf("\n", pair.key.range[0] - 1) + 1;
  return text.slice(0, start) + text.slice(lineEnd(text, contentEnd(pair)));
}

function insertLine(text: string, items: readonly BlockPair[], key: string, value: VersionValue | number, project: string): string {
  const rank = ROLLOUT_KEYS.findIndex((name) => `${project}:${name}` === key);
  const present = ROLLOUT_KEYS.map((name) => items.find((item) => keyOf(item) === `${project}:${name}`));
  const anchor = present.slice(0, rank).reverse().find((item) => item !== undefined)
    ?? present.find((item) => item !== undefined)
    ?? items.find((item) => keyOf(item) === `${project}:namespace`)
    ?? items.at(-1)!;
  const first = items[0]!.key.range[0];
  const indent = text.slice(text.lastIndexOf("\n", first - 1) + 1, first);
  const newline = text.includes("\r\n") ? "\r\n" : "\n";
  const at = lineEnd(text, contentEnd(anchor));
  const head = text.slice(0, at);
  return `${head}${head.endsWith("\n") ? "" : newline}${indent}${key}: ${write(value)}${newline}${text.slice(at)}`;
}

/** Offset behind the last character of a pair's own content; a block map's range would take in the comments of the next key. */
function contentEnd(pair: BlockPair): number {
  const last = pair.value;
  if (last === null || last.range[1] === last.range[0]) return pair.key.range[1];
  if (!isCollection(last) || last.flow === true) return last.range[1];
  const item = last.items.at(-1) as BlockPair | ParsedNode | undefined;
  if (item === undefined) return last.range[1];
  return "key" in item ? contentEnd(item) : contentEnd({ key: item, value: item } as BlockPair);
}

/** Offset behind the line break that ends the line of `offset`. */
function lineEnd(text: string, offset: number): number {
  if (text[offset - 1] === "\n") return offset;
  const newline = text.indexOf("\n", offset);
  return newline === -1 ? text.length : newline + 1;
}

const write = (value: VersionValue | number): string =>
  new Document(node(value)).toString({ lineWidth: 0, flowCollectionPadding: false }).trimEnd();

/** A one-line node whose texts no YAML reader takes for anything else: 1.10, 0777, 1e3 and `no` are quoted. */
function node(value: VersionValue | number): ParsedNode {
  const document = new Document(value);
  visit(document, {
    Scalar: (_, scalar) => {
      if (typeof scalar.value === "string" && !isPlain(scalar.value)) scalar.type = "QUOTE_DOUBLE";
    },
    Collection: (_, collection) => {
      collection.flow = true;
    },
  });
  return document.contents as unknown as ParsedNode;
}

const isPlain = (text: string): boolean =>
  /^[A-Za-z][A-Za-z0-9._+-]*$/.test(text) && !/^(y|n|yes|no|on|off|true|false|null)$/i.test(text);
