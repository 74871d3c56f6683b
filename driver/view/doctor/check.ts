/** `fail` keeps a rollout from working, `warn` may, or could not be looked at. */
export type Health = "ok" | "warn" | "fail";

/** What a check found: one sentence, and what to do about it. */
export interface Finding {
  readonly check: string;
  readonly health: Health;
  readonly sentence: string;
  readonly remedy?: string;
}

export type Found = Omit<Finding, "check">;

export const ok = (sentence: string): Found => ({ health: "ok", sentence });
export const warn = (sentence: string, remedy?: string): Found => ({ health: "warn", sentence, ...(remedy === undefined ? {} : { remedy }) });
export const fail = (sentence: string, remedy?: string): Found => ({ health: "fail", sentence, ...(remedy === undefined ? {} : { remedy }) });

/** Something that several checks need is not known: the check that is about it says why, the others only that they cannot look. */
export class NotKnown extends Error {
  constructor(readonly what: string, cause: unknown) {
    super(`${what} is not known`, { cause });
  }
}

/** Looks at one thing. It may find several, or nothing that concerns this stack. */
export interface Check {
  /** Short and stable: programs read it. */
  readonly name: string;
  run(signal: AbortSignal): Promise<Found | readonly Found[]>;
}

const sentenceOf = (error: unknown): string => String((error as Error).message ?? error).split("\n")[0]!.replace(/\.$/, "");

/** What is not known first: the record is not, because the cluster is not, because the config is not. */
const rootOf = (error: NotKnown): NotKnown => (error.cause instanceof NotKnown ? rootOf(error.cause) : error);

async function limited({ run }: Check, ms: number): Promise<readonly Found[]> {
  const stop = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<Found>((resolve) => {
    timer = setTimeout(() => {
      stop.abort();
      resolve(fail(`It could not be checked: there was no answer within ${ms / 1000} s.`, "Look at what it asks, and try again."));
    }, ms);
  });
  try {
    return [await Promise.race([run(stop.signal), late])].flat();
  } catch (error) {
    if (error instanceof NotKnown) return [warn(`Not checked, because ${rootOf(error).what} is not known.`)];
    return [fail(`It could not be checked: ${sentenceOf(error)}.`)];
  } finally {
    clearTimeout(timer);
  }
}

/**
 * Runs all checks at once. None waits for another, and none hides another: one that fails, throws or takes too long is a finding.
 *
 * @param ms for each check
 * @returns what they found, in the order of the checks
 */
export async function runChecks(checks: readonly Check[], ms: number): Promise<Finding[]> {
  const found = await Promise.all(checks.map((check) => limited(check, ms)));
  return found.flatMap((findings, i) => findings.map((finding) => ({ check: checks[i]!.name, ...finding })));
}
