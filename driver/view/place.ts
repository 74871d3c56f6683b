import { clusterAccess, type ClusterAccess } from "../cluster/client";
import { Dependencies } from "../resilience/registry";
import { CALLING, chooseCluster, readSettings, resilienceOf, type Group, type Settings } from "../settings";
import { StackFile } from "../stack/file";

/** Where a stack is found; flags such as `--context` may stand beside these two. */
export interface StackAt {
  readonly stack: string;
  /** The Pulumi project's folder. */
  readonly cwd: string;
}

/** What a verb works with that only looks at a stack. */
export interface Place {
  /** With what flags and variables set on top of it. */
  readonly file: StackFile;
  readonly settings: Settings;
  readonly cluster: ClusterAccess;
  /** What this process's environment was given to choose the same cluster. */
  readonly env: Readonly<Record<string, string>>;
  /** Asked once each: a look is repeated anyway, and nobody should wait for a dead server. */
  readonly dependencies: Dependencies;
}

/** The settings that a look minds: the cluster's, those of its calls, and where Prometheus is. Nothing that says how a canary is rolled out. */
function settingsOf(at: StackAt, groups: readonly Group[]): Settings {
  const { PROMETHEUS_URL } = process.env;
  return { ...readSettings({}, { PROMETHEUS_URL }, ["rollout"]), ...readSettings(at, process.env, groups) };
}

/**
 * Finds a stack. Pulumi, which may be asked later, is told the same cluster by this process's environment.
 *
 * @param groups which settings the verb minds; default those of the cluster and of the driver's own calls
 * @throws UsageError when a flag or a variable is wrong, or the stack file cannot be read
 */
export function placeOf(at: StackAt, groups: readonly Group[] = CALLING): Place {
  const settings = settingsOf(at, groups);
  const file = new StackFile(at.cwd, at.stack, settings);
  const { choice, env } = chooseCluster(at.stack, settings, file.cluster());
  Object.assign(process.env, env);
  const dependencies = new Dependencies({ ...resilienceOf(settings), tries: 1 });
  return { file, settings, dependencies, env, cluster: clusterAccess(choice, { dependencies }) };
}
