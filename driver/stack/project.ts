import * as path from "node:path";
import { UsageError } from "../errors";
import { readYaml } from "../text-file";

/** What the driver needs of a Pulumi.yaml. */
export interface Project {
  readonly name: string;
  /** The program, relative to the project's folder. */
  readonly main?: string;
  readonly backend?: { readonly url?: string };
}

type Raw = Readonly<Record<string, unknown>>;

/** As Pulumi has it. */
const NAME = /^[A-Za-z0-9_.-]{1,100}$/;

const isMap = (value: unknown): value is Raw => typeof value === "object" && value !== null && !Array.isArray(value);
const isTextOrAbsent = (value: unknown): boolean => value === undefined || typeof value === "string";

function problemOf(project: unknown): string | undefined {
  if (!isMap(project)) return "it must be a map with the keys name and runtime";
  if (typeof project.name !== "string" || !NAME.test(project.name)) return 'its key name must be the project\'s name: letters, digits, "-", "_" and "."';
  if (!isTextOrAbsent(project.main)) return "its key main must be the path of the program";
  if (project.backend !== undefined && project.backend !== null && !(isMap(project.backend) && isTextOrAbsent(project.backend.url))) return "its key backend must be a map with the key url";
  return undefined;
}

/** The project's Pulumi.yaml. @throws UsageError with one sentence when it cannot be read or understood */
export function projectOf(projectDir: string): Project {
  const file = path.join(projectDir, "Pulumi.yaml");
  const project = readYaml(file, "run the driver in the project's folder or name it with --cwd");
  const problem = problemOf(project);
  if (problem !== undefined) throw new UsageError(`${file} cannot be understood: ${problem}.`);
  return project as Project;
}
