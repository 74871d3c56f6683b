import { EXIT, InterruptedError } from "./errors";

/**
 * A signal that aborts at the first SIGINT, SIGTERM or SIGHUP (a terminal that goes away); the second one leaves at once, saying what may be unfinished.
 * The caller owns the process: call it once.
 */
export function interruptSignal(): AbortSignal {
  const controller = new AbortController();
  // `canary deploy … | head`: a reader that goes away is no reason to leave a canary behind.
  for (const stream of [process.stdout, process.stderr]) stream.on("error", () => undefined);
  for (const name of ["SIGINT", "SIGTERM", "SIGHUP"] as const)
    process.on(name, () => {
      if (!controller.signal.aborted) {
        process.stderr.write(`\n${name}: ending the rollout safely; once more leaves at once.\n`);
        return controller.abort(new InterruptedError(name));
      }
      process.stderr.write(`${name} again: left where it was. Look with \`canary status\`, then \`canary rollback\` or \`canary promote\`.\n`);
      process.exit(EXIT.interruptedHeld);
    });
  return controller.signal;
}
