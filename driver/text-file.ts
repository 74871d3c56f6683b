import * as fs from "node:fs";
import { meaningOf, parseYaml, YamlError } from "../components/config/yaml";
import { UsageError } from "./errors";

/** Longer files are none that a person wrote; bytes. */
const MOST = 512 * 1024;

const WHY: Readonly<Record<string, string>> = {
  ENOENT: "it is not there",
  ENOTDIR: "it is not there",
  EACCES: "its permissions forbid it",
  EPERM: "its permissions forbid it",
  EISDIR: "it is a folder",
  EROFS: "its file system is read-only",
  ENOSPC: "the disk is full",
  EDQUOT: "the quota is used up",
  ELOOP: "its links lead in a circle",
  ENAMETOOLONG: "its name is too long",
  ERR_INVALID_ARG_VALUE: "its name has a NUL character",
  ERR_FS_FILE_TOO_LARGE: "it is too large",
};

/** Why the file system refused, in a clause; the system's own word for it where we have none. */
export function reasonOf(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  return (code !== undefined && WHY[code]) || (code ?? String(message).split("\n")[0]!);
}

/** An address as it may be shown: without the user and password that it may have. */
export const withoutUser = (url: string): string => url.replace(/\/\/[^/@]*@/, "//");

/** A name as a sentence shows it: as it is, or quoted where it would break the line. */
export const named = (file: string): string => (/^[\x20-\x7e\u00a0-\uffff]{1,300}$/.test(file) ? file : JSON.stringify(file.length > 300 ? `${file.slice(0, 150)}…${file.slice(-100)}` : file));

/** A dangling link is there, and what it names is not. */
function dangles(file: string): boolean {
  try {
    return fs.lstatSync(file).isSymbolicLink();
  } catch {
    return false;
  }
}

function bytesOf(file: string, remedy: string): Buffer {
  try {
    return fs.readFileSync(file === "-" ? 0 : file);
  } catch (cause) {
    const reason = (cause as NodeJS.ErrnoException).code === "ENOENT" && dangles(file) ? "it is a link to a file that is not there" : reasonOf(cause);
    throw new UsageError(`${named(file)} cannot be read (${reason}): ${remedy}.`, { cause });
  }
}

/**
 * The text of a file that a person wrote; a byte order mark stays in it, so that it can be written back as it was.
 *
 * @param file its path; `-` is standard input
 * @param remedy what to do when it cannot be read; the end of the sentence, e.g. `choose another --stack`
 * @param most bytes at most. Default 512 KiB
 * @throws UsageError with one sentence when it cannot be read, is no UTF-8 or is too long
 */
export function readText(file: string, remedy: string, most = MOST): string {
  const bytes = bytesOf(file, remedy);
  if (bytes.length > most) throw new UsageError(`${named(file)} has ${bytes.length} bytes, and at most ${most} are read: ${remedy}.`);
  const utf16 = (bytes[0] === 0xff && bytes[1] === 0xfe) || (bytes[0] === 0xfe && bytes[1] === 0xff);
  try {
    const text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
    if (!text.includes("\0")) return text;
  } catch {
    // Said below.
  }
  throw new UsageError(`${named(file)} is no text in UTF-8${utf16 ? " but in UTF-16" : ""}: save it as UTF-8.`);
}

/**
 * What a YAML file means that a person wrote; see {@link readText}.
 *
 * @throws UsageError with one sentence also when it is no valid YAML
 */
export function readYaml(file: string, remedy: string): unknown {
  const text = readText(file, remedy);
  try {
    return meaningOf(parseYaml(text));
  } catch (cause) {
    if (!(cause instanceof YamlError)) throw cause;
    throw new UsageError(`${named(file)} is no valid YAML: ${cause.message}.`, { cause });
  }
}
