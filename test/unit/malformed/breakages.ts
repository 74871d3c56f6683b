import * as fc from "fast-check";
import type { Path } from "../components/declare";

/** Generated cases differ from run to run only where somebody wants that: `CANARY_SEED=7 npm run test:unit`. */
const SEED = Number(process.env.CANARY_SEED ?? 8);

/** How fast-check runs a property; smaller examples of a failure would take longer than they help. */
export const runs = (cases: number): { readonly numRuns: number; readonly seed: number; readonly endOnFailure: true } => ({ numRuns: Math.ceil(cases), seed: SEED, endOnFailure: true });

/** What people and machines write where something else is expected. */
export const ODD_VALUES: readonly unknown[] = [
  null, "", " ", "poison", true, false, 0, -1, 0.5, 101, 1e308, -1e308, 9007199254740993, NaN, Infinity, -Infinity, [], {}, [["poison"]], [null], { secure: "v1:abc:def" },
  { poison: 1 }, "-5", "1e9", "0x10", "5 %", "5%", "500%", "1h", "-1h", "99999999999999999999h", "1d", "a\nb", "a\tb", "a\u0000b", "\u202egnp", "💥", "{{version}}", "${HOME}", "$(reboot)", "'; rm -rf / #", "../../etc/passwd",
  "x".repeat(5000), "__proto__", "constructor", "null", "undefined", "NaN", "2026-03-01", new Array(300).fill("a"),
];

/** Every path in a value, inner ones and those of maps and lists themselves. */
export function pathsIn(value: unknown, path: Path = []): Path[] {
  if (typeof value !== "object" || value === null) return [path];
  return [...(path.length > 0 ? [path] : []), ...Object.entries(value).flatMap(([key, each]) => pathsIn(each, [...path, Array.isArray(value) ? Number(key) : key]))];
}

/** A path as sentences write it: `services.shop.hosts[0]`. */
export const dotted = (path: Path): string => path.map((part, i) => (/^\d+$/.test(String(part)) ? `[${part}]` : `${i > 0 ? "." : ""}${part}`)).join("");

/** A copy without a path. */
export function without(value: unknown, [head, ...rest]: Path): unknown {
  if (Array.isArray(value)) return rest.length === 0 ? value.filter((_, i) => i !== head) : value.map((each: unknown, i) => (i === head ? without(each, rest) : each));
  const { [head as string]: inner, ...others } = value as Record<string, unknown>;
  return rest.length === 0 ? others : { ...others, [head as string]: without(inner, rest) };
}

/** A copy in which the last key of a path has another name. */
export function renamed(value: unknown, path: Path, to: string): unknown {
  const [head, ...rest] = path;
  if (Array.isArray(value)) return value.map((each: unknown, i) => (i === head ? renamed(each, rest, to) : each));
  return Object.fromEntries(Object.entries(value as object).map(([key, each]) => (key !== head ? [key, each as unknown] : rest.length === 0 ? [to, each as unknown] : [key, renamed(each, rest, to)])));
}

/** A slip of the fingers: two letters swapped, one doubled or left out, or the case changed. */
export const slip = (word: string, kind: number, at: number): string => {
  const i = at % Math.max(1, word.length - 1);
  const slips = [word.slice(0, i) + (word[i + 1] ?? "") + (word[i] ?? "") + word.slice(i + 2), word.slice(0, i + 1) + word.slice(i), word.slice(0, i) + word.slice(i + 1), word.toUpperCase(), `${word}s`, word.replaceAll(/[A-Z]/g, (l) => `_${l.toLowerCase()}`)];
  return slips[kind % slips.length]!;
};

const bytes = (text: string): Buffer => Buffer.from(text, "utf8");
const inserted = (text: string, at: number, what: Uint8Array): Buffer => {
  const all = bytes(text);
  const i = at % (all.length + 1);
  return Buffer.concat([all.subarray(0, i), what, all.subarray(i)]);
};
const lineOf = (text: string, at: number): number => at % text.split("\n").length;
const onLine = (text: string, at: number, change: (line: string) => string): Buffer => {
  const lines = text.split("\n");
  lines[lineOf(text, at)] = change(lines[lineOf(text, at)]!);
  return bytes(lines.join("\n"));
};
const utf16 = (text: string, mark: boolean): Buffer => Buffer.concat([Buffer.from(mark ? [0xff, 0xfe] : []), Buffer.from(text, "utf16le")]);

