import { parseImage } from "../cluster/images";
import { SandboxError } from "../errors";

/** Where the program of an image comes from. */
export type Source =
  | { readonly kind: "npm"; readonly spec: string; readonly packageName: string; readonly args: readonly string[] }
  | { readonly kind: "file"; readonly file: string; readonly args: readonly string[] };

/** One image that a user gives the cluster. */
export interface GivenImage {
  readonly name: string;
  readonly tag: string;
  readonly source: Source;
}

const FORM = "write NAME:TAG=npm:PACKAGE@VERSION or NAME:TAG=file:PROGRAM, and arguments after it, all in one pair of quotes";
const NAME = /^[a-z]([-a-z0-9]*[a-z0-9])?$/;
const PACKAGE = /^((?:@[a-z0-9][-a-z0-9._]*\/)?[a-z0-9][-a-z0-9._]*)@[A-Za-z0-9][A-Za-z0-9._+-]*$/;

/**
 * Reads `shop:v2=npm:http-server@14.1.1 --cors`: the image's name and tag, and the program that it runs. Arguments are split at spaces.
 *
 * @throws SandboxError when it has another form, or names an npm package without its version
 */
export function parseGiven(text: string): GivenImage {
  const [, reference, kind, rest] = /^([^=]+)=(npm|file):(.+)$/s.exec(text.trim()) ?? [];
  if (reference === undefined || rest === undefined) throw new SandboxError(`The image "${text}" cannot be understood: ${FORM}.`);
  const { repository: name, tag } = parseImage(reference);
  if (!NAME.test(name) || name.length > 40) throw new SandboxError(`"${name}" cannot name a service: use lower-case letters, digits and "-", at most 40, a letter first; ${FORM}.`);
  if (!reference.includes(":")) throw new SandboxError(`The image "${text}" has no tag, which is the version that you deploy: ${FORM}.`);
  const [what = "", ...args] = rest.split(/\s+/);
  if (kind === "file") return { name, tag, source: { kind, file: what, args } };
  const packageName = PACKAGE.exec(what)?.[1];
  if (packageName === undefined) throw new SandboxError(`"${what}" is no npm package with a version, such as http-server@14.1.1: ${FORM}.`);
  return { name, tag, source: { kind: "npm", spec: what, packageName, args } };
}
