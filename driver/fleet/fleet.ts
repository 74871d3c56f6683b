import { EXIT, FleetError, type ExitCode } from "../errors";
import type { Reporter } from "../report/events";
import { ended, type Ending } from "../rollout/context";
import { Barrier } from "./barrier";

/** One stack of a rollout over several, e.g. a region. */
export interface Member {
  readonly stack: string;
  /**
   * Rolls out; rejects when it could not even begin.
   *
   * @param signal aborted with a FleetError when another stack fails or is held
   * @param meet waits for all other stacks: once when every stage has passed, and once more when all traffic is on the canary
   */
  run(signal: AbortSignal, meet: (point: "passed" | "full") => Promise<void>): Promise<Ending>;
}

export interface StackEnding extends Ending {
  readonly stack: string;
}

/** From worst to best: a fleet ends with the worst that one of its stacks ended with. */
const WORST_FIRST: readonly ExitCode[] = [EXIT.interruptedHeld, EXIT.interruptedReverted, EXIT.held, EXIT.busy, EXIT.usage, EXIT.failed, EXIT.rolledBack, EXIT.done];

/** What a stack's end means to the others; nothing when it was promoted. */
function consequence({ outcome, exitCode }: Ending): "hold" | "rollback" | undefined {
  if (outcome === "promoted" || exitCode === EXIT.done) return undefined;
  return outcome === "held" ? "hold" : "rollback";
}

/**
 * Rolls out on several stacks, wave by wave: a wave begins when every stack before it has passed its stages, and waits there, watched.
 * All are promoted when all have passed; when one fails or is held, so are all others.
 *
 * @param waves stacks that go together; at least one wave of at least one
 */
export async function rollOutTogether(waves: readonly (readonly Member[])[], report: Reporter): Promise<StackEnding[]> {
  const count = waves.flat().length;
  const [passed, full] = [new Barrier(count), new Barrier(count)];
  const stop = new AbortController();
  const endings: StackEnding[] = [];
  const follow = async (member: Member, ready: () => void): Promise<void> => {
    const meet = (point: "passed" | "full"): Promise<void> => {
      if (point === "passed") ready();
      return (point === "passed" ? passed : full).arrive(member.stack);
    };
    const ending = await member.run(stop.signal, meet).catch((cause: Error & { exitCode?: ExitCode }): Ending => ended("failed", cause.exitCode ?? EXIT.failed, cause.message));
    endings.push({ stack: member.stack, ...ending });
    const verb = consequence(ending);
    if (verb && !stop.signal.aborted) {
      report({ event: "note", message: `${member.stack} ${verb === "rollback" ? "goes home" : "is held"}: all stacks of this rollout do the same` });
      stop.abort(new FleetError(verb, member.stack));
    }
    // A stack that has ended keeps nobody waiting.
    void passed.arrive(member.stack);
    void full.arrive(member.stack);
    ready();
  };
  const running: Promise<void>[] = [];
  for (const [index, wave] of waves.entries()) {
    if (stop.signal.aborted) break;
    if (waves.length > 1) report({ event: "note", message: `wave ${index + 1} of ${waves.length}: ${wave.map((m) => m.stack).join(", ")}` });
    await Promise.all(wave.map((member) => new Promise<void>((resolve) => running.push(follow(member, resolve)))));
  }
  await Promise.all(running);
  return endings;
}

/** The joint verdict, with the worst exit code. */
export function joinEndings(endings: readonly StackEnding[]): Ending {
  const exitCode = WORST_FIRST.find((code) => endings.some((e) => e.exitCode === code)) ?? EXIT.done;
  const worst = endings.find((e) => e.exitCode === exitCode);
  const message = endings.map((e) => `${e.stack}: ${e.message}`).join("\n");
  return { exitCode, message, ...(worst?.outcome ? { outcome: worst.outcome } : {}) };
}
