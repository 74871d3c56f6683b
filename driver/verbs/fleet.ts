import { bulkhead } from "cockatiel";
import { interruptSignal } from "../interrupts";
import { joinEndings, rollOutTogether, type Member, type StackEnding } from "../fleet/fleet";
import type { Reporter } from "../report/events";
import type { Ending, RolloutContext } from "../rollout/context";
import type { Group } from "../settings";
import { acted, confirmation, openSession, reporterOf, type CommonOptions } from "./session";

export interface FleetOptions extends CommonOptions {
  /** Stacks that go together, by commas; one entry a wave. */
  readonly wave?: readonly string[];
  /** How many stacks may be updated at once. Default 4. */
  readonly parallel?: number;
}

const PARALLEL = 4;

/** Stacks by wave: `--wave eu --wave us,ap`, or `--stack eu,us` for one wave. */
export const wavesOf = ({ stack, wave }: Pick<FleetOptions, "stack" | "wave">): string[][] => (wave?.length ? wave : [stack]).map((names) => names.split(",").map((n) => n.trim()).filter((n) => n !== "")).filter((names) => names.length > 0);

export const isFleet = (options: Pick<FleetOptions, "stack" | "wave">): boolean => wavesOf(options).flat().length > 1;

/** Says which stack each event is of. */
const labelled = (report: Reporter, stack: string, width: number): Reporter => (event) => report({ ...event, stack, message: `${stack.padEnd(width)}  ${event.message}` });

/** Runs a verb on several stacks at once; `meet` is where they wait for each other. Returns the worst exit code. */
export async function onFleet(options: FleetOptions, verb: string, act: (context: RolloutContext) => Promise<Ending>, groups?: readonly Group[]): Promise<number> {
  const report = reporterOf(options);
  const waves = wavesOf(options);
  const width = Math.max(...waves.flat().map((n) => n.length));
  const interrupted = interruptSignal();
  const policy = bulkhead(options.parallel ?? PARALLEL, Infinity);
  const confirm = confirmation(options);
  /** Each question is put once, for all stacks. */
  const answers = new Map<string, Promise<boolean | undefined>>();
  const askOnce = (question: string, asked: AbortSignal): Promise<boolean | undefined> => {
    const answer = answers.get(question) ?? confirm(`${question.replace("?", "")} on ${waves.flat().join(", ")}?`, asked);
    answers.set(question, answer);
    return answer;
  };
  const leaving: (() => Promise<void>)[] = [];
  const member = (stack: string): Member => ({
    stack,
    async run(signal, meet) {
      const opened = await openSession({ ...options, stack }, {
        verb,
        ...(groups ? { groups } : {}),
        report: labelled(report, stack, width),
        signal: AbortSignal.any([interrupted, signal]),
        confirm: askOnce,
        beforeAsking: () => meet("passed"),
        beforeMove: () => meet("full"),
        limit: (update) => policy.execute(update),
      });
      leaving.push(opened.leave);
      return acted({ ...options, stack }, opened, act);
    },
  });
  const endings: StackEnding[] = await rollOutTogether(waves.map((wave) => wave.map(member)), report);
  const { outcome, message, exitCode } = joinEndings(endings);
  report({ event: "end", ...(outcome ? { outcome } : {}), message });
  await Promise.all(leaving.map((leave) => leave()));
  return exitCode;
}