/** What happens to a text file on its way: editors, copies, disks, merges. By name; the number chooses the place. */
export const TEXT_BREAKAGES: Readonly<Record<string, (text: string, at: number) => Buffer>> = {
  "half written": (text, at) => bytes(text).subarray(0, at % Math.max(1, bytes(text).length)),
  "a part twice": (text, at) => bytes(text + text.slice(at % Math.max(1, text.length))),
  "a line twice": (text, at) => onLine(text, at, (line) => `${line}\n${line}`),
  "a line gone": (text, at) => onLine(text, at, () => ""),
  "a line deeper": (text, at) => onLine(text, at, (line) => ` ${line}`),
  "a tab": (text, at) => onLine(text, at, (line) => line.replace(/^ */, "\t")),
  "all tabs": (text) => bytes(text.replaceAll("  ", "\t")),
  "a colon gone": (text, at) => onLine(text, at, (line) => line.replace(":", "")),
  "a colon more": (text, at) => onLine(text, at, (line) => `${line}: x`),
  "a quote": (text, at) => inserted(text, at, bytes('"')),
  "a brace": (text, at) => inserted(text, at, bytes("{")),
  "a bracket": (text, at) => inserted(text, at, bytes("]")),
  "an anchor nobody set": (text, at) => onLine(text, at, (line) => line.replace(/:.*/, ": *nobody")),
  "a tag nobody knows": (text, at) => onLine(text, at, (line) => line.replace(/: /, ": !!js/function ")),
  "merge marks": (text, at) => onLine(text, at, (line) => `<<<<<<< HEAD\n${line}\n=======\n${line}\n>>>>>>> branch`),
  "a second document": (text) => bytes(`${text}\n---\n${text}`),
  "NUL bytes": (text, at) => inserted(text, at, Buffer.alloc(512)),
  "a broken character": (text, at) => inserted(text, at, Buffer.from([0xc3, 0x28, 0xff])),
  "Latin-1": (text, at) => inserted(text, at, Buffer.from("déjà", "latin1")),
  "UTF-16": (text) => utf16(text, true),
  "UTF-16 without a mark": (text) => utf16(text, false),
  "another file": (_, at) => Buffer.from(Array.from({ length: 200 + (at % 2000) }, (__, i) => (at * 31 + i * i * 7) % 256)),
  "a gzip": () => Buffer.from("1f8b0800000000000003cb48cdc9c95728cf2fca49010085114a0d0b000000", "hex"),
  "a page": () => bytes("<!DOCTYPE html><html><body>502 Bad Gateway</body></html>"),
  "empty": () => bytes(""),
  "blanks": () => bytes(" \n\n  \n"),
  "comments only": () => bytes("# nothing\n"),
  "a scalar": () => bytes("hello\n"),
  "a number": () => bytes("42\n"),
  "a list": () => bytes("- a\n- b\n"),
  "null": () => bytes("~\n"),
  "brackets without end": (_, at) => bytes("[".repeat(1000 + (at % 3000))),
  "indents without end": (_, at) => bytes(Array.from({ length: 50 + (at % 400) }, (__, i) => `${" ".repeat(i)}a:`).join("\n")),
  "a bomb of anchors": () => bytes(["a: &a [x,x,x,x,x,x,x,x,x]", ..."bcdefgh".split("").map((name, i) => `${name}: &${name} [${Array(9).fill(`*${"abcdefg"[i]}`).join(",")}]`)].join("\n")),
  "a bomb of merges": () => bytes(["a: &a {x: 1}", ..."bcdefgh".split("").map((name, i) => `${name}: &${name} {<<: [${Array(9).fill(`*${"abcdefg"[i]}`).join(",")}]}`)].join("\n")),
  "itself": () => bytes("config: &c\n  canary:namespace: shop\n  canary:services: *c\n"),
};

/** Huge ones, of which one each is enough. */
export const HUGE: Readonly<Record<string, () => Buffer>> = {
  "10 MB of one word": () => Buffer.alloc(10 << 20, "a"),
  "10 MB of lines": () => Buffer.alloc(10 << 20, "key: value\n"),
  "3 MB of one list": () => bytes(`config:\n  canary:services: [${"a, ".repeat(1 << 20)}]`),
  "150 kB of one list": () => bytes(`config:\n  canary:services: [${"a, ".repeat(50_000)}]`),
};

export const breakage = fc.record({ name: fc.constantFrom(...Object.keys(TEXT_BREAKAGES)), at: fc.nat(1_000_000) });
