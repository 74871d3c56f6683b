import type { StackConfig } from "../../components/config";
import { podReader } from "../cluster/pods";
import { EXIT, UpdateFailedError } from "../errors";
import { ended, promoted, type Ending, type RolloutContext } from "./context";
import { rolloutId } from "./rollout";

/** The first version of a stack: nobody is served yet, so there is nothing to compare it with. */
export async function install(context: RolloutContext, config: StackConfig, version: string): Promise<Ending> {
  const { file, ledger, report, updates, cluster } = context;
  report({ event: "start", message: `installing ${version} as the stable version, all at once: this stack has none yet` });
  const startedAt = new Date();
  const { write, undo, config: after, keys } = file.edit({ stable: version, weight: 0 });
  write();
  try {
    await updates.run({ message: `install ${version}`, creates: true, lockWaitSeconds: config.rollout.lockWaitSeconds, note: (message) => report({ event: "note", message }), signal: context.signal });
  } catch (cause) {
    // Otherwise the next try would find a stable version in the file and take it for installed.
    undo();
    context.signal.throwIfAborted();
    if (!(cause instanceof UpdateFailedError)) throw cause;
    const why = await podReader(cluster, config.namespace).explain(version);
    return ended("failed", EXIT.failed, why ? `${version} is not installed: ${why}.` : cause.message);
  }
  const entry = { id: rolloutId(version, startedAt), version, kind: "install", outcome: "promoted", reason: "the first version", startedAt: startedAt.toISOString(), endedAt: new Date().toISOString(), by: ledger.holder, generation: after.generation } as const;
  // The update may have made the namespace that the record lives in.
  await ledger.anyway(ledger.open().then(() => ledger.keys(after.generation, keys)).then(() => ledger.close({ entry })));
  return promoted(`${version} is installed and stable.`);
}
