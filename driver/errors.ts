/** Exit codes of every verb; scripts depend on them. */
export const EXIT = {
  done: 0,
  failed: 1,
  rolledBack: 2,
  held: 3,
  busy: 4,
  usage: 64,
  interruptedReverted: 130,
  interruptedHeld: 131,
} as const;
export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** A failure whose message is one sentence for a person; anything else that is thrown is a bug of ours. `--debug` shows the stack of either. */
export class DriverError extends Error {
  constructor(message: string, readonly exitCode: ExitCode = EXIT.failed, options?: ErrorOptions) {
    super(message, options);
    this.name = new.target.name;
  }
}

/** Wrong arguments or a wrong stack file; nothing was touched. */
export class UsageError extends DriverError {
  constructor(message: string, options?: ErrorOptions) {
    super(message, EXIT.usage, options);
  }
}

/** Somebody else works on this stack, or a rollout is under way. */
export class BusyError extends DriverError {
  constructor(message: string, options?: ErrorOptions) {
    super(message, EXIT.busy, options);
  }
}

/** `pulumi up` did not succeed; the message holds what the engine reported. */
export class UpdateFailedError extends DriverError {}

/** The person or the CI system asked the driver to stop. */
export class InterruptedError extends DriverError {
  constructor(readonly signalName: string) {
    super(`Interrupted by ${signalName}.`, EXIT.interruptedReverted);
  }
}
