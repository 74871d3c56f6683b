import * as fs from "node:fs";
import { z } from "zod";
import type { ClusterFiles } from "./state";

/** What an image name stands for on a node that runs plain processes: its entry point, and the environment that each tag has built in. */
const imageSchema = z.strictObject({
  command: z.array(z.string()).min(1),
  env: z.record(z.string(), z.string()).default({}),
  /** Tags that exist, with what they add to the environment. */
  tags: z.record(z.string(), z.record(z.string(), z.string())),
  /** Tags that run a program of their own, each in a folder of its own; `files` are the folders that the program consists of. */
  programs: z.record(z.string(), z.strictObject({ command: z.array(z.string()).min(1), workingDir: z.string(), files: z.array(z.string()).default([]) })).default({}),
});
export type Image = z.input<typeof imageSchema>;
export type Images = Record<string, Image>;

export interface ResolvedImage {
  readonly command: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** Where its program starts unless the container says otherwise. */
  readonly workingDir?: string;
  /** Folders that a volume must not hide from it. */
  readonly files?: readonly string[];
}

/** Splits `host:5000/name:tag` and `name@sha256:…`; without a tag it is `latest`. */
export function parseImage(reference: string): { repository: string; tag: string } {
  const digest = reference.indexOf("@");
  if (digest >= 0) return { repository: reference.slice(0, digest), tag: reference.slice(digest + 1) };
  const colon = reference.lastIndexOf(":");
  if (colon <= reference.lastIndexOf("/")) return { repository: reference, tag: "latest" };
  return { repository: reference.slice(0, colon), tag: reference.slice(colon + 1) };
}

/** The cluster's image table, a file that is read anew for every container so that images can be added while it runs. */
export class ImageTable {
  constructor(private readonly files: ClusterFiles) {}

  private read(): Record<string, z.output<typeof imageSchema>> {
    if (!fs.existsSync(this.files.images)) return {};
    return z.record(z.string(), imageSchema).parse(JSON.parse(fs.readFileSync(this.files.images, "utf8")));
  }

  /** Adds images, or tags to images that are there. */
  add(images: Images): void {
    const table: Images = this.read();
    for (const [name, image] of Object.entries(images)) {
      const { tags, programs } = table[name] ?? {};
      table[name] = { ...image, tags: { ...tags, ...image.tags }, programs: { ...programs, ...image.programs } };
    }
    const next = `${this.files.images}.${process.pid}`;
    fs.writeFileSync(next, JSON.stringify(table, null, 2), { mode: 0o600 });
    fs.renameSync(next, this.files.images);
  }

  /** The image's command and environment, or undefined when no such image or tag exists. */
  resolve(reference: string): ResolvedImage | undefined {
    const { repository, tag } = parseImage(reference);
    const image = this.read()[repository];
    const tagged = image?.tags[tag];
    return image && tagged && { command: image.command, env: { ...image.env, ...tagged }, ...image.programs[tag] };
  }
}
