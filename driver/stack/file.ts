import * as fs from "node:fs";
import * as path from "node:path";
import { ConfigError, editStackFile, parseConfig, parseStackFile, type StackConfig, type StackEdit, type VersionSpec, type VersionValue } from "../../components/config";
import type { ClusterChoice } from "../cluster/client";
import { UsageError } from "../errors";

/** One stack's `Pulumi.<stack>.yaml`: the driver's only memory of what should be deployed. */
export class StackFile {
  readonly path: string;

  constructor(projectDir: string, stack: string) {
    // A fully qualified name, org/project/stack, keeps its file under the last part.
    this.path = path.join(projectDir, `Pulumi.${stack.split("/").pop()}.yaml`);
  }

  private text(): string {
    try {
      return fs.readFileSync(this.path, "utf8");
    } catch (cause) {
      throw new UsageError(`${this.path} cannot be read: choose another --stack, or write its config first.`, { cause });
    }
  }

  /** @throws UsageError with the parser's sentences when the file cannot be understood. */
  read(): StackConfig {
    return this.parse(this.text());
  }

  /** The value of a rollout key as it is written, overrides included. */
  version(key: "stable" | "canary" | "previous"): VersionValue | undefined {
    return parseStackFile(this.text())[key] as VersionValue | undefined;
  }

  /** The cluster that the stack's Kubernetes provider is configured for. */
  cluster(): ClusterChoice {
    return parseStackFile(this.text(), "kubernetes") as ClusterChoice;
  }

  private parse(text: string): StackConfig {
    try {
      return parseConfig(parseStackFile(text));
    } catch (cause) {
      if (cause instanceof ConfigError) throw new UsageError(cause.problems.map((p) => `${path.basename(this.path)}: ${p}`).join("\n"), { cause });
      throw cause;
    }
  }

  /** Changes rollout keys and raises the generation; the new text is checked before it is written. */
  edit(edit: Omit<StackEdit, "generation">): { config: StackConfig; undo(): void } {
    const before = this.text();
    const after = editStackFile(before, { ...edit, generation: this.parse(before).generation + 1 });
    const config = this.parse(after);
    this.replace(after);
    // Somebody else may have written meanwhile; theirs is the newer word.
    return { config, undo: () => void (this.text() === after && this.replace(before)) };
  }

  /** A reader sees the old text or the new one, never a part of it. */
  private replace(text: string): void {
    const next = `${this.path}.${process.pid}`;
    fs.writeFileSync(next, text, { mode: fs.statSync(this.path).mode });
    fs.renameSync(next, this.path);
  }
}

/** The version of a config value, without its overrides. */
export const versionOf = (value: VersionSpec | VersionValue): string => (typeof value === "string" ? value : value.version);
