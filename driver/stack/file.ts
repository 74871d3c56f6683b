import * as fs from "node:fs";
import * as path from "node:path";
import { isDeepStrictEqual } from "node:util";
import { ConfigError, editStackFile, linesOf, parseStackFile, type StackConfig, type StackEdit, type VersionSpec, type VersionValue } from "../../components/config";
import type { RecordedKeys } from "../../components/record/format";
import type { ClusterChoice } from "../cluster/client";
import { DriverError, UsageError } from "../errors";
import { withSettings, type Settings } from "../settings";
import { readText, reasonOf } from "../text-file";
import { clusterIn } from "./provider";
import { checkName } from "./name";

/** A change of the stack file that is ready to be written. */
export interface FileEdit {
  readonly config: StackConfig;
  readonly keys: RecordedKeys;
  write(): void;
  /** Takes the change back, unless somebody has written since. */
  undo(): void;
}

/** One stack's `Pulumi.<stack>.yaml`: the driver's only memory of what should be deployed. */
export class StackFile {
  readonly path: string;
  /** What the file said when this driver last wrote or remembered it. */
  private written: StackConfig | undefined;

  /** @param settings flags and variables that stand over the file's values; they are never written */
  constructor(projectDir: string, stack: string, private settings: Settings = {}) {
    checkName(stack);
    // A fully qualified name, org/project/stack, keeps its file under the last part.
    this.path = path.join(projectDir, `Pulumi.${stack.split("/").pop()}.yaml`);
  }

  /** Puts what a rollout was started with below what this command was given. */
  continueWith(settings: Settings): void {
    this.settings = { ...settings, ...this.settings };
  }

  private text(): string {
    return readText(this.path, "choose another --stack, or mend that first");
  }

  /** @throws UsageError with the parser's sentences when the file cannot be understood. */
  read(): StackConfig {
    return this.parse(this.text());
  }

  /** The value of a rollout key as it is written, overrides included. */
  version(key: "stable" | "canary" | "previous"): VersionValue | undefined {
    return this.understood(() => parseStackFile(this.text())[key] as VersionValue | undefined);
  }

  /** The cluster that the stack's Kubernetes provider is configured for. @throws UsageError when the file cannot be understood, or the choice is encrypted */
  cluster(): ClusterChoice {
    return this.understood(() => clusterIn(parseStackFile(this.text(), "kubernetes")));
  }

  private parse(text: string): StackConfig {
    return this.understood(() => withSettings(parseStackFile(text), this.settings));
  }

  /** What is wrong with the file is said with its name. */
  private understood<T>(read: () => T): T {
    try {
      return read();
    } catch (cause) {
      if (!(cause instanceof ConfigError)) throw cause;
      throw new UsageError(linesOf(cause.problems.map((p) => `${path.basename(this.path)}: ${p}`)), { cause });
    }
  }

  /** The rollout keys as they are written, overrides included. */
  keys(): RecordedKeys {
    return this.understood(() => keysOf(this.text()));
  }

  /**
   * Prepares a change of rollout keys that raises the generation. The new text is checked now and written by `write`, so that its
   * intent can be told to others in between.
   *
   * @throws UsageError when the file cannot be understood, before or after
   */
  edit(edit: Omit<StackEdit, "generation">): FileEdit {
    const before = this.text();
    const after = this.understood(() => editStackFile(before, { ...edit, generation: this.parse(before).generation + 1 }));
    const config = this.parse(after);
    return {
      config,
      keys: keysOf(after),
      write: () => {
        this.replace(after);
        this.written = config;
      },
      // Somebody else may have written meanwhile; theirs is the newer word.
      undo: () => {
        if (this.text() !== after) return;
        this.replace(before);
        this.written = this.parse(before);
      },
    };
  }

  /** Writes keys that are newer than the file's, with their generation: the driver wrote them elsewhere. Removes canary:force. */
  adopt(written: Written): void {
    const text = this.understood(() => withKeys(this.text(), written));
    this.parse(text);
    this.replace(text);
  }

  /** Takes the file as it is for what this driver knows; {@link StackFile.editedByOthers} compares with that. */
  remember(): void {
    this.written = this.read();
  }

  /** What this driver wrote or remembered last, whoever has edited it since; before that, what the file says. */
  get known(): StackConfig {
    return this.written ?? this.read();
  }

  /** Says that somebody else changed what the file means since this driver wrote or remembered it; comments are free. */
  editedByOthers(): string | undefined {
    if (!this.written || isDeepStrictEqual(this.read(), this.written)) return undefined;
    return `${path.basename(this.path)} was edited during the rollout`;
  }

  /** A reader sees the old text or the new one, never a part of it. @throws DriverError when it cannot be written */
  private replace(text: string): void {
    let next: string | undefined;
    try {
      // A link stays one.
      const file = fs.realpathSync(this.path);
      next = `${file}.${process.pid}`;
      fs.writeFileSync(next, text, { mode: fs.statSync(file).mode });
      fs.renameSync(next, file);
    } catch (cause) {
      if (next !== undefined) fs.rmSync(next, { force: true });
      throw new DriverError(`${this.path} cannot be written (${reasonOf(cause)}): the driver needs to write it and its folder.`, undefined, { cause });
    }
  }
}

/** Rollout keys at a generation: what a stack file or a record says. */
export interface Written {
  readonly generation: number;
  readonly keys: RecordedKeys;
}

/** A stack file's text with these rollout keys and no others, and without canary:force. */
export const withKeys = (text: string, { generation, keys: { stable, canary, previous, weight } }: Written): string =>
  editStackFile(text, { ...(stable === undefined ? {} : { stable }), canary: canary ?? null, previous: previous ?? null, weight, generation, force: null });

function keysOf(text: string): RecordedKeys {
  const { stable, canary, previous, weight } = parseStackFile(text) as Partial<Record<"stable" | "canary" | "previous", VersionValue>> & { weight?: number };
  return { ...(stable === undefined ? {} : { stable }), ...(canary === undefined ? {} : { canary }), ...(previous === undefined ? {} : { previous }), weight: weight ?? 0 };
}

/** The version of a config value, without its overrides. */
export const versionOf = (value: VersionSpec | VersionValue): string => (typeof value === "string" ? value : value.version);
