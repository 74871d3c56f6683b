/** Ctrl-C ends what only looks, and nothing else; so does a terminal that goes away, or a reader of a pipe. */
export interface Quit {
  readonly signal: AbortSignal;
  /** Gives the signals back. */
  off(): void;
}

export function quitSignal(): Quit {
  const controller = new AbortController();
  const quit = (): void => controller.abort();
  const signals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
  for (const name of signals) process.on(name, quit);
  process.stdout.on("error", quit);
  return {
    signal: controller.signal,
    off: () => {
      signals.forEach((name) => process.off(name, quit));
      process.stdout.off("error", quit);
    },
  };
}
